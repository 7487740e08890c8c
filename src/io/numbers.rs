//! Numbers as bytes: tokio's `read_u32` and the like.

use filch_executor::leaf;
use futures_core::FusedFuture;
use futures_io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A method for each: its name, the number, how many bytes, how it is made of them, and in which order they come.
macro_rules! readers {
    ($($name:ident: $number:ty, $size:literal, $make:ident, $order:literal;)*) => {$(
        #[doc = concat!("Reads a `", stringify!($number), "`, ", $order, ".")]
        ///
        /// # Errors
        /// `UnexpectedEof` if the stream ends before; the reader's own errors.
        ///
        /// # Cancel safety
        /// Not cancel safe: a dropped future loses the bytes that it had read.
        fn $name(&mut self) -> ReadNumber<'_, Self, $size, $number>
        where
            Self: Unpin,
        {
            ReadNumber::new(self, <$number>::$make)
        }
    )*};
}

/// The same for writing.
macro_rules! writers {
    ($($name:ident: $number:ty, $size:literal, $make:ident, $order:literal;)*) => {$(
        #[doc = concat!("Writes a `", stringify!($number), "`, ", $order, ".")]
        ///
        /// # Errors
        /// `WriteZero` if the writer takes no more; the writer's own errors.
        ///
        /// # Cancel safety
        /// Not cancel safe: a dropped future may have written a part.
        fn $name(&mut self, number: $number) -> WriteNumber<'_, Self, $size>
        where
            Self: Unpin,
        {
            WriteNumber::new(self, number.$make())
        }
    )*};
}

/// Reading numbers, big endian unless the name ends in `_le`, from every reader.
///
/// From a socket each is a system call, so put a [`BufReader`](super::BufReader) around it.
///
/// ```
/// use filch::io::ReadNumberExt;
///
/// # filch::run(async {
/// let mut reader = &[1, 2, 0, 0, 0, 3][..];
/// assert_eq!(reader.read_u16().await?, 0x0102);
/// assert_eq!(reader.read_u32().await?, 3);
/// assert!(reader.read_u8().await.is_err());
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub trait ReadNumberExt: AsyncRead {
    readers! {
        read_u8: u8, 1, from_be_bytes, "which is one byte";
        read_i8: i8, 1, from_be_bytes, "which is one byte";
        read_u16: u16, 2, from_be_bytes, "big endian";
        read_i16: i16, 2, from_be_bytes, "big endian";
        read_u32: u32, 4, from_be_bytes, "big endian";
        read_i32: i32, 4, from_be_bytes, "big endian";
        read_u64: u64, 8, from_be_bytes, "big endian";
        read_i64: i64, 8, from_be_bytes, "big endian";
        read_u128: u128, 16, from_be_bytes, "big endian";
        read_i128: i128, 16, from_be_bytes, "big endian";
        read_f32: f32, 4, from_be_bytes, "big endian";
        read_f64: f64, 8, from_be_bytes, "big endian";
        read_u16_le: u16, 2, from_le_bytes, "little endian";
        read_i16_le: i16, 2, from_le_bytes, "little endian";
        read_u32_le: u32, 4, from_le_bytes, "little endian";
        read_i32_le: i32, 4, from_le_bytes, "little endian";
        read_u64_le: u64, 8, from_le_bytes, "little endian";
        read_i64_le: i64, 8, from_le_bytes, "little endian";
        read_u128_le: u128, 16, from_le_bytes, "little endian";
        read_i128_le: i128, 16, from_le_bytes, "little endian";
        read_f32_le: f32, 4, from_le_bytes, "little endian";
        read_f64_le: f64, 8, from_le_bytes, "little endian";
    }
}

impl<R: AsyncRead + ?Sized> ReadNumberExt for R {}

