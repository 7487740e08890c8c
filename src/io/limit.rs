//! Reading up to a delimiter, but not endlessly: what a server needs before it trusts its client.

use super::read_error::ReadLimit;
use super::until::{ReadExactly, ReadUntilAny};
use filch_executor::leaf;
use futures_core::FusedFuture;
use futures_io::AsyncBufRead;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// `read_until` and `read_line` with a limit, for every buffered reader.
///
/// ```
/// use filch::io::{Cursor, ReadLimitExt};
///
/// # filch::run(async {
/// let mut client = Cursor::new(b"GET /\nand so on, without an end in sight");
/// let mut line = String::new();
/// assert_eq!(client.read_line_limit(&mut line, 16).await?, 6);
/// assert_eq!(line, "GET /\n");
/// assert!(client.read_line_limit(&mut line, 16).await.is_err());
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub trait ReadLimitExt: AsyncBufRead {
    /// Reads up to and including `delimiter`, or to the end of the stream, behind the end of `buf`; at most
    /// `limit` bytes. Returns the number of bytes; 0 is the end of the stream.
    ///
    /// # Errors
    /// [`ReadLimit`] if `limit` bytes hold no delimiter: they are in `buf` then, and the rest is
    /// still to be read. The reader's own errors.
    ///
    /// # Cancel safety
    /// A dropped future loses no data: what it had read is in `buf`. A next call counts anew.
    fn read_until_limit<'a>(
        &'a mut self,
        delimiter: u8,
        buf: &'a mut Vec<u8>,
        limit: usize,
    ) -> ReadUntilLimit<'a, Self>
    where
        Self: Unpin,
    {
        ReadUntilLimit {
            reader: self,
            buf,
            delimiter,
            limit,
            done: 0,
            over: false,
        }
    }

    /// Reads a line with its `\n`, or what is left of the stream, behind the end of `line`; at most
    /// `limit` bytes. Returns the number of bytes; 0 is the end of the stream.
    ///
    /// # Errors
    /// [`ReadLimit`] if `limit` bytes hold no end of a line; `InvalidData` if the line is not UTF-8. In both
    /// cases, and after the reader's own errors, the bytes are lost and `line` is as before.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped future loses the part of the line that it had read.
    fn read_line_limit<'a>(
        &'a mut self,
        line: &'a mut String,
        limit: usize,
    ) -> ReadLineLimit<'a, Self>
    where
        Self: Unpin,
    {
        ReadLineLimit {
            reader: self,
            line,
            bytes: Vec::new(),
            limit,
            over: false,
        }
    }

    /// Reads until `buf` ends with one of `separators`, which may be of several bytes each; at most until it holds
    /// `limit` bytes. asyncio's `readuntil`.
    ///
    /// What is in `buf` before counts as read: so clear it between two messages, and do not after a dropped future.
    /// Where several separators end at the same place the longest is told of.
    ///
    /// ```
    /// use filch::io::{Cursor, ReadLimitExt};
    ///
    /// # filch::run(async {
    /// let mut stream = Cursor::new(b"GET /\r\nHost: here\nrest");
    /// let (ends, mut line) = (["\r\n", "\n"], Vec::new());
    /// let found = stream.read_until_any(&ends, &mut line, 80).await?;
    /// assert_eq!((&line[..], found.separator), (&b"GET /\r\n"[..], 0));
    /// line.clear();
    /// stream.read_until_any(&ends, &mut line, 80).await?;
    /// assert_eq!(line, b"Host: here\n");
    /// line.clear();
    /// assert!(stream.read_until_any(&ends, &mut line, 80).await.is_err());
    /// assert_eq!(line, b"rest");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`IncompleteRead`](super::IncompleteRead) if the stream ends before, and [`LimitOverrun`](super::LimitOverrun)
    /// if `limit` bytes hold no separator. What was read is in `buf` then, and the rest is still to be read. The
    /// reader's own errors.
    ///
    /// # Panics
    /// If there is no separator, or an empty one.
    ///
    /// # Cancel safety
    /// A dropped future loses no data: a next call with the same `buf` goes on.
    #[track_caller]
    fn read_until_any<'a, S: AsRef<[u8]>>(
        &'a mut self,
        separators: &'a [S],
        buf: &'a mut Vec<u8>,
        limit: usize,
    ) -> ReadUntilAny<'a, Self, S>
    where
        Self: Unpin,
    {
        ReadUntilAny::new(self, separators, buf, limit)
    }

    /// Reads until `buf` holds `count` bytes. asyncio's `readexactly`. Memory is taken as the bytes come, so `count`
    /// may be what a client has said.
    ///
    /// What is in `buf` before counts as read.
    ///
    /// ```
    /// use filch::io::{Cursor, IncompleteRead, ReadLimitExt};
    ///
    /// # filch::run(async {
    /// let (mut stream, mut head) = (Cursor::new(b"abcdef"), Vec::new());
    /// stream.read_exactly(4, &mut head).await?;
    /// assert_eq!(head, b"abcd");
    /// let error = stream.read_exactly(7, &mut head).await.unwrap_err();
    /// assert_eq!(error.to_string(), "the stream ended after 6 of 7 bytes");
    /// assert_eq!(head, b"abcdef");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`IncompleteRead`](super::IncompleteRead) if the stream ends before: what there was is in `buf`. The reader's
    /// own errors.
    ///
    /// # Cancel safety
    /// A dropped future loses no data: a next call with the same `buf` goes on.
    fn read_exactly<'a>(&'a mut self, count: usize, buf: &'a mut Vec<u8>) -> ReadExactly<'a, Self>
    where
        Self: Unpin,
    {
        ReadExactly {
            reader: self,
            buf,
            count,
            over: false,
        }
    }
}

