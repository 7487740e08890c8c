//! Waiting in a thread of our own, for a standard stream that somebody has put into non-blocking mode.
//!
//! The mode belongs to the open file, not to the process: whoever else has the terminal or pipe open sets it for
//! everybody.

use std::io;

#[cfg(unix)]
pub(crate) use std::os::fd::AsFd as Waitable;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Readable,
    Writable,
}

/// Makes `call` until it neither would block nor is interrupted; blocks the thread in between.
pub(crate) fn patiently<S: Waitable, R>(
    stream: &mut S,
    until: Until,
    mut call: impl FnMut(&mut S) -> io::Result<R>,
) -> io::Result<R> {
    loop {
        match call(stream) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => block(stream, until)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Blocks until `stream` is ready, has ended or is broken: the next call says which.
#[cfg(unix)]
fn block<S: Waitable>(stream: &S, until: Until) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let mut watched = libc::pollfd {
        fd: stream.as_fd().as_raw_fd(),
        events: match until {
            Until::Readable => libc::POLLIN,
            Until::Writable => libc::POLLOUT,
        },
        revents: 0,
    };
    // SAFETY: the pointer is to one entry, whose descriptor is open while the stream is borrowed.
    match unsafe { libc::poll(&raw mut watched, 1, -1) } {
        -1 => Err(io::Error::last_os_error()).or_else(ignore_signals),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn ignore_signals(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        _ => Err(error),
    }
}

/// Whatever is read or written: its streams have no such mode.
#[cfg(windows)]
pub(crate) trait Waitable {}

#[cfg(windows)]
impl<T> Waitable for T {}

#[cfg(windows)]
fn block<S: Waitable>(_: &S, _: Until) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}
