//! Copying from a reader that has a buffer, without another one.

use filch_executor::leaf;
use futures_core::FusedFuture;
use futures_io::{AsyncBufRead, AsyncWrite};
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Copies all that `reader` has to `writer`, out of the reader's own buffer, flushes, and returns the number of bytes.
/// The writer is not closed.
///
/// As [`copy`](super::copy()), and with a buffer of the size that you chose: see [`BufReader`](super::BufReader).
///
/// # Errors
/// The reader's and the writer's, and `WriteZero` if the writer takes nothing. What is in the reader's buffer then was
/// not written.
///
/// # Cancel safety
/// Cancel safe: what a dropped future has not written is still in the reader.
///
/// ```
/// use filch::io::{BufReader, copy_buf};
///
/// # filch::run(async {
/// let mut reader = BufReader::with_capacity(64 * 1024, &b"all of it"[..]);
/// let mut out = Vec::new();
/// assert_eq!(copy_buf(&mut reader, &mut out).await?, 9);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn copy_buf<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> CopyBuf<'a, R, W>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    CopyBuf {
        reader,
        writer,
        copied: 0,
        unflushed: false,
        over: false,
    }
}

/// The future of [`copy_buf`].
#[must_use = "futures do nothing unless awaited"]
pub struct CopyBuf<'a, R: ?Sized, W: ?Sized> {
    reader: &'a mut R,
    writer: &'a mut W,
    copied: u64,
    /// Something was written since the last flush.
    unflushed: bool,
    over: bool,
}

impl<R, W> CopyBuf<'_, R, W>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    fn poll_copy(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        loop {
            // Memory is always ready and spends none itself.
            ready!(leaf::poll_budget_of(&self.copied, cx));
            let Poll::Ready(there) = Pin::new(&mut *self.reader).poll_fill_buf(cx) else {
                // A buffering writer holds nothing back while the reader is idle.
                ready!(self.poll_flush(cx))?;
                return Poll::Pending;
            };
            let there = there?;
            if there.is_empty() {
                self.unflushed = true;
                ready!(self.poll_flush(cx))?;
                return Poll::Ready(Ok(self.copied));
            }
            let count = ready!(Pin::new(&mut *self.writer).poll_write(cx, there))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            Pin::new(&mut *self.reader).consume(count);
            self.copied += count as u64;
            self.unflushed = true;
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(Pin::new(&mut *self.writer).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl<R, W> Future for CopyBuf<'_, R, W>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    type Output = io::Result<u64>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let this = self.get_mut();
        let polled = this.poll_copy(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl<R, W> FusedFuture for CopyBuf<'_, R, W>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<R: ?Sized, W: ?Sized> fmt::Debug for CopyBuf<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyBuf")
            .field("copied", &self.copied)
            .finish_non_exhaustive()
    }
}
