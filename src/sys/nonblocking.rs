//! Non-blocking mode for any descriptor, on every Unix.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// One system call, where `fcntl` takes two.
pub(crate) fn set_nonblocking<T: AsFd>(source: &T) -> io::Result<()> {
    set(source, true)
}

/// The way back.
pub(crate) fn set_blocking<T: AsFd>(source: &T) -> io::Result<()> {
    set(source, false)
}

fn set<T: AsFd>(source: &T, nonblocking: bool) -> io::Result<()> {
    let on = libc::c_int::from(nonblocking);
    // SAFETY: the descriptor is open while `source` is borrowed, and this request reads one int.
    match unsafe { libc::ioctl(source.as_fd().as_raw_fd(), libc::FIONBIO, &raw const on) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
