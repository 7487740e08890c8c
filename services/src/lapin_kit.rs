//! RabbitMQ: what lapin asks of a runtime, by the traits of the crate async-rs.
//!
//! ```no_run
//! use filch_services::lapin_kit::Filch;
//! use lapin::{Connection, ConnectionProperties};
//!
//! # async fn connect() -> lapin::Result<()> {
//! let runtime = async_rs::Runtime::new(Filch::current());
//! let url = "amqp://guest:guest@127.0.0.1/%2f";
//! let connection = Connection::connect_with_runtime(url, ConnectionProperties::default(), runtime).await?;
//! # connection.close(200, "bye".into()).await
//! # }
//! ```
//!
//! lapin reads and writes its socket on a thread of its own, `lapin-io-loop`, and calls from there.

use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::{Task, TaskImpl};
use filch::io::{AsyncRead, AsyncWrite};
use filch::net::{Async, TcpStream};
use filch::stream::Stream;
use filch::time::{Interval, Sleep, interval, sleep};
use filch::{Handle, JoinHandle};

/// A runtime of filch. It keeps a handle, because lapin spawns from a thread that is in no runtime.
#[derive(Clone, Debug)]
pub struct Filch(Handle);

impl Filch {
    /// The runtime that this is called in.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    #[track_caller]
    pub fn current() -> Filch {
        Filch(Handle::current())
    }
}

impl RuntimeKit for Filch {}

impl Executor for Filch {
    type Task<T: Send + 'static> = Spawned<T>;

    fn block_on<T, F: Future<Output = T>>(&self, future: F) -> T {
        self.0.block_on(future)
    }

    fn spawn<T: Send + 'static, F>(&self, future: F) -> Task<Spawned<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        Spawned(Some(self.0.spawn(future))).into()
    }

    fn spawn_blocking<T: Send + 'static, F>(&self, work: F) -> Task<Spawned<T>>
    where
        F: FnOnce() -> T + Send + 'static,
    {
        Spawned(Some(self.0.spawn_blocking(work))).into()
    }
}

/// A task, as async-rs has it: its panic is the panic of whoever awaits it. `None` after it was cancelled or detached.
#[derive(Debug)]
pub struct Spawned<T: Send + 'static>(Option<JoinHandle<T>>);

#[async_trait::async_trait]
impl<T: Send + 'static> TaskImpl for Spawned<T> {
    async fn cancel(&mut self) -> Option<T> {
        let task = self.0.take()?;
        task.abort();
        task.await.ok()
    }

    /// Called when the task's handle is dropped: the task runs on.
    fn detach(&mut self) {
        self.0 = None;
    }
}

impl<T: Send + 'static> Future for Spawned<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let task = self.0.as_mut().expect("awaited after it was cancelled");
        Poll::Ready(match ready!(Pin::new(task).poll(cx)) {
            Ok(value) => value,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => panic!("{error}"),
            },
        })
    }
}

impl Reactor for Filch {
    type TcpStream = TcpStream;
    type Sleep = Sleep;

    // The trait's own bound, `AsSysFd`, cannot be named outside async-rs. What it consists of can.
    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        handle: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        let _context = self.0.enter();
        Registered::new(handle)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let _context = self.0.enter();
        sleep(duration)
    }

    fn interval(&self, period: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        let _context = self.0.enter();
        Ticks(interval(period))
    }

    // The future is `'static`, which an `async fn` with `&self` would not give.
    #[allow(clippy::manual_async_fn)]
    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<TcpStream>> + Send + 'static {
        async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        }
    }
}

/// Another's handle. A duplicate of its descriptor is what the runtime waits for, since the handle may be asked for
/// reads and writes only by who has it alone.
struct Registered<H> {
    // Boxed, as it need not be `Unpin`.
    handle: Box<H>,
    ready: Async<OwnedFd>,
}

impl<H: Read + Write + AsFd> Registered<H> {
    /// Puts it into non-blocking mode too, which its duplicate shares.
    fn new(handle: H) -> io::Result<Registered<H>> {
        let ready = Async::new(handle.as_fd().try_clone_to_owned()?)?;
        Ok(Registered {
            handle: Box::new(handle),
            ready,
        })
    }

    fn write_when_ready<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&mut H) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            ready!(self.ready.poll_writable(cx))?;
            match self.ready.try_write_with(|_| call(&mut self.handle)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl<H: Read + Write + AsFd> AsyncRead for Registered<H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        loop {
            ready!(this.ready.poll_readable(cx))?;
            match this.ready.try_read_with(|_| this.handle.read(buffer)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl<H: Read + Write + AsFd> AsyncWrite for Registered<H> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_when_ready(cx, |handle| handle.write(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write_when_ready(cx, Write::flush)
    }

    /// Nothing is known of the handle but that it reads and writes: it ends when it is dropped.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

struct Ticks(Interval);

impl Stream for Ticks {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.0.poll_tick(cx).map(|due| Some(due.into_std()))
    }
}
