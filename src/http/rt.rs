//! What hyper asks of a runtime: an executor, a timer, and streams.
//!
//! All streams of this crate are hyper's [`Read`] and [`Write`] themselves, and read into memory that hyper has not
//! initialised. [`Io`] makes any other stream of futures' traits one, and [`FromHyper`] is the way back, for what an
//! upgrade gives.
//!
//! ```ignore
//! use filch::http::rt::{Executor, Timer};
//! use hyper::server::conn::{http1, http2};
//!
//! let one = http1::Builder::new().timer(Timer).serve_connection(stream, service);
//! let two = http2::Builder::new(Executor).timer(Timer).serve_connection(stream, service);
//! ```

use crate::adapters::uninit::{ZEROED, poll_zeroed};
use crate::time::{self, Instant, Sleep};
use filch_executor::spawn;
use futures_io::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Spawns hyper's own tasks, such as those of HTTP/2's streams, in the runtime that it is called in.
///
/// ```
/// # filch::run(async {
/// use filch::http::rt::Executor;
/// use hyper::rt::Executor as _;
///
/// let (sender, done) = filch::sync::oneshot::channel();
/// Executor.execute(async move { sender.send(7).unwrap() });
/// assert_eq!(done.await.unwrap(), 7);
/// # });
/// ```
///
/// # Panics
/// Outside of a runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct Executor;

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[track_caller]
    fn execute(&self, future: F) {
        let _detached = spawn(future);
    }
}

/// hyper's timeouts on the runtime's clock, which tests can pause. A timeout that moves is moved in place.
///
/// ```
/// # filch::run(async {
/// use filch::http::rt::Timer;
/// use hyper::rt::Timer as _;
/// use std::time::Duration;
///
/// let mut sleep = Timer.sleep(Duration::from_secs(3600));
/// Timer.reset(&mut sleep, Timer.now() + Duration::from_millis(1));
/// sleep.await;
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer;

impl hyper::rt::Sleep for Sleep {}

impl hyper::rt::Timer for Timer {
    #[track_caller]
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(time::sleep(duration))
    }

    #[track_caller]
    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(time::sleep_until(Instant::from_std(deadline)))
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    #[track_caller]
    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: std::time::Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(ours) => ours.get_mut().reset(Instant::from_std(deadline)),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

/// Any stream of futures' traits, as hyper wants it. At most 16 KiB are zeroed for a read.
///
/// Streams of this crate need no `Io`.
#[derive(Debug)]
pub struct Io<T>(T);

impl<T> Io<T> {
    /// The stream for hyper.
    pub fn new(stream: T) -> Io<T> {
        Io(stream)
    }

    /// The stream.
    pub fn get_ref(&self) -> &T {
        &self.0
    }

    /// The stream.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// Gives the stream back.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: AsyncRead + Unpin> Read for Io<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // SAFETY: who reads here writes initialised bytes only.
        let room = unsafe { buf.as_mut() };
        let count = ready!(poll_zeroed(Pin::new(&mut self.0), cx, room, ZEROED))?;
        // SAFETY: no more than was zeroed.
        unsafe { buf.advance(count) };
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> Write for Io<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    /// Futures' traits do not say. A stream that takes only one buffer at a time writes the first.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

/// A stream of hyper's, such as an upgraded connection, with futures' traits.
#[derive(Debug)]
pub struct FromHyper<T>(T);

impl<T> FromHyper<T> {
    /// The stream for everybody else.
    pub fn new(stream: T) -> FromHyper<T> {
        FromHyper(stream)
    }

    /// The stream.
    pub fn get_ref(&self) -> &T {
        &self.0
    }

    /// The stream.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// Gives the stream back.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: Read + Unpin> AsyncRead for FromHyper<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(Pin::new(&mut self.0).poll_read(cx, buf.unfilled()))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl<T: Write + Unpin> AsyncWrite for FromHyper<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
