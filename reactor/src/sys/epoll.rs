//! The system calls of epoll and eventfd, without any policy: `selector/epoll.rs` has that.

#[cfg(not(miri))]
mod kernel;
#[cfg(miri)]
mod miri;

#[cfg(not(miri))]
pub(crate) use kernel::{READ, wait};
#[cfg(miri)]
pub(crate) use miri::{READ, wait};

use super::Borrowed;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

/// What the kernel reports of one source: flags and the number that the source was added with.
pub(crate) use libc::epoll_event as Record;

/// What to do with a source.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Control {
    Add = libc::EPOLL_CTL_ADD as isize,
    Modify = libc::EPOLL_CTL_MOD as isize,
    Delete = libc::EPOLL_CTL_DEL as isize,
}

pub(crate) fn create() -> io::Result<OwnedFd> {
    // SAFETY: the call makes a descriptor that nobody else knows.
    unsafe { own(libc::epoll_create1(libc::EPOLL_CLOEXEC)) }
}

/// A counter at 0, in non-blocking mode.
pub(crate) fn eventfd() -> io::Result<File> {
    // SAFETY: the call makes a descriptor that nobody else knows.
    unsafe { own(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)) }.map(File::from)
}

pub(crate) fn control(
    epoll: &OwnedFd,
    what: Control,
    source: Borrowed<'_>,
    number: u64,
    flags: libc::c_int,
) -> io::Result<()> {
    let mut event = Record {
        events: flags as u32,
        u64: number,
    };
    let (epoll, source) = (epoll.as_raw_fd(), source.as_raw_fd());
    // SAFETY: both descriptors are open, because they are borrowed; the event is read during the call.
    checked(unsafe { libc::epoll_ctl(epoll, what as libc::c_int, source, &raw mut event) })?;
    Ok(())
}

/// As `wait`, with a limit in milliseconds, which every Linux has: -1 is none, and 0 only looks.
pub(crate) fn wait_coarsely(
    epoll: &OwnedFd,
    list: &mut Vec<Record>,
    milliseconds: libc::c_int,
) -> io::Result<()> {
    list.clear();
    let (epoll, most) = (epoll.as_raw_fd(), list.capacity() as libc::c_int);
    // SAFETY: the descriptor is open; the list has room for as many events as are asked for. As many are written as it
    // says.
    unsafe {
        let count = libc::epoll_wait(epoll, list.as_mut_ptr(), most, milliseconds);
        filled(list, count)
    }
}

/// Sleeps until there are events or the time is over, and leaves the events where they are. Are there any?
pub(crate) fn sleep(epoll: &OwnedFd, timeout: Duration) -> io::Result<bool> {
    let mut epoll = libc::pollfd {
        fd: epoll.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let timeout = libc::timespec {
        // A time beyond the system's range becomes its largest.
        tv_sec: timeout.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos() as _,
    };
    // SAFETY: it is one descriptor, and open; the time is valid; there is no signal mask.
    let count = unsafe { libc::ppoll(&raw mut epoll, 1, &raw const timeout, ptr::null()) };
    Ok(checked(count)? > 0)
}

/// What a system call answered, or why it failed.
fn checked(answer: libc::c_int) -> io::Result<libc::c_int> {
    match answer {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(answer),
    }
}

/// # Safety
/// `descriptor` is open and nobody else's, or the -1 of a call that failed.
unsafe fn own(descriptor: libc::c_int) -> io::Result<OwnedFd> {
    let descriptor = checked(descriptor)?;
    // SAFETY: as the caller promises.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// # Safety
/// `count` events were written to the beginning of the list's room, or it is the -1 of a call that failed.
unsafe fn filled(list: &mut Vec<Record>, count: libc::c_int) -> io::Result<()> {
    let count = checked(count)?;
    // SAFETY: as the caller promises.
    unsafe { list.set_len(count as usize) };
    Ok(())
}
