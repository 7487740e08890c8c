//! Reads into memory that need not be initialised.

use futures_io::AsyncRead;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// So much is zeroed for a read of a stream that cannot do without, in bytes: what a TLS record holds.
pub(crate) const ZEROED: usize = 16 * 1024;

/// A stream that reads into memory that need not be initialised.
///
/// # Safety
/// As many bytes of `buf`, from its first on, are initialised as `poll_uninit` returns.
pub(crate) unsafe trait ReadUninit: AsyncRead {
    /// Reads what is there; 0 is the end, unless `buf` is empty.
    fn poll_uninit(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>>;
}

/// The same for a stream that reads into initialised memory only: at most `most` bytes of it are zeroed.
pub(crate) fn poll_zeroed<T: AsyncRead + ?Sized>(
    stream: Pin<&mut T>,
    cx: &mut Context<'_>,
    buf: &mut [MaybeUninit<u8>],
    most: usize,
) -> Poll<io::Result<usize>> {
    let most = buf.len().min(most);
    let room = zeroed(&mut buf[..most]);
    let count = ready!(stream.poll_read(cx, room))?;
    // Others' streams may say anything, and what is beyond `room` is not initialised.
    assert!(
        count <= most,
        "a read of {most} bytes says that it read {count}"
    );
    Poll::Ready(Ok(count))
}

fn zeroed(buf: &mut [MaybeUninit<u8>]) -> &mut [u8] {
    buf.fill(MaybeUninit::new(0));
    // SAFETY: all of it has just been initialised, and `MaybeUninit<u8>` has the layout of `u8`.
    unsafe { &mut *(std::ptr::from_mut(buf) as *mut [u8]) }
}

/// Streams that read into memory as it is, by a method `poll_read_uninit`.
macro_rules! direct {
    ($([$($generics:tt)*] $stream:ty;)*) => {$(
        // SAFETY: that is what the method promises.
        unsafe impl<$($generics)*> ReadUninit for $stream {
            fn poll_uninit(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [MaybeUninit<u8>],
            ) -> Poll<io::Result<usize>> {
                self.poll_read_uninit(cx, buf)
            }
        }
    )*};
}

/// Those for which so many bytes are zeroed.
macro_rules! through_zeros {
    ($([$($generics:tt)*] $stream:ty $(where [$($bound:tt)*])?, $most:expr;)*) => {$(
        // SAFETY: it returns no more than what was zeroed.
        unsafe impl<$($generics)*> ReadUninit for $stream $(where $($bound)*)? {
            fn poll_uninit(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut [MaybeUninit<u8>],
            ) -> Poll<io::Result<usize>> {
                poll_zeroed(self, cx, buf, $most)
            }
        }
    )*};
}

direct! {
    [] crate::io::DuplexStream;
    [] crate::io::SimplexReader;
}

#[cfg(feature = "net")]
direct! {
    [] crate::net::TcpStream;
    [] &crate::net::TcpStream;
    [S: crate::net::Split] crate::net::OwnedReadHalf<S>;
    ['a, S: crate::net::Split] crate::net::ReadHalf<'a, S>;
}

#[cfg(all(feature = "net", unix))]
direct! {
    [] crate::net::UnixStream;
    [] &crate::net::UnixStream;
    [] crate::net::unix::pipe::Receiver;
    [] &crate::net::unix::pipe::Receiver;
}

#[cfg(feature = "tls")]
direct! {
    [S: AsyncRead + futures_io::AsyncWrite] crate::tls::TlsStream<S>;
}

through_zeros! {
    [] crate::io::Stdin, ZEROED;
    // A hop to a thread costs as much as to zero this.
    [] crate::fs::File, 4 * ZEROED;
    // What a pipe holds on Linux.
    [] crate::process::ChildStdout, 4 * ZEROED;
    [] crate::process::ChildStderr, 4 * ZEROED;
}

#[cfg(feature = "net")]
through_zeros! {
    [T: crate::net::AsSource] crate::net::Async<T> where [for<'io> &'io T: io::Read], ZEROED;
    [T: crate::net::AsSource] &crate::net::Async<T> where [for<'io> &'io T: io::Read], ZEROED;
}
