//! Unix: anything with a file descriptor.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// An I/O object that can be watched for readiness: on Unix, whatever has a file descriptor.
///
/// It is implemented for every such type and cannot be implemented otherwise. Not every descriptor has a readiness: for
/// a regular file or a directory the first wait fails with
/// [`io::ErrorKind::Unsupported`](std::io::ErrorKind::Unsupported).
pub trait AsSource: AsFd {}

impl<T: AsFd> AsSource for T {}

pub(crate) type Descriptor = RawFd;
pub(crate) type Borrowed<'a> = BorrowedFd<'a>;

pub(crate) fn descriptor(source: &impl AsSource) -> Descriptor {
    source.as_fd().as_raw_fd()
}

/// What came from an open descriptor is not negative.
pub(crate) fn number(descriptor: Descriptor) -> u64 {
    u64::try_from(descriptor).unwrap_or(0)
}

/// # Safety
/// The descriptor must stay open for all of `'a`.
pub(crate) unsafe fn borrow<'a>(descriptor: Descriptor) -> Borrowed<'a> {
    // SAFETY: the caller vouches for the lifetime; it came from an `AsFd`, so it is not -1.
    unsafe { BorrowedFd::borrow_raw(descriptor) }
}
