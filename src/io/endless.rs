//! A stream without bytes, one without an end, and one that forgets. They are always ready, but let other tasks run
//! every now and then, as sockets do.

use filch_executor::leaf;
use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A stream that is at its end, and takes whatever is written to it.
///
/// ```
/// use filch::io::AsyncReadExt;
///
/// # filch::run(async {
/// let mut text = String::new();
/// assert_eq!(filch::io::empty().read_to_string(&mut text).await?, 0);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[must_use]
pub fn empty() -> Empty {
    Empty(())
}

/// A reader that gives `byte` for ever.
///
/// ```
/// use filch::io::AsyncReadExt;
///
/// # filch::run(async {
/// let mut bytes = [0; 3];
/// filch::io::repeat(7).read_exact(&mut bytes).await?;
/// assert_eq!(bytes, [7; 3]);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[must_use]
pub fn repeat(byte: u8) -> Repeat {
    Repeat(byte)
}

/// A writer that forgets what it is given.
///
/// ```
/// # filch::run(async {
/// let forgotten = filch::io::copy(&b"nothing of note"[..], &mut filch::io::sink()).await?;
/// assert_eq!(forgotten, 15);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[must_use]
pub fn sink() -> Sink {
    Sink(())
}

/// The stream of [`empty`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty(());

/// The reader of [`repeat`].
#[derive(Clone, Copy, Debug)]
pub struct Repeat(u8);

/// The writer of [`sink`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Sink(());

impl AsyncRead for Empty {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        leaf::poll_budget_of(&*self, cx).map(|()| Ok(0))
    }
}

impl AsyncBufRead for Empty {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        leaf::poll_budget_of(&*self, cx).map(|()| Ok(&[][..]))
    }

    fn consume(self: Pin<&mut Self>, _: usize) {}
}

impl AsyncSeek for Empty {
    fn poll_seek(self: Pin<&mut Self>, cx: &mut Context<'_>, _: SeekFrom) -> Poll<io::Result<u64>> {
        leaf::poll_budget_of(&*self, cx).map(|()| Ok(0))
    }
}

impl AsyncRead for Repeat {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        buf.fill(self.0);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        bufs.iter_mut().for_each(|buf| buf.fill(self.0));
        Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()))
    }
}

/// Writing to nowhere.
macro_rules! forgets {
    ($($name:ident)*) => {$(
        impl AsyncWrite for $name {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                leaf::poll_budget_of(&*self, cx).map(|()| Ok(buf.len()))
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                let length = bufs.iter().map(|buf| buf.len()).sum();
                leaf::poll_budget_of(&*self, cx).map(|()| Ok(length))
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                leaf::poll_budget_of(&*self, cx).map(Ok)
            }

            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                leaf::poll_budget_of(&*self, cx).map(Ok)
            }
        }
    )*};
}

forgets! { Empty Sink }
