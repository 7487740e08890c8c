//! Reading behind the end of a buffer, and writing a buffer that may be in several pieces.

use crate::sys::append::{Append, read_behind};
use filch_executor::leaf;
use futures_core::FusedFuture;
use futures_io::AsyncRead;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// `read_buf` for every reader. Sockets have it as a method of their own, which initialises no memory.
pub trait ReadBufExt: AsyncRead {
    /// Reads once, behind the end of `buf`, into its spare capacity, which is made if there is none. Returns the number
    /// of bytes; 0 is the end of the stream, or `buf` can hold no more.
    ///
    /// `buf` is a `Vec<u8>`; with the feature `bytes` also a `BytesMut`.
    ///
    /// ```
    /// use filch::io::ReadBufExt;
    ///
    /// # filch::run(async {
    /// let (mut reader, mut buf) = (&b" world"[..], b"hello".to_vec());
    /// assert_eq!(reader.read_buf(&mut buf).await?, 6);
    /// assert_eq!(buf, b"hello world");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The reader's.
    ///
    /// # Cancel safety
    /// As cancel safe as the reader is: a dropped future has not changed `buf`, but for its capacity.
    fn read_buf<'a, B: Append>(&'a mut self, buf: &'a mut B) -> ReadInto<'a, Self, B>
    where
        Self: Unpin,
    {
        ReadInto {
            reader: self,
            buf,
            over: false,
        }
    }
}

impl<R: AsyncRead + ?Sized> ReadBufExt for R {}

/// The future of [`ReadBufExt::read_buf`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReadInto<'a, R: ?Sized, B> {
    reader: &'a mut R,
    buf: &'a mut B,
    over: bool,
}

impl<R: AsyncRead + Unpin + ?Sized, B: Append> Future for ReadInto<'_, R, B> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // A reader in memory is always ready and spends none itself.
        ready!(leaf::poll_budget_of(&this.over, cx));
        let reader = &mut *this.reader;
        let polled = read_behind(this.buf, |room| Pin::new(reader).poll_read(cx, room));
        this.over = polled.is_ready();
        polled
    }
}

impl<R: AsyncRead + Unpin + ?Sized, B: Append> FusedFuture for ReadInto<'_, R, B> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<R: ?Sized, B> fmt::Debug for ReadInto<'_, R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadInto").finish_non_exhaustive()
    }
}

#[cfg(feature = "bytes")]
pub use by_bytes::{WriteAllBuf, WriteBufExt};

#[cfg(feature = "bytes")]
mod by_bytes {
    use super::*;
    use bytes::Buf;
    use futures_io::AsyncWrite;
    use std::io::IoSlice;

    /// So many pieces of a buffer are written by one call.
    const PIECES: usize = 64;

    /// `write_all_buf` for every writer, with the feature `bytes`.
    pub trait WriteBufExt: AsyncWrite {
        /// Writes all of `buf`, several pieces at a time, and advances it by what was written.
        ///
        /// ```
        /// use bytes::{Buf, Bytes};
        /// use filch::io::WriteBufExt;
        ///
        /// # filch::run(async {
        /// let mut buf = Bytes::from("hello ").chain(Bytes::from("world"));
        /// let mut out = Vec::new();
        /// out.write_all_buf(&mut buf).await?;
        /// assert_eq!((out, buf.remaining()), (b"hello world".to_vec(), 0));
        /// # std::io::Result::Ok(()) }).unwrap();
        /// ```
        ///
        /// # Errors
        /// `WriteZero` if the writer takes no more; the writer's own errors. `buf` holds what was not written.
        ///
        /// # Cancel safety
        /// Cancel safe: `buf` holds what a dropped future has not written.
        fn write_all_buf<'a, B: Buf>(&'a mut self, buf: &'a mut B) -> WriteAllBuf<'a, Self, B>
        where
            Self: Unpin,
        {
            WriteAllBuf {
                writer: self,
                buf,
                over: false,
            }
        }
    }

    impl<W: AsyncWrite + ?Sized> WriteBufExt for W {}

    /// The future of [`WriteBufExt::write_all_buf`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct WriteAllBuf<'a, W: ?Sized, B> {
        writer: &'a mut W,
        buf: &'a mut B,
        over: bool,
    }

    impl<W: AsyncWrite + Unpin + ?Sized, B: Buf> WriteAllBuf<'_, W, B> {
        fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            loop {
                // A writer in memory is always ready and spends none itself.
                ready!(leaf::poll_budget_of(&self.over, cx));
                if !self.buf.has_remaining() {
                    return Poll::Ready(Ok(()));
                }
                let mut pieces = [IoSlice::new(&[]); PIECES];
                let count = self.buf.chunks_vectored(&mut pieces);
                let writer = Pin::new(&mut *self.writer);
                match ready!(writer.poll_write_vectored(cx, &pieces[..count]))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    count => self.buf.advance(count),
                }
            }
        }
    }

    impl<W: AsyncWrite + Unpin + ?Sized, B: Buf> Future for WriteAllBuf<'_, W, B> {
        type Output = io::Result<()>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let this = self.get_mut();
            let polled = this.poll_all(cx);
            this.over = polled.is_ready();
            polled
        }
    }

    impl<W: AsyncWrite + Unpin + ?Sized, B: Buf> FusedFuture for WriteAllBuf<'_, W, B> {
        fn is_terminated(&self) -> bool {
            self.over
        }
    }

    impl<W: ?Sized, B> fmt::Debug for WriteAllBuf<'_, W, B> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("WriteAllBuf").finish_non_exhaustive()
        }
    }
}
