//! A descriptor that is readable once a process has ended.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// The descriptor of a child that has not been waited for.
///
/// # Errors
/// The system's; before Linux 5.3 there is no such call.
pub(crate) fn open_pidfd(pid: u32) -> io::Result<OwnedFd> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    // SAFETY: the call takes two numbers. Its descriptor is closed on exec.
    let number = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    match RawFd::try_from(number) {
        // SAFETY: the descriptor is new, and nobody else's.
        Ok(number) if number >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(number) }),
        _ => Err(io::Error::last_os_error()),
    }
}
