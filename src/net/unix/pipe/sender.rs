//! The writing end of a pipe.

use super::end::{adopt, check};
use crate::net::ready::{readiness_of, readiness_to_write};
use crate::net::stream::{Endpoint, Stream, Writable, Write, WriteAll};
use crate::sys;
use filch_reactor::Source;
use futures_io::AsyncWrite;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The writing end of a pipe.
///
/// The receiver comes to the end of the stream when all senders are dropped; closing one flushes and does nothing else.
/// It implements `AsyncWrite`, and so does a reference to it.
#[derive(Debug)]
pub struct Sender {
    end: Stream<OwnedFd>,
}

impl Sender {
    pub(super) fn new(end: Stream<OwnedFd>) -> Sender {
        Sender { end }
    }

    /// Takes over a file that is the writing end of a pipe, and puts it into non-blocking mode.
    ///
    /// # Errors
    /// `InvalidInput` if it is none; the system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn from_file(file: File) -> io::Result<Sender> {
        Sender::from_owned_fd(file.into())
    }

    /// Takes over a descriptor that is the writing end of a pipe, and puts it into non-blocking mode.
    ///
    /// # Errors
    /// `InvalidInput` if it is none; the system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn from_owned_fd(descriptor: OwnedFd) -> io::Result<Sender> {
        let at = Location::caller();
        check(&descriptor, "writing", |access| access.writes)?;
        adopt(descriptor, at).map(Sender::new)
    }

    /// Takes over a file without looking what it is, and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn from_file_unchecked(file: File) -> io::Result<Sender> {
        Sender::from_owned_fd_unchecked(file.into())
    }

    /// Takes over a descriptor without looking what it is, and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn from_owned_fd_unchecked(descriptor: OwnedFd) -> io::Result<Sender> {
        adopt(descriptor, Location::caller()).map(Sender::new)
    }

    /// Gives the descriptor back in blocking mode, as a child process wants it.
    ///
    /// # Errors
    /// The system's.
    pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
        let descriptor = self.into_nonblocking_fd()?;
        sys::pipe::set_blocking(&descriptor)?;
        Ok(descriptor)
    }

    /// Gives the descriptor back as it is, in non-blocking mode.
    ///
    /// # Errors
    /// The system's, if it cannot be taken from the reactor.
    pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
        self.end.into_inner()
    }

    fn source(&self) -> &Source {
        self.end.source()
    }

    fn endpoint(&self) -> Endpoint<'_> {
        self.end.endpoint()
    }
}

impl AsFd for Sender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.get_ref().as_fd()
    }
}

impl AsRawFd for Sender {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// Transfers.
impl Sender {
    /// Writes a part of `buf`, waiting until there is room. Returns the number of bytes.
    ///
    /// # Errors
    /// The system's, such as `BrokenPipe` if nobody reads any more; an error that says so when the runtime has ended.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn write<'a>(&'a self, buf: &'a [u8]) -> Write<'a> {
        self.endpoint().write(buf)
    }

    /// Writes all of `buf`.
    ///
    /// # Errors
    /// As [`write`](Sender::write).
    ///
    /// # Cancel safety
    /// Not cancel safe: how much a dropped future had written is lost.
    #[track_caller]
    pub fn write_all<'a>(&'a self, buf: &'a [u8]) -> WriteAll<'a> {
        self.endpoint().write_all(buf)
    }

    /// Waits until a write would probably not block.
    ///
    /// # Errors
    /// An error that says so when the runtime has ended.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn writable(&self) -> Writable<'_> {
        self.endpoint().writable()
    }

    /// Writes without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room; otherwise as [`write`](Sender::write).
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.endpoint().try_write(buf)
    }

    /// Writes several buffers without waiting.
    ///
    /// # Errors
    /// As [`try_write`](Sender::try_write).
    pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.endpoint().try_write_vectored(bufs)
    }
}

readiness_of!(Sender);
readiness_to_write!(Sender, poll_write_ready);

macro_rules! writes {
    ($($end:ty),*) => {$(
        impl AsyncWrite for $end {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.endpoint().poll_write(cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.endpoint().poll_write_vectored(cx, bufs)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.endpoint().poll_flush(cx)
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.endpoint().poll_flush(cx)
            }
        }
    )*};
}

writes!(Sender, &Sender);
