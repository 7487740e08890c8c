//! std's `Read` and `Write` over a stream, for code that blocks.

use filch_executor::Handle;
use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use futures_util::io::AsyncBufReadExt;
use std::future::poll_fn;
use std::io::{self, BufRead, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::pin::Pin;

/// A stream for a library that wants std's `Read`, `Write`, `BufRead` or `Seek`: each call waits on its thread.
///
/// For a closure of [`spawn_blocking`](crate::spawn_blocking), or a thread of your own. The stream goes on in its
/// runtime meanwhile.
///
/// ```
/// use filch::io::SyncIoBridge;
/// use std::io::Read;
///
/// # filch::run(async {
/// let (mut ours, theirs) = filch::io::duplex(64);
/// let mut theirs = SyncIoBridge::new(theirs);
/// let reading = filch::spawn_blocking(move || {
///     let mut text = String::new();
///     theirs.read_to_string(&mut text).map(|_| text)
/// });
/// filch::io::AsyncWriteExt::write_all(&mut ours, b"hello").await?;
/// drop(ours);
/// assert_eq!(reading.await??, "hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Panics
/// Its calls do inside a task, where a thread that runs tasks would wait: as [`Handle::block_on`] does.
#[derive(Debug)]
pub struct SyncIoBridge<T> {
    stream: T,
    handle: Handle,
}

impl<T> SyncIoBridge<T> {
    /// Around a stream, in the current runtime.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn new(stream: T) -> SyncIoBridge<T> {
        SyncIoBridge::new_with_handle(stream, Handle::current())
    }

    /// Around a stream, in the runtime of the handle.
    pub fn new_with_handle(stream: T, handle: Handle) -> SyncIoBridge<T> {
        SyncIoBridge { stream, handle }
    }

    /// The stream.
    pub fn into_inner(self) -> T {
        self.stream
    }
}

impl<T: AsyncWrite + Unpin> SyncIoBridge<T> {
    /// Closes the stream: its peer sees the end of it.
    ///
    /// # Errors
    /// The stream's.
    ///
    /// # Panics
    /// Inside a task.
    #[track_caller]
    pub fn shutdown(&mut self) -> io::Result<()> {
        let SyncIoBridge { stream, handle } = self;
        handle.block_on(poll_fn(|cx| Pin::new(&mut *stream).poll_close(cx)))
    }
}

impl<T> AsRef<T> for SyncIoBridge<T> {
    fn as_ref(&self) -> &T {
        &self.stream
    }
}

impl<T> AsMut<T> for SyncIoBridge<T> {
    fn as_mut(&mut self) -> &mut T {
        &mut self.stream
    }
}

impl<T: AsyncRead + Unpin> Read for SyncIoBridge<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let SyncIoBridge { stream, handle } = self;
        handle.block_on(poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, buf)))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let SyncIoBridge { stream, handle } = self;
        handle.block_on(poll_fn(|cx| {
            Pin::new(&mut *stream).poll_read_vectored(cx, bufs)
        }))
    }
}

impl<T: AsyncBufRead + Unpin> BufRead for SyncIoBridge<T> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let SyncIoBridge { stream, handle } = self;
        handle.block_on(AsyncBufReadExt::fill_buf(stream))
    }

    fn consume(&mut self, amount: usize) {
        Pin::new(&mut self.stream).consume(amount);
    }
}

impl<T: AsyncWrite + Unpin> Write for SyncIoBridge<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let SyncIoBridge { stream, handle } = self;
        handle.block_on(poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, buf)))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let SyncIoBridge { stream, handle } = self;
        handle.block_on(poll_fn(|cx| {
            Pin::new(&mut *stream).poll_write_vectored(cx, bufs)
        }))
    }

    fn flush(&mut self) -> io::Result<()> {
        let SyncIoBridge { stream, handle } = self;
        handle.block_on(poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx)))
    }
}

impl<T: AsyncSeek + Unpin> Seek for SyncIoBridge<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SyncIoBridge { stream, handle } = self;
        handle.block_on(poll_fn(|cx| Pin::new(&mut *stream).poll_seek(cx, to)))
    }
}