/// Writing numbers, big endian unless the name ends in `_le`, to every writer.
///
/// To a socket each is a system call, so put a [`BufWriter`](super::BufWriter) around it, and flush that.
///
/// ```
/// use filch::io::WriteNumberExt;
///
/// # filch::run(async {
/// let mut bytes = Vec::new();
/// bytes.write_u16(0x0102).await?;
/// bytes.write_u16_le(0x0102).await?;
/// assert_eq!(bytes, [1, 2, 2, 1]);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub trait WriteNumberExt: AsyncWrite {
    writers! {
        write_u8: u8, 1, to_be_bytes, "which is one byte";
        write_i8: i8, 1, to_be_bytes, "which is one byte";
        write_u16: u16, 2, to_be_bytes, "big endian";
        write_i16: i16, 2, to_be_bytes, "big endian";
        write_u32: u32, 4, to_be_bytes, "big endian";
        write_i32: i32, 4, to_be_bytes, "big endian";
        write_u64: u64, 8, to_be_bytes, "big endian";
        write_i64: i64, 8, to_be_bytes, "big endian";
        write_u128: u128, 16, to_be_bytes, "big endian";
        write_i128: i128, 16, to_be_bytes, "big endian";
        write_f32: f32, 4, to_be_bytes, "big endian";
        write_f64: f64, 8, to_be_bytes, "big endian";
        write_u16_le: u16, 2, to_le_bytes, "little endian";
        write_i16_le: i16, 2, to_le_bytes, "little endian";
        write_u32_le: u32, 4, to_le_bytes, "little endian";
        write_i32_le: i32, 4, to_le_bytes, "little endian";
        write_u64_le: u64, 8, to_le_bytes, "little endian";
        write_i64_le: i64, 8, to_le_bytes, "little endian";
        write_u128_le: u128, 16, to_le_bytes, "little endian";
        write_i128_le: i128, 16, to_le_bytes, "little endian";
        write_f32_le: f32, 4, to_le_bytes, "little endian";
        write_f64_le: f64, 8, to_le_bytes, "little endian";
    }
}

impl<W: AsyncWrite + ?Sized> WriteNumberExt for W {}

/// The future of [`ReadNumberExt`]'s methods.
#[must_use = "futures do nothing unless awaited"]
pub struct ReadNumber<'a, R: ?Sized, const N: usize, T> {
    reader: &'a mut R,
    bytes: [u8; N],
    filled: usize,
    make: fn([u8; N]) -> T,
    over: bool,
}

impl<'a, R: ?Sized, const N: usize, T> ReadNumber<'a, R, N, T> {
    fn new(reader: &'a mut R, make: fn([u8; N]) -> T) -> ReadNumber<'a, R, N, T> {
        ReadNumber {
            reader,
            bytes: [0; N],
            filled: 0,
            make,
            over: false,
        }
    }
}

impl<R: AsyncRead + Unpin + ?Sized, const N: usize, T> ReadNumber<'_, R, N, T> {
    fn poll_number(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        // A reader in memory is always ready and spends none itself.
        ready!(leaf::poll_budget_of(&self.bytes, cx));
        while self.filled < N {
            let rest = &mut self.bytes[self.filled..];
            match ready!(Pin::new(&mut *self.reader).poll_read(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                count => self.filled += count,
            }
        }
        Poll::Ready(Ok((self.make)(self.bytes)))
    }
}

impl<R: AsyncRead + Unpin + ?Sized, const N: usize, T> Future for ReadNumber<'_, R, N, T> {
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        let polled = this.poll_number(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl<R: AsyncRead + Unpin + ?Sized, const N: usize, T> FusedFuture for ReadNumber<'_, R, N, T> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<R: ?Sized, const N: usize, T> fmt::Debug for ReadNumber<'_, R, N, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadNumber")
            .field("filled", &self.filled)
            .finish_non_exhaustive()
    }
}

/// The future of [`WriteNumberExt`]'s methods.
#[must_use = "futures do nothing unless awaited"]
pub struct WriteNumber<'a, W: ?Sized, const N: usize> {
    writer: &'a mut W,
    bytes: [u8; N],
    written: usize,
    over: bool,
}

impl<'a, W: ?Sized, const N: usize> WriteNumber<'a, W, N> {
    fn new(writer: &'a mut W, bytes: [u8; N]) -> WriteNumber<'a, W, N> {
        WriteNumber {
            writer,
            bytes,
            written: 0,
            over: false,
        }
    }
}

impl<W: AsyncWrite + Unpin + ?Sized, const N: usize> WriteNumber<'_, W, N> {
    fn poll_number(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A writer in memory is always ready and spends none itself.
        ready!(leaf::poll_budget_of(&self.bytes, cx));
        while self.written < N {
            let rest = &self.bytes[self.written..];
            match ready!(Pin::new(&mut *self.writer).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin + ?Sized, const N: usize> Future for WriteNumber<'_, W, N> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = this.poll_number(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl<W: AsyncWrite + Unpin + ?Sized, const N: usize> FusedFuture for WriteNumber<'_, W, N> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<W: ?Sized, const N: usize> fmt::Debug for WriteNumber<'_, W, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteNumber")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}
