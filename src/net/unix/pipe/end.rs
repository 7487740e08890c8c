//! How a descriptor becomes an end of a pipe.

use crate::net::stream::{At, Stream};
use crate::sys;
use crate::sys::pipe::Access;
use crate::sys::recv::StreamKind;
use filch_executor::Handle;
use filch_reactor::Io;
use std::io;
use std::os::fd::OwnedFd;

/// An end whose descriptor is in non-blocking mode.
pub(super) fn end(handle: &Handle, descriptor: OwnedFd, at: At) -> Stream<OwnedFd> {
    let io = Io::new(handle.reactor().clone(), descriptor);
    Stream::new(io, at, StreamKind::Pipe)
}

/// Takes a descriptor over, which may be in whatever mode.
pub(super) fn adopt(descriptor: OwnedFd, at: At) -> io::Result<Stream<OwnedFd>> {
    let handle = Handle::try_current()?;
    sys::set_nonblocking(&descriptor)?;
    Ok(end(&handle, descriptor, at))
}

/// Looks whether a descriptor is a pipe of which the right end is open.
pub(super) fn check(
    descriptor: &OwnedFd,
    what: &str,
    is_right: fn(Access) -> bool,
) -> io::Result<()> {
    let access = sys::pipe::access(descriptor)?;
    if !access.is_pipe {
        return Err(wrong("not a pipe"));
    }
    match is_right(access) {
        true => Ok(()),
        false => Err(wrong(&format!(
            "not an end of a pipe that is open for {what}"
        ))),
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
