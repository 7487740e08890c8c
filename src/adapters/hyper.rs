//! hyper's io traits.

use super::streams::all_streams;
use super::uninit::ReadUninit;
use futures_io::AsyncWrite as _;
use hyper::rt::{Read, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

fn fill<T: ReadUninit>(
    stream: Pin<&mut T>,
    cx: &mut Context<'_>,
    mut buf: ReadBufCursor<'_>,
) -> Poll<io::Result<()>> {
    // SAFETY: who reads here writes initialised bytes only.
    let room = unsafe { buf.as_mut() };
    let count = ready!(stream.poll_uninit(cx, room))?;
    // SAFETY: so many are initialised, by the contract of `ReadUninit`.
    unsafe { buf.advance(count) };
    Poll::Ready(Ok(()))
}

macro_rules! reads {
    ($([$($generics:tt)*] $stream:ty $(where [$($bound:tt)*])?;)*) => {$(
        impl<$($generics)*> Read for $stream $(where $($bound)*)? {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: ReadBufCursor<'_>,
            ) -> Poll<io::Result<()>> {
                fill(self, cx, buf)
            }
        }
    )*};
}

macro_rules! writes {
    ($vectored:literal; $([$($generics:tt)*] $stream:ty $(where [$($bound:tt)*])?;)*) => {$(
        impl<$($generics)*> Write for $stream $(where $($bound)*)? {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                futures_io::AsyncWrite::poll_write(self, cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                futures_io::AsyncWrite::poll_write_vectored(self, cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                $vectored
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                futures_io::AsyncWrite::poll_flush(self, cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_close(cx)
            }
        }
    )*};
}

macro_rules! writes_several {
    ($($streams:tt)*) => { writes! { true; $($streams)* } };
}

macro_rules! writes_one {
    ($($streams:tt)*) => { writes! { false; $($streams)* } };
}

all_streams!(reads, writes_several, writes_one);
