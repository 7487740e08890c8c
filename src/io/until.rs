//! Reading whole messages: up to one of several separators, or so many bytes. asyncio's `readuntil` and `readexactly`.
//!
//! What was read lies in the caller's buffer, however the read ends, and a read goes on from there: so none of it is
//! lost with a future that is dropped, nor with an error.

use super::read_error::{IncompleteRead, ReadLimit};
use filch_executor::leaf;
use futures_core::FusedFuture;
use futures_io::AsyncBufRead;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Where a message ends: what [`read_until_any`](super::ReadLimitExt::read_until_any) has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// How long the message is, with its separator.
    pub length: usize,
    /// Which separator it was, as its place among those that were given.
    pub separator: usize,
}

/// The future of [`ReadLimitExt::read_until_any`](super::ReadLimitExt::read_until_any).
#[must_use = "futures do nothing unless awaited"]
pub struct ReadUntilAny<'a, R: ?Sized, S> {
    reader: &'a mut R,
    buf: &'a mut Vec<u8>,
    separators: &'a [S],
    limit: usize,
    over: bool,
}

impl<'a, R: ?Sized, S: AsRef<[u8]>> ReadUntilAny<'a, R, S> {
    #[track_caller]
    pub(super) fn new(
        reader: &'a mut R,
        separators: &'a [S],
        buf: &'a mut Vec<u8>,
        limit: usize,
    ) -> ReadUntilAny<'a, R, S> {
        assert!(!separators.is_empty(), "a read until no separator");
        let empty = separators.iter().any(|it| it.as_ref().is_empty());
        assert!(!empty, "a separator has at least one byte");
        ReadUntilAny {
            reader,
            buf,
            separators,
            limit,
            over: false,
        }
    }
}

impl<R, S> ReadUntilAny<'_, R, S>
where
    R: AsyncBufRead + Unpin + ?Sized,
    S: AsRef<[u8]>,
{
    fn poll_found(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Found>> {
        loop {
            // A reader in memory is always ready and spends none itself.
            ready!(leaf::poll_budget_of(&*self.buf, cx));
            let there = ready!(Pin::new(&mut *self.reader).poll_fill_buf(cx))?;
            let before = self.buf.len();
            if there.is_empty() {
                let (read, expected) = (before, None);
                return Poll::Ready(Err(IncompleteRead { read, expected }.into()));
            }
            let room = self.limit.saturating_sub(before);
            if room == 0 {
                return Poll::Ready(Err(ReadLimit { limit: self.limit }.into()));
            }
            self.buf.extend_from_slice(&there[..there.len().min(room)]);
            let found = find(self.buf, before, self.separators);
            if let Some(found) = found {
                self.buf.truncate(found.length);
            }
            Pin::new(&mut *self.reader).consume(self.buf.len() - before);
            if let Some(found) = found {
                return Poll::Ready(Ok(found));
            }
        }
    }
}

/// The first place behind `before` where a separator ends; of several that end there, the longest.
fn find<S: AsRef<[u8]>>(buf: &[u8], before: usize, separators: &[S]) -> Option<Found> {
    (before + 1..=buf.len()).find_map(|length| {
        let message = &buf[..length];
        let ends = separators.iter().map(AsRef::as_ref).enumerate();
        let ends = ends.filter(|(_, separator)| message.ends_with(separator));
        let longest = ends.max_by_key(|(_, separator)| separator.len());
        longest.map(|(separator, _)| Found { length, separator })
    })
}

impl<R, S> Future for ReadUntilAny<'_, R, S>
where
    R: AsyncBufRead + Unpin + ?Sized,
    S: AsRef<[u8]>,
{
    type Output = io::Result<Found>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Found>> {
        let this = self.get_mut();
        let polled = this.poll_found(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl<R, S> FusedFuture for ReadUntilAny<'_, R, S>
where
    R: AsyncBufRead + Unpin + ?Sized,
    S: AsRef<[u8]>,
{
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<R: ?Sized, S> fmt::Debug for ReadUntilAny<'_, R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadUntilAny")
            .field("done", &self.buf.len())
            .finish_non_exhaustive()
    }
}

/// The future of [`ReadLimitExt::read_exactly`](super::ReadLimitExt::read_exactly).
#[must_use = "futures do nothing unless awaited"]
pub struct ReadExactly<'a, R: ?Sized> {
    pub(super) reader: &'a mut R,
    pub(super) buf: &'a mut Vec<u8>,
    pub(super) count: usize,
    pub(super) over: bool,
}

impl<R: AsyncBufRead + Unpin + ?Sized> ReadExactly<'_, R> {
    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(leaf::poll_budget_of(&*self.buf, cx));
            let missing = self.count.saturating_sub(self.buf.len());
            if missing == 0 {
                return Poll::Ready(Ok(()));
            }
            let there = ready!(Pin::new(&mut *self.reader).poll_fill_buf(cx))?;
            if there.is_empty() {
                let (read, expected) = (self.buf.len(), Some(self.count));
                return Poll::Ready(Err(IncompleteRead { read, expected }.into()));
            }
            let part = there.len().min(missing);
            self.buf.extend_from_slice(&there[..part]);
            Pin::new(&mut *self.reader).consume(part);
        }
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadExactly<'_, R> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = this.poll_all(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> FusedFuture for ReadExactly<'_, R> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<R: ?Sized> fmt::Debug for ReadExactly<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadExactly")
            .field("done", &self.buf.len())
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
