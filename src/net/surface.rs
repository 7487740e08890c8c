//! What every public stream type offers, written once.
//!
//! [`stream_surface!`] gives a type that has `endpoint(&self) -> Endpoint` its transfer methods and the
//! io traits, by value and by reference. The methods come before the traits' methods of the same name in
//! Rust's name lookup; they take `&self`, have any number of waiters, and their wait records name
//! the line that called them (a `poll_read` cannot know it).

/// Methods and traits of a public stream type.
macro_rules! stream_surface {
    ($stream:ident) => {
        /// Transfers. All futures are cancel safe unless they say otherwise: a dropped one has moved
        /// no data. Any number of tasks may wait at a time.
        impl $stream {
            /// Reads what is there into `buf`, waiting until there is something. Returns the number
            /// of bytes; 0 is the end of the stream. Into an empty `buf` it reads nothing at once: 0.
            ///
            /// # Errors
            /// The system's, such as `ConnectionReset`; an error that says so when the runtime has ended.
            ///
            /// # Cancel safety
            /// Cancel safe.
            #[track_caller]
            pub fn read<'a>(&'a self, buf: &'a mut [u8]) -> $crate::net::future::Read<'a> {
                self.endpoint().read(buf)
            }

            /// Reads until `buf` is full.
            ///
            /// # Errors
            /// `UnexpectedEof`, with the number of bytes in its text, if the stream ends before; otherwise
            /// as [`read`](Self::read).
            ///
            /// # Cancel safety
            /// Not cancel safe: bytes that a dropped future had read are in `buf`, but how many is lost.
            #[track_caller]
            pub fn read_exact<'a>(
                &'a self,
                buf: &'a mut [u8],
            ) -> $crate::net::future::ReadExact<'a> {
                self.endpoint().read_exact(buf)
            }

            /// Reads once behind the end of `buf`, into spare capacity that nobody needs to have
            /// initialised (8 KiB are made if there is none). Returns the number of bytes; 0 is the
            /// end of the stream.
            ///
            /// # Errors
            /// As [`read`](Self::read).
            ///
            /// # Cancel safety
            /// Cancel safe.
            #[track_caller]
            pub fn read_buf<'a, B: $crate::io::Append>(
                &'a self,
                buf: &'a mut B,
            ) -> $crate::net::future::ReadBuf<'a, B> {
                self.endpoint().read_buf(buf)
            }

            /// Reads what is there into `buf` and leaves it to be read again.
            ///
            /// # Errors
            /// As [`read`](Self::read).
            ///
            /// # Cancel safety
            /// Cancel safe.
            #[track_caller]
            pub fn peek<'a>(&'a self, buf: &'a mut [u8]) -> $crate::net::future::Peek<'a> {
                self.endpoint().peek(buf)
            }

            /// Writes a part of `buf`, waiting until there is room. Returns the number of bytes.
            ///
            /// # Errors
            /// The system's, such as `BrokenPipe` or `ConnectionReset`.
            ///
            /// # Cancel safety
            /// Cancel safe.
            #[track_caller]
            pub fn write<'a>(&'a self, buf: &'a [u8]) -> $crate::net::future::Write<'a> {
                self.endpoint().write(buf)
            }

            /// Writes all of `buf`.
            ///
            /// # Errors
            /// As [`write`](Self::write).
            ///
            /// # Cancel safety
            /// Not cancel safe: how much a dropped future had written is lost.
            #[track_caller]
            pub fn write_all<'a>(&'a self, buf: &'a [u8]) -> $crate::net::future::WriteAll<'a> {
                self.endpoint().write_all(buf)
            }

            /// Sends a file, or a part of it, without copying it to here: by `sendfile` on Linux, elsewhere piece by
            /// piece. Returns how many bytes were sent. The file's position is left alone, but on Windows.
            ///
            /// A range without an end goes to the end of the file, wherever that is when it is reached. What was
            /// written to the file has to be flushed before.
            ///
            /// ```no_run
            /// use filch::{fs::File, net::TcpStream};
            ///
            /// # filch::run(async {
            /// let stream = TcpStream::connect("127.0.0.1:7000").await?;
            /// let file = File::open("picture.png").await?;
            /// let length = file.metadata().await?.len();
            /// stream.write_all(format!("{length}\n").as_bytes()).await?;
            /// stream.send_file(&file, ..length).await?;
            /// # std::io::Result::Ok(())
            /// # });
            /// ```
            ///
            /// # Errors
            /// [`IncompleteRead`](crate::io::IncompleteRead) of kind `UnexpectedEof` if the file ends before the range
            /// does, because it was cut meanwhile, say: it tells how much was sent. Those of reading the file, and as
            /// [`write`](Self::write).
            ///
            /// # Panics
            /// If the range's start is behind its end.
            ///
            /// # Cancel safety
            /// A dropped future has sent a part. Polled by reference, it says before how much:
            /// [`SendFile::sent`](crate::net::future::SendFile::sent).
            #[track_caller]
            pub fn send_file<'a>(
                &'a self,
                file: &'a $crate::fs::File,
                range: impl std::ops::RangeBounds<u64>,
            ) -> $crate::net::future::SendFile<'a> {
                self.endpoint().send_file(file, &range)
            }

            /// Waits until a read would probably not block: data, the end, or an error is there.
            /// Pair this with [`try_read`](Self::try_read) in a loop.
            ///
            /// # Errors
            /// An error that says so when the runtime has ended.
            ///
            /// # Cancel safety
            /// Cancel safe.
            #[track_caller]
            pub fn readable(&self) -> $crate::net::future::Readable<'_> {
                self.endpoint().readable()
            }

            /// Waits until a write would probably not block; see [`readable`](Self::readable).
            ///
            /// # Errors
            /// An error that says so when the runtime has ended.
            ///
            /// # Cancel safety
            /// Cancel safe.
            #[track_caller]
            pub fn writable(&self) -> $crate::net::future::Writable<'_> {
                self.endpoint().writable()
            }

            /// Reads without waiting.
            ///
            /// # Errors
            /// `WouldBlock` if nothing is there; otherwise as [`read`](Self::read).
            pub fn try_read(&self, buf: &mut [u8]) -> std::io::Result<usize> {
                self.endpoint().try_read(buf)
            }

            /// Reads into several buffers without waiting.
            ///
            /// # Errors
            /// As [`try_read`](Self::try_read).
            pub fn try_read_vectored(
                &self,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::io::Result<usize> {
                self.endpoint().try_read_vectored(bufs)
            }

            /// Reads without waiting into memory that need not be initialised, and returns the part
            /// that now is.
            ///
            /// # Errors
            /// As [`try_read`](Self::try_read).
            pub fn try_read_uninit<'b>(
                &self,
                buf: &'b mut [std::mem::MaybeUninit<u8>],
            ) -> std::io::Result<&'b mut [u8]> {
                self.endpoint().try_read_uninit(buf)
            }

            /// Reads without waiting behind the end of `buf`, as [`read_buf`](Self::read_buf).
            ///
            /// # Errors
            /// As [`try_read`](Self::try_read).
            pub fn try_read_buf<B: $crate::io::Append>(
                &self,
                buf: &mut B,
            ) -> std::io::Result<usize> {
                self.endpoint().try_read_buf(buf)
            }

            /// For hand-written futures: reads into memory that need not be initialised. Returns how many bytes at the
            /// beginning of `buf` now are; 0 is the end of the stream. The waker goes where that of `AsyncRead`'s
            /// `poll_read` does.
            ///
            /// # Errors
            /// As [`read`](Self::read).
            pub fn poll_read_uninit(
                &self,
                cx: &mut std::task::Context<'_>,
                buf: &mut [std::mem::MaybeUninit<u8>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.endpoint().poll_read_uninit(cx, buf)
            }

            /// For hand-written futures: reads what is there into `buf` and leaves it to be read again. The waker goes
            /// where that of `AsyncRead`'s `poll_read` does.
            ///
            /// # Errors
            /// As [`read`](Self::read).
            pub fn poll_peek(
                &self,
                cx: &mut std::task::Context<'_>,
                buf: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.endpoint().poll_peek(cx, buf)
            }

            /// Writes without waiting.
            ///
            /// # Errors
            /// `WouldBlock` if there is no room; otherwise as [`write`](Self::write).
            pub fn try_write(&self, buf: &[u8]) -> std::io::Result<usize> {
                self.endpoint().try_write(buf)
            }

            /// Writes several buffers without waiting.
            ///
            /// # Errors
            /// As [`try_write`](Self::try_write).
            pub fn try_write_vectored(
                &self,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::io::Result<usize> {
                self.endpoint().try_write_vectored(bufs)
            }

            /// Ends reading, writing or both. The peer sees the end of the stream once it has read
            /// what was written before.
            ///
            /// # Errors
            /// The system's; a connection that is gone already is not an error.
            pub fn shutdown(&self, how: std::net::Shutdown) -> std::io::Result<()> {
                self.endpoint().shutdown(how)
            }

            /// Splits into two halves that borrow the stream, for two futures of one task.
            ///
            /// Where `AsyncReadExt` is imported, `stream.split()` is that trait's, which takes the stream and puts a
            /// lock around it: write `TcpStream::split(&mut stream)` there.
            pub fn split(
                &mut self,
            ) -> (
                $crate::net::ReadHalf<'_, $stream>,
                $crate::net::WriteHalf<'_, $stream>,
            ) {
                $crate::net::split::split(self)
            }

            /// Splits into two halves that own the stream together, for two tasks. Dropping the
            /// write half ends writing.
            pub fn into_split(
                self,
            ) -> (
                $crate::net::OwnedReadHalf<$stream>,
                $crate::net::OwnedWriteHalf<$stream>,
            ) {
                $crate::net::split::into_split(self)
            }
        }

        $crate::net::ready::readiness_of!($stream);
        $crate::net::ready::readiness_to_read!($stream, poll_read_ready);
        $crate::net::ready::readiness_to_write!($stream, poll_write_ready);
        $crate::net::surface::io_traits!($stream);
        $crate::net::surface::io_traits!(&$stream);

        impl $crate::net::split::Split for $stream {
            fn endpoint(&self) -> $crate::net::stream::Endpoint<'_> {
                self.endpoint()
            }
        }
    };
}

/// `AsyncRead` and `AsyncWrite` for a type with an endpoint. Closing is `shutdown(Write)`, and
/// flushing does nothing: a socket has no buffer of ours.
macro_rules! io_traits {
    ($stream:ty) => {
        impl futures_io::AsyncRead for $stream {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.endpoint().poll_read(cx, buf)
            }

            fn poll_read_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bufs: &mut [std::io::IoSliceMut<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.endpoint().poll_read_vectored(cx, bufs)
            }
        }

        impl futures_io::AsyncWrite for $stream {
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.endpoint().poll_write(cx, buf)
            }

            fn poll_write_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.endpoint().poll_write_vectored(cx, bufs)
            }

            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                self.endpoint().poll_flush(cx)
            }

            fn poll_close(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                self.endpoint().poll_close(cx)
            }
        }
    };
}

pub(crate) use {io_traits, stream_surface};
