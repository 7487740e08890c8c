//! Non-blocking mode for any descriptor, on every Unix.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// One system call, where `fcntl` takes two.
pub(crate) fn set_nonblocking<T: AsFd>(source: &T) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open while `source` is borrowed, and this request reads one int.
    match unsafe { libc::ioctl(source.as_fd().as_raw_fd(), libc::FIONBIO, &raw const on) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
