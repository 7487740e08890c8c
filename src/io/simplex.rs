//! One direction in memory.

use super::duplex::{Pipe, close, poll_pipe};
use filch_executor::leaf::{self, Wait, WaitKind};
use futures_io::{AsyncRead, AsyncWrite};
use parking_lot::Mutex;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A reader, and the writer whose bytes it reads. At most `capacity` bytes wait; a writer waits for room beyond that.
///
/// Dropping or closing the writer is the end of the stream, after what was written; dropping the reader makes writes
/// fail with `BrokenPipe`.
///
/// # Panics
/// If `capacity` is 0.
///
/// ```
/// use filch::io::{AsyncReadExt, AsyncWriteExt};
///
/// # filch::run(async {
/// let (mut reader, mut writer) = filch::io::simplex(64);
/// writer.write_all(b"ping").await?;
/// drop(writer);
/// let mut all = String::new();
/// reader.read_to_string(&mut all).await?;
/// assert_eq!(all, "ping");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[track_caller]
#[must_use]
pub fn simplex(capacity: usize) -> (SimplexReader, SimplexWriter) {
    assert!(
        capacity > 0,
        "a simplex stream needs room for at least one byte"
    );
    let pipe = Arc::new(Mutex::new(Pipe::new(capacity)));
    let wait = Wait::here(WaitKind::Duplex);
    let reader = SimplexReader {
        pipe: Arc::clone(&pipe),
        wait,
    };
    (reader, SimplexWriter { pipe, wait })
}

/// The reading end of [`simplex`]. One task at a time may wait to read. Reads are cancel safe.
#[derive(Debug)]
pub struct SimplexReader {
    pipe: Arc<Mutex<Pipe>>,
    wait: Wait,
}

/// The writing end of [`simplex`]. One task at a time may wait to write. Writes are cancel safe.
#[derive(Debug)]
pub struct SimplexWriter {
    pipe: Arc<Mutex<Pipe>>,
    wait: Wait,
}

// Nobody else's code runs while a pipe is half changed.
impl UnwindSafe for SimplexReader {}
impl RefUnwindSafe for SimplexReader {}
impl UnwindSafe for SimplexWriter {}
impl RefUnwindSafe for SimplexWriter {}

impl Drop for SimplexReader {
    fn drop(&mut self) {
        close(&self.pipe, Pipe::end_reading);
    }
}

impl Drop for SimplexWriter {
    fn drop(&mut self) {
        close(&self.pipe, Pipe::end_writing);
    }
}

impl SimplexReader {
    /// For hand-written futures: reads into memory that need not be initialised. Returns how many bytes at the
    /// beginning of `buf` now are; 0 is the end of the stream.
    ///
    /// # Errors
    /// None.
    pub fn poll_read_uninit(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(self, cx));
        poll_pipe(cx, self.wait, &self.pipe, Pipe::reader, |pipe| {
            pipe.read_uninit(buf)
        })
    }
}

impl AsyncRead for SimplexReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_vectored(cx, &mut [IoSliceMut::new(buf)])
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        poll_pipe(cx, self.wait, &self.pipe, Pipe::reader, |pipe| {
            pipe.read(bufs)
        })
    }
}

impl AsyncWrite for SimplexWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        poll_pipe(cx, self.wait, &self.pipe, Pipe::writer, |pipe| {
            pipe.write(bufs)
        })
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        leaf::poll_budget_of(&*self, cx).map(Ok)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        close(&self.pipe, Pipe::end_writing);
        Poll::Ready(Ok(()))
    }
}
