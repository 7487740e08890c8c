//! The reading end of a pipe.

use super::end::{adopt, check};
use crate::io::Append;
use crate::net::ready::{readiness_of, readiness_to_read};
use crate::net::stream::{Endpoint, Read, ReadBuf, ReadExact, Readable, Stream};
use crate::sys;
use filch_reactor::Source;
use futures_io::AsyncRead;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The reading end of a pipe.
///
/// It comes to the end of the stream when all senders are gone. It implements `AsyncRead`, and so does a reference to
/// it.
#[derive(Debug)]
pub struct Receiver {
    end: Stream<OwnedFd>,
}

impl Receiver {
    pub(super) fn new(end: Stream<OwnedFd>) -> Receiver {
        Receiver { end }
    }

    /// Takes over a file that is the reading end of a pipe, and puts it into non-blocking mode.
    ///
    /// # Errors
    /// `InvalidInput` if it is none; the system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn from_file(file: File) -> io::Result<Receiver> {
        Receiver::from_owned_fd(file.into())
    }

    /// Takes over a descriptor that is the reading end of a pipe, and puts it into non-blocking mode.
    ///
    /// # Errors
    /// `InvalidInput` if it is none; the system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn from_owned_fd(descriptor: OwnedFd) -> io::Result<Receiver> {
        let at = Location::caller();
        check(&descriptor, "reading", |access| access.reads)?;
        adopt(descriptor, at).map(Receiver::new)
    }

    /// Takes over a file without looking what it is, and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn from_file_unchecked(file: File) -> io::Result<Receiver> {
        Receiver::from_owned_fd_unchecked(file.into())
    }

    /// Takes over a descriptor without looking what it is, and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn from_owned_fd_unchecked(descriptor: OwnedFd) -> io::Result<Receiver> {
        adopt(descriptor, Location::caller()).map(Receiver::new)
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

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.get_ref().as_fd()
    }
}

impl AsRawFd for Receiver {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// Transfers.
impl Receiver {
    /// Reads what is there into `buf`, waiting until there is something. Returns the number of bytes; 0 is the end of
    /// the stream (or an empty `buf`).
    ///
    /// # Errors
    /// The system's; an error that says so when the runtime has ended.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn read<'a>(&'a self, buf: &'a mut [u8]) -> Read<'a> {
        self.endpoint().read(buf)
    }

    /// Reads until `buf` is full.
    ///
    /// # Errors
    /// `UnexpectedEof`, with the number of bytes in its text, if the stream ends before; otherwise as
    /// [`read`](Receiver::read).
    ///
    /// # Cancel safety
    /// Not cancel safe: bytes that a dropped future had read are in `buf`, but how many is lost.
    #[track_caller]
    pub fn read_exact<'a>(&'a self, buf: &'a mut [u8]) -> ReadExact<'a> {
        self.endpoint().read_exact(buf)
    }

    /// Reads once behind the end of `buf`, into spare capacity that nobody needs to have initialised (8 KiB are made
    /// if there is none). Returns the number of bytes; 0 is the end of the stream.
    ///
    /// # Errors
    /// As [`read`](Receiver::read).
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn read_buf<'a, B: Append>(&'a self, buf: &'a mut B) -> ReadBuf<'a, B> {
        self.endpoint().read_buf(buf)
    }

    /// Waits until a read would probably not block.
    ///
    /// # Errors
    /// An error that says so when the runtime has ended.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn readable(&self) -> Readable<'_> {
        self.endpoint().readable()
    }

    /// Reads without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; otherwise as [`read`](Receiver::read).
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.endpoint().try_read(buf)
    }

    /// Reads into several buffers without waiting.
    ///
    /// # Errors
    /// As [`try_read`](Receiver::try_read).
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.endpoint().try_read_vectored(bufs)
    }

    /// Reads without waiting behind the end of `buf`.
    ///
    /// # Errors
    /// As [`try_read`](Receiver::try_read).
    pub fn try_read_buf<B: Append>(&self, buf: &mut B) -> io::Result<usize> {
        self.endpoint().try_read_buf(buf)
    }
}

impl Receiver {
    /// For hand-written futures: reads into memory that need not be initialised. Returns how many bytes at the
    /// beginning of `buf` now are; 0 is the end of the stream.
    ///
    /// # Errors
    /// As [`read`](Receiver::read).
    pub fn poll_read_uninit(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        self.endpoint().poll_read_uninit(cx, buf)
    }
}

readiness_of!(Receiver);
readiness_to_read!(Receiver, poll_read_ready);

macro_rules! reads {
    ($($end:ty),*) => {$(
        impl AsyncRead for $end {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.endpoint().poll_read(cx, buf)
            }

            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.endpoint().poll_read_vectored(cx, bufs)
            }
        }
    )*};
}

reads!(Receiver, &Receiver);
