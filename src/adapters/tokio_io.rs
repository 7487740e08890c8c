//! tokio's io traits.

use super::streams::all_streams;
use super::uninit::ReadUninit;
use crate::fs::File;
use futures_io::{AsyncSeek as _, AsyncWrite as _};
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

fn fill<T: ReadUninit>(
    stream: Pin<&mut T>,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    // SAFETY: who reads here writes initialised bytes only.
    let room = unsafe { buf.unfilled_mut() };
    let count = ready!(stream.poll_uninit(cx, room))?;
    // SAFETY: so many are initialised, by the contract of `ReadUninit`.
    unsafe { buf.assume_init(count) };
    buf.advance(count);
    Poll::Ready(Ok(()))
}

macro_rules! reads {
    ($([$($generics:tt)*] $stream:ty $(where [$($bound:tt)*])?;)*) => {$(
        impl<$($generics)*> AsyncRead for $stream $(where $($bound)*)? {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                fill(self, cx, buf)
            }
        }
    )*};
}

macro_rules! writes {
    ($vectored:literal; $([$($generics:tt)*] $stream:ty $(where [$($bound:tt)*])?;)*) => {$(
        impl<$($generics)*> AsyncWrite for $stream $(where $($bound)*)? {
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

impl AsyncSeek for File {
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        *self.get_mut().sought() = Some(position);
        Ok(())
    }

    /// Where it is now, if no seek was started.
    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let to = self.sought().unwrap_or(SeekFrom::Current(0));
        let done = ready!(self.as_mut().poll_seek(cx, to));
        *self.sought() = None;
        Poll::Ready(done)
    }
}
