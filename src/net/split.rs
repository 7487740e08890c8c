//! The halves of a stream, borrowed or owned, for TCP and Unix streams alike.
//!
//! A half adds nothing to its stream but the restriction to one direction, and for the owned write
//! half the end of writing at drop. Reading and writing one socket from two tasks needs no lock.

use crate::io::{Append, Interest};
use crate::net::ready::WaitReady;
use crate::net::stream::{
    Endpoint, Peek, Read, ReadBuf, ReadExact, Readable, Writable, Write, WriteAll,
};
use crate::net::tcp_stream::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A stream that can be split: a [`TcpStream`] or, on Unix, a `UnixStream`. Nothing else can be one.
pub trait Split: Send + Sync {
    /// A view that does not know the kind of stream.
    #[doc(hidden)]
    fn endpoint(&self) -> Endpoint<'_>;
}

pub(crate) fn split<S: Split>(stream: &mut S) -> (ReadHalf<'_, S>, WriteHalf<'_, S>) {
    (ReadHalf { stream }, WriteHalf { stream })
}

pub(crate) fn into_split<S: Split>(stream: S) -> (OwnedReadHalf<S>, OwnedWriteHalf<S>) {
    let stream = Arc::new(stream);
    let read = OwnedReadHalf {
        stream: stream.clone(),
    };
    (read, OwnedWriteHalf { stream, ends: true })
}

/// The reading half of a stream, from its `split()`.
#[derive(Debug)]
pub struct ReadHalf<'s, S: Split = TcpStream> {
    stream: &'s S,
}

/// The writing half of a stream, from its `split()`. Dropping it does not end writing.
#[derive(Debug)]
pub struct WriteHalf<'s, S: Split = TcpStream> {
    stream: &'s S,
}

/// The reading half of a stream, from its `into_split()`.
#[derive(Debug)]
pub struct OwnedReadHalf<S: Split = TcpStream> {
    stream: Arc<S>,
}

/// The writing half of a stream, from its `into_split()`.
///
/// Dropping it ends writing (`shutdown(Write)`): the peer sees the end of the stream. See
/// [`forget`](OwnedWriteHalf::forget).
#[derive(Debug)]
pub struct OwnedWriteHalf<S: Split = TcpStream> {
    stream: Arc<S>,
    ends: bool,
}

impl<S: Split> OwnedReadHalf<S> {
    /// Puts the two halves of one stream together again.
    ///
    /// # Errors
    /// Gives both back if they are of different streams.
    pub fn reunite(self, other: OwnedWriteHalf<S>) -> Result<S, ReuniteError<S>> {
        match Arc::ptr_eq(&self.stream, &other.stream) {
            true => {
                other.forget();
                Ok(Arc::into_inner(self.stream).expect("a stream has two halves"))
            }
            false => Err(ReuniteError(self, other)),
        }
    }
}

impl<S: Split> OwnedWriteHalf<S> {
    /// Puts the two halves of one stream together again.
    ///
    /// # Errors
    /// Gives both back if they are of different streams.
    pub fn reunite(self, other: OwnedReadHalf<S>) -> Result<S, ReuniteError<S>> {
        other.reunite(self)
    }

    /// Drops the half without ending writing.
    pub fn forget(mut self) {
        self.ends = false;
    }
}

impl<S: Split> Drop for OwnedWriteHalf<S> {
    fn drop(&mut self) {
        if self.ends {
            // An error means that the connection is gone: then writing has ended.
            let _ = self.stream.endpoint().shutdown(Shutdown::Write);
        }
    }
}

/// Two halves that are not of one stream.
#[derive(Debug)]
pub struct ReuniteError<S: Split = TcpStream>(
    /// The reading half.
    pub OwnedReadHalf<S>,
    /// The writing half.
    pub OwnedWriteHalf<S>,
);

impl<S: Split> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are of different streams")
    }
}

impl<S: Split + fmt::Debug> std::error::Error for ReuniteError<S> {}

