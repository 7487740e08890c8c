//! Advisory locks on files, on every Unix.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Takes a lock, or gives it back. False: `LOCK_NB` was asked for, and somebody else has it.
///
/// # Errors
/// The system's.
pub(crate) fn flock<T: AsFd>(file: &T, what: i32) -> io::Result<bool> {
    loop {
        // SAFETY: the descriptor is open while `file` is borrowed.
        if unsafe { libc::flock(file.as_fd().as_raw_fd(), what) } == 0 {
            return Ok(true);
        }
        match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            error if error.kind() == io::ErrorKind::Interrupted => {}
            error => return Err(error),
        }
    }
}