impl<R: AsyncBufRead + ?Sized> ReadLimitExt for R {}

/// The future of [`ReadLimitExt::read_until_limit`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReadUntilLimit<'a, R: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut Vec<u8>,
    delimiter: u8,
    limit: usize,
    done: usize,
    over: bool,
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadUntilLimit<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = this.poll_until(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> ReadUntilLimit<'_, R> {
    fn poll_until(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            let room = self.limit - self.done;
            match ready!(poll_part(
                &mut *self.reader,
                cx,
                self.delimiter,
                self.buf,
                room
            ))? {
                Part::More(count) => self.done += count,
                Part::Last(count) => return Poll::Ready(Ok(self.done + count)),
                Part::Full => return Poll::Ready(Err(ReadLimit { limit: self.limit }.into())),
            }
        }
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> FusedFuture for ReadUntilLimit<'_, R> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

/// The future of [`ReadLimitExt::read_line_limit`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReadLineLimit<'a, R: ?Sized> {
    reader: &'a mut R,
    line: &'a mut String,
    bytes: Vec<u8>,
    limit: usize,
    over: bool,
}

impl<R: AsyncBufRead + Unpin + ?Sized> Future for ReadLineLimit<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = this.poll_line(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> ReadLineLimit<'_, R> {
    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            let room = self.limit - self.bytes.len();
            match ready!(poll_part(
                &mut *self.reader,
                cx,
                b'\n',
                &mut self.bytes,
                room
            ))? {
                Part::More(_) => {}
                Part::Last(_) => break,
                Part::Full => return Poll::Ready(Err(ReadLimit { limit: self.limit }.into())),
            }
        }
        let line = std::str::from_utf8(&self.bytes)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.line.push_str(line);
        Poll::Ready(Ok(line.len()))
    }
}

impl<R: AsyncBufRead + Unpin + ?Sized> FusedFuture for ReadLineLimit<'_, R> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

/// What one look into the reader's buffer has brought.
enum Part {
    /// So many bytes without a delimiter.
    More(usize),
    /// So many bytes with the delimiter at their end, or the end of the stream.
    Last(usize),
    /// There is more and no room for it.
    Full,
}

/// Moves bytes from the reader's buffer behind the end of `buf`, up to the delimiter and at most
/// `room`.
fn poll_part<R: AsyncBufRead + Unpin + ?Sized>(
    mut reader: &mut R,
    cx: &mut Context<'_>,
    delimiter: u8,
    buf: &mut Vec<u8>,
    room: usize,
) -> Poll<io::Result<Part>> {
    // A reader in memory is always ready and spends none itself.
    ready!(leaf::poll_budget_of(buf, cx));
    let there = ready!(Pin::new(&mut reader).poll_fill_buf(cx))?;
    if there.is_empty() {
        return Poll::Ready(Ok(Part::Last(0)));
    }
    if room == 0 {
        return Poll::Ready(Ok(Part::Full));
    }
    let there = &there[..there.len().min(room)];
    let found = there.iter().position(|&byte| byte == delimiter);
    let count = found.map_or(there.len(), |at| at + 1);
    buf.extend_from_slice(&there[..count]);
    Pin::new(&mut reader).consume(count);
    Poll::Ready(Ok(if found.is_some() {
        Part::Last(count)
    } else {
        Part::More(count)
    }))
}

impl<R: ?Sized> fmt::Debug for ReadUntilLimit<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadUntilLimit")
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

impl<R: ?Sized> fmt::Debug for ReadLineLimit<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadLineLimit")
            .field("done", &self.bytes.len())
            .finish_non_exhaustive()
    }
}