/// The reading methods and trait of one half.
macro_rules! reads {
    ($half:ty $(, $life:lifetime)?) => {
        impl<$($life,)? S: Split> $half {
            /// Reads what is there, as the stream's `read`. Cancel safe.
            #[track_caller]
            pub fn read<'a>(&'a self, buf: &'a mut [u8]) -> Read<'a> {
                self.stream.endpoint().read(buf)
            }

            /// Reads until `buf` is full, as the stream's `read_exact`. Not cancel safe.
            #[track_caller]
            pub fn read_exact<'a>(&'a self, buf: &'a mut [u8]) -> ReadExact<'a> {
                self.stream.endpoint().read_exact(buf)
            }

            /// Reads behind the end of `buf`, as the stream's `read_buf`. Cancel safe.
            #[track_caller]
            pub fn read_buf<'a, B: Append>(&'a self, buf: &'a mut B) -> ReadBuf<'a, B> {
                self.stream.endpoint().read_buf(buf)
            }

            /// Reads and leaves the data, as the stream's `peek`. Cancel safe.
            #[track_caller]
            pub fn peek<'a>(&'a self, buf: &'a mut [u8]) -> Peek<'a> {
                self.stream.endpoint().peek(buf)
            }

            /// Waits until a direction of the stream is probably ready, as the stream's `ready`. Cancel safe.
            #[track_caller]
            pub fn ready(&self, interest: Interest) -> WaitReady<'_> {
                self.stream.endpoint().ready(interest)
            }

            /// For hand-written futures: reads into memory that need not be initialised, as the stream's
            /// `poll_read_uninit`.
            ///
            /// # Errors
            /// The system's.
            pub fn poll_read_uninit(
                &self,
                cx: &mut Context<'_>,
                buf: &mut [MaybeUninit<u8>],
            ) -> Poll<io::Result<usize>> {
                self.stream.endpoint().poll_read_uninit(cx, buf)
            }

            /// For hand-written futures: reads and leaves the data, as the stream's `poll_peek`.
            ///
            /// # Errors
            /// The system's.
            pub fn poll_peek(
                &self,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.stream.endpoint().poll_peek(cx, buf)
            }

            /// Waits until a read would probably not block. Cancel safe.
            #[track_caller]
            pub fn readable(&self) -> Readable<'_> {
                self.stream.endpoint().readable()
            }

            /// Reads without waiting, as the stream's `try_read`.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there; the system's otherwise.
            pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
                self.stream.endpoint().try_read(buf)
            }

            /// Reads without waiting behind the end of `buf`.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there; the system's otherwise.
            pub fn try_read_buf<B: Append>(&self, buf: &mut B) -> io::Result<usize> {
                self.stream.endpoint().try_read_buf(buf)
            }

            /// Reads into several buffers without waiting.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there; the system's otherwise.
            pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.stream.endpoint().try_read_vectored(bufs)
            }
        }

        impl<$($life,)? S: Split> AsRef<S> for $half {
            fn as_ref(&self) -> &S {
                &self.stream
            }
        }

        impl<$($life,)? S: Split> AsyncRead for $half {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.stream.endpoint().poll_read(cx, buf)
            }

            fn poll_read_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.stream.endpoint().poll_read_vectored(cx, bufs)
            }
        }
    };
}

/// The writing methods and trait of one half.
macro_rules! writes {
    ($half:ty $(, $life:lifetime)?) => {
        impl<$($life,)? S: Split> $half {
            /// Writes a part of `buf`, as the stream's `write`. Cancel safe.
            #[track_caller]
            pub fn write<'a>(&'a self, buf: &'a [u8]) -> Write<'a> {
                self.stream.endpoint().write(buf)
            }

            /// Writes all of `buf`, as the stream's `write_all`. Not cancel safe.
            #[track_caller]
            pub fn write_all<'a>(&'a self, buf: &'a [u8]) -> WriteAll<'a> {
                self.stream.endpoint().write_all(buf)
            }

            /// Waits until a direction of the stream is probably ready, as the stream's `ready`. Cancel safe.
            #[track_caller]
            pub fn ready(&self, interest: Interest) -> WaitReady<'_> {
                self.stream.endpoint().ready(interest)
            }

            /// Waits until a write would probably not block. Cancel safe.
            #[track_caller]
            pub fn writable(&self) -> Writable<'_> {
                self.stream.endpoint().writable()
            }

            /// Writes without waiting, as the stream's `try_write`.
            ///
            /// # Errors
            /// `WouldBlock` if there is no room; the system's otherwise.
            pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
                self.stream.endpoint().try_write(buf)
            }

            /// Writes several buffers without waiting.
            ///
            /// # Errors
            /// `WouldBlock` if there is no room; the system's otherwise.
            pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                self.stream.endpoint().try_write_vectored(bufs)
            }
        }

        impl<$($life,)? S: Split> AsRef<S> for $half {
            fn as_ref(&self) -> &S {
                &self.stream
            }
        }

        impl<$($life,)? S: Split> AsyncWrite for $half {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.stream.endpoint().poll_write(cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.stream.endpoint().poll_write_vectored(cx, bufs)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.stream.endpoint().poll_flush(cx)
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.stream.endpoint().poll_close(cx)
            }
        }
    };
}

reads!(ReadHalf<'s, S>, 's);
reads!(OwnedReadHalf<S>);
writes!(WriteHalf<'s, S>, 's);
writes!(OwnedWriteHalf<S>);
