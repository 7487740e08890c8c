//! Unix: signals to children and their groups, and a look whether one has ended that leaves it to be waited for.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Who gets a signal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whom {
    /// A child.
    Child(u32),
    /// The process group that this child leads.
    GroupOf(u32),
}

/// Sends a signal. The child must not have been waited for.
///
/// # Errors
/// The system's. That nobody is left to get it is none.
pub(crate) fn send(whom: Whom, signal: i32) -> io::Result<()> {
    let (pid, sign) = match whom {
        Whom::Child(pid) => (pid, 1),
        Whom::GroupOf(pid) => (pid, -1),
    };
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    // 0, 1 and -1 mean everybody, or init; no child has such an id.
    assert!(pid > 1, "a child has a process id");
    // SAFETY: it takes two numbers.
    match unsafe { libc::kill(sign * pid, signal) } {
        -1 => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            error => Err(error),
        },
        _ => Ok(()),
    }
}

/// Whether a child has ended. It stays to be waited for.
///
/// # Errors
/// The system's.
pub(crate) fn has_ended(pid: u32) -> io::Result<bool> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the pointer is to room for what is said of the child.
    match unsafe { libc::waitid(libc::P_PID, pid as libc::id_t, info.as_mut_ptr(), options) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: zeroed, which is valid for it, and perhaps written by the system: not if nothing has happened.
        _ => Ok(unsafe { info.assume_init() }.si_signo != 0),
    }
}

/// Blocks until one of the descriptors is readable or the time is over; says which are.
///
/// # Errors
/// The system's. That a signal came is none.
pub(crate) fn poll_readable(
    descriptors: &[BorrowedFd<'_>],
    limit: Option<Duration>,
) -> io::Result<Vec<bool>> {
    let mut watched: Vec<_> = descriptors
        .iter()
        .map(|descriptor| libc::pollfd {
            fd: descriptor.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    let millis = limit.map_or(-1, |limit| {
        i32::try_from(limit.as_millis()).unwrap_or(i32::MAX)
    });
    // SAFETY: the pointer is to as many entries, whose descriptors are borrowed.
    let count = unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as libc::nfds_t, millis) };
    match count {
        -1 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(vec![false; watched.len()]),
            error => Err(error),
        },
        _ => Ok(watched.iter().map(|entry| entry.revents != 0).collect()),
    }
}
