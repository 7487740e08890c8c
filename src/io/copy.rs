//! Copying from a reader to a writer.
//!
//! [`Transfer`] is one direction: a buffer between the two, filled while there is room and written while
//! there is anything. Whatever was written is flushed before it waits for the reader, so
//! that a buffering writer holds nothing back. [`copy`] is one transfer; `copy_bidirectional` is two.

use filch_executor::leaf;
use futures_core::FusedFuture;
use futures_io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// One direction's buffer, in bytes; allocated by the first poll.
const BUFFER: usize = 8 * 1024;

/// Copies all that `reader` has to `writer`, flushes, and returns the number of bytes. The writer is
/// not closed.
///
/// Whatever has been read is written and flushed before this waits for more. Between files and in memory, where nothing
/// ever waits, it lets other tasks run every now and then, and can be aborted and timed out.
///
/// # Errors
/// The reader's, after everything that was read before has been written and flushed. The writer's, and `WriteZero` if
/// it takes nothing: bytes that were read but not written yet are lost then.
///
/// # Cancel safety
/// Not cancel safe: a dropped future loses what it had read and not written.
///
/// ```
/// # filch::run(async {
/// let mut out = Vec::new();
/// assert_eq!(filch::io::copy(&b"all of it"[..], &mut out).await?, 9);
/// assert_eq!(out, b"all of it");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn copy<R, W>(reader: R, writer: &mut W) -> CopyAll<'_, R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + ?Sized,
{
    CopyAll {
        reader,
        writer,
        transfer: Transfer::new(),
        over: false,
    }
}

/// The future of [`copy`].
#[must_use = "futures do nothing unless awaited"]
pub struct CopyAll<'a, R, W: ?Sized> {
    reader: R,
    writer: &'a mut W,
    transfer: Transfer,
    over: bool,
}

impl<R, W: ?Sized> fmt::Debug for CopyAll<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyAll")
            .field("transfer", &self.transfer)
            .finish_non_exhaustive()
    }
}

impl<R, W> Future for CopyAll<'_, R, W>
where
    R: AsyncRead + Unpin,
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

impl<R, W> CopyAll<'_, R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + ?Sized,
{
    fn poll_copy(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let (mut reader, mut writer) = (Pin::new(&mut self.reader), Pin::new(&mut *self.writer));
        ready!(self.transfer.poll(cx, reader.as_mut(), writer.as_mut()))?;
        ready!(self.transfer.poll_flush(cx, writer))?;
        Poll::Ready(Ok(self.transfer.copied))
    }
}

impl<R, W> FusedFuture for CopyAll<'_, R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + ?Sized,
{
    fn is_terminated(&self) -> bool {
        self.over
    }
}

/// One direction of copying.
pub(super) struct Transfer {
    buffer: Box<[u8]>,
    /// What was read and not written: `buffer[start..end]`.
    start: usize,
    end: usize,
    /// Bytes written so far.
    pub(super) copied: u64,
    /// The reader has ended, perhaps by an error, which is told when the rest is written.
    ended: bool,
    failed: Option<io::Error>,
    /// What has failed is the writer.
    pub(super) refused: bool,
    /// Something was written since the last flush.
    unflushed: bool,
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer")
            .field("waiting", &(self.end - self.start))
            .field("copied", &self.copied)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Transfer {
    pub(super) fn new() -> Transfer {
        let buffer = Box::default();
        Transfer {
            buffer,
            start: 0,
            end: 0,
            copied: 0,
            ended: false,
            failed: None,
            refused: false,
            unflushed: false,
        }
    }

    /// Copies until the reader has ended and everything is written. Flushing at the end is the
    /// caller's.
    pub(super) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + ?Sized,
        W: AsyncWrite + ?Sized,
    {
        loop {
            // Files and memory are always ready and spend none themselves.
            ready!(leaf::poll_budget_of(self, cx));
            let empty = self.start == self.end;
            if self.ended && empty {
                return self.poll_end(cx, writer);
            }
            let filled = self.poll_fill(cx, reader.as_mut());
            if self.start < self.end {
                // While the writer has no room the reader goes on until the buffer is full.
                match self.poll_drain(cx, writer.as_mut())? {
                    Poll::Pending if filled.is_ready() && self.has_room() => {}
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => {}
                }
            } else if filled.is_pending() {
                ready!(self.poll_flush(cx, writer.as_mut()))?;
                return Poll::Pending;
            }
        }
    }

    /// Everything is written. After the reader's error nobody else flushes.
    fn poll_end<W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        writer: Pin<&mut W>,
    ) -> Poll<io::Result<()>> {
        if self.failed.is_some() {
            ready!(self.poll_flush(cx, writer))?;
        }
        Poll::Ready(self.failed.take().map_or(Ok(()), Err))
    }

    fn has_room(&self) -> bool {
        !self.ended && self.end < self.buffer.len()
    }

    /// Reads once if there is room. Pending: the reader has nothing now.
    fn poll_fill<R: AsyncRead + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        reader: Pin<&mut R>,
    ) -> Poll<()> {
        if self.buffer.is_empty() {
            self.buffer = vec![0; BUFFER].into();
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.has_room() {
            match ready!(reader.poll_read(cx, &mut self.buffer[self.end..])) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) => (self.ended, self.failed) = (true, Some(error)),
            }
        }
        Poll::Ready(())
    }

    /// Writes once. Pending: the writer has no room now.
    fn poll_drain<W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        writer: Pin<&mut W>,
    ) -> io::Result<Poll<()>> {
        let Poll::Ready(count) = writer.poll_write(cx, &self.buffer[self.start..self.end]) else {
            return Ok(Poll::Pending);
        };
        match count {
            Ok(count @ 1..) => {
                self.start += count;
                self.copied += count as u64;
                self.unflushed = true;
                Ok(Poll::Ready(()))
            }
            nothing => {
                self.refused = true;
                Err(nothing
                    .err()
                    .unwrap_or_else(|| io::ErrorKind::WriteZero.into()))
            }
        }
    }

    /// Flushes the writer if anything was written since the last time.
    pub(super) fn poll_flush<W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        writer: Pin<&mut W>,
    ) -> Poll<io::Result<()>> {
        if self.unflushed {
            let flushed = ready!(writer.poll_flush(cx));
            self.refused |= flushed.is_err();
            self.unflushed = false;
            return Poll::Ready(flushed);
        }
        Poll::Ready(Ok(()))
    }
}
