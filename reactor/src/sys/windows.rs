//! Windows: sockets only.

use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

/// An I/O object that can be watched for readiness: on Windows, whatever has a socket.
///
/// It is implemented for every such type and cannot be implemented otherwise.
pub trait AsSource: AsSocket {}

impl<T: AsSocket> AsSource for T {}

pub(crate) type Descriptor = RawSocket;
pub(crate) type Borrowed<'a> = BorrowedSocket<'a>;

pub(crate) fn descriptor(source: &impl AsSource) -> Descriptor {
    source.as_socket().as_raw_socket()
}

pub(crate) fn number(descriptor: Descriptor) -> u64 {
    descriptor as u64
}

/// # Safety
/// The socket must stay open for all of `'a`.
pub(crate) unsafe fn borrow<'a>(descriptor: Descriptor) -> Borrowed<'a> {
    // SAFETY: the caller vouches for the lifetime; it came from an `AsSocket`, so it is a valid handle.
    unsafe { BorrowedSocket::borrow_raw(descriptor) }
}
