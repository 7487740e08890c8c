//! filch by its public names, with its own channels and locks.

use std::future::Future;
use std::io;
use std::net;
use std::ops::DerefMut;
use std::os::unix;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::filch::net::{TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream};
use ::filch::time::{self, Instant};
use ::filch::{IdleLook, sync};
use futures_util::{AsyncReadExt, AsyncWriteExt};

use super::kit::{Kit, Mutex, Notify, Receiver, Sender};
use super::{Datagram, Peer, Runtime, Spares, Stream};

/// What runtimes are built without: [`be`].
static UNWATCHED: AtomicBool = AtomicBool::new(false);
static UNLOOKING: AtomicBool = AtomicBool::new(false);

/// From now on, this process's runtimes are that peer's: without their monitor, or without looks before they sleep, if
/// that is what it shows. The same code runs all rows, so that nothing else differs.
pub(crate) fn be(peer: Peer) {
    UNWATCHED.store(peer == Peer::FilchUnwatched, Ordering::Relaxed);
    UNLOOKING.store(peer == Peer::FilchUnlooking, Ordering::Relaxed);
}

/// How many threads may stand in for stuck workers by default.
const SPARES: usize = 256;

/// The runtime.
#[derive(Debug)]
pub(crate) struct Filch;

impl Runtime for Filch {
    type Host = ::filch::Runtime;
    type Kit = Own;
    type Sleep = time::Sleep;
    type Interval = time::Interval;
    type Tcp = TcpStream;
    type TcpListener = TcpListener;
    type Unix = UnixStream;
    type UnixListener = UnixListener;
    type Udp = UdpSocket;

    fn start(workers: usize) -> Self::Host {
        let builder = ::filch::Runtime::builder().workers(workers);
        let builder = match UNWATCHED.load(Ordering::Relaxed) {
            true => builder.unwatched(),
            false => builder,
        };
        let builder = match UNLOOKING.load(Ordering::Relaxed) {
            true => builder.idle_look(IdleLook::Off),
            false => builder,
        };
        builder.build().expect("filch starts")
    }

    fn spares(host: &Self::Host) -> Option<Spares> {
        let metrics = host.metrics();
        Some(Spares {
            at_work: metrics.spares,
            threads: metrics.spare_threads,
            cap: SPARES,
        })
    }

    fn run<T: Send + 'static>(
        host: &Self::Host,
        root: impl Future<Output = T> + Send + 'static,
    ) -> T {
        host.run(root)
    }

    fn block_on<T: Send + 'static>(
        host: &Self::Host,
        root: impl Future<Output = T> + Send + 'static,
    ) -> T {
        host.block_on(root)
    }

    fn start_and_stop(workers: usize, root: impl Future<Output = ()> + Send + 'static) {
        Self::start(workers).run(root);
    }

    fn spawn<T: Send + 'static>(
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        let task = ::filch::spawn(future);
        async move { task.await.expect("the task does not panic") }
    }

    fn spawn_detached(future: impl Future<Output = ()> + Send + 'static) {
        drop(::filch::spawn(future));
    }

    fn spawn_from_outside(host: &Self::Host, future: impl Future<Output = ()> + Send + 'static) {
        drop(host.spawn(future));
    }

    fn spawn_blocking<T: Send + 'static>(
        function: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        let task = ::filch::spawn_blocking(function);
        async move { task.await.expect("the function does not panic") }
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        ::filch::task::yield_now()
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        time::sleep(duration)
    }

    fn reset(mut sleep: Pin<&mut Self::Sleep>, duration: Duration) {
        sleep.reset(Instant::now() + duration);
    }

    async fn timeout<F: Future + Send>(duration: Duration, future: F) -> Option<F::Output>
    where
        F::Output: Send,
    {
        time::timeout(duration, future).await.ok()
    }

    fn interval(period: Duration) -> Self::Interval {
        time::interval_at(Instant::now() + period, period)
    }

    async fn tick(interval: &mut Self::Interval) {
        interval.tick().await;
    }

    fn tcp_listener(listener: net::TcpListener) -> io::Result<Self::TcpListener> {
        TcpListener::from_std(listener)
    }

    async fn accept_tcp(listener: &Self::TcpListener) -> io::Result<Self::Tcp> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn unix_listener(listener: unix::net::UnixListener) -> io::Result<Self::UnixListener> {
        UnixListener::from_std(listener)
    }

    async fn accept_unix(listener: &Self::UnixListener) -> io::Result<Self::Unix> {
        Ok(listener.accept().await?.0)
    }

    fn udp(socket: net::UdpSocket) -> io::Result<Self::Udp> {
        UdpSocket::from_std(socket)
    }
}

impl Stream for TcpStream {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        AsyncReadExt::read(self, buffer).await
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        AsyncWriteExt::write_all(self, bytes).await
    }
}

impl Stream for UnixStream {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        AsyncReadExt::read(self, buffer).await
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        AsyncWriteExt::write_all(self, bytes).await
    }
}

impl Datagram for UdpSocket {
    async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, net::SocketAddr)> {
        UdpSocket::recv_from(self, buffer).await
    }

    async fn send_to(&self, bytes: &[u8], to: net::SocketAddr) -> io::Result<usize> {
        UdpSocket::send_to(self, bytes, to).await
    }
}

/// filch's own channels and locks.
#[derive(Debug)]
pub(crate) struct Own;

impl Kit for Own {
    type Notify = sync::Notify;
    type Mutex = sync::Mutex<u64>;

    fn oneshot<T: Send + 'static>() -> (
        impl FnOnce(T) + Send + 'static,
        impl Future<Output = T> + Send + 'static,
    ) {
        let (sender, receiver) = sync::oneshot::channel();
        (
            move |value| {
                assert!(
                    sender.send(value).is_ok(),
                    "the receiver of a oneshot is gone"
                )
            },
            async move { receiver.await.expect("the sender of a oneshot is gone") },
        )
    }

    fn mpsc<T: Send + 'static>(capacity: usize) -> (impl Sender<T>, impl Receiver<T>) {
        sync::mpsc::channel(capacity)
    }
}

impl<T: Send + 'static> Sender<T> for sync::mpsc::Sender<T> {
    async fn send(&self, value: T) {
        assert!(
            sync::mpsc::Sender::send(self, value).await.is_ok(),
            "the receiver of a channel is gone"
        );
    }
}

impl<T: Send + 'static> Receiver<T> for sync::mpsc::Receiver<T> {
    async fn recv(&mut self) -> Option<T> {
        sync::mpsc::Receiver::recv(self).await
    }
}

impl Notify for sync::Notify {
    fn notify_one(&self) {
        sync::Notify::notify_one(self);
    }

    async fn notified(&self) {
        sync::Notify::notified(self).await;
    }
}

impl Mutex for sync::Mutex<u64> {
    async fn lock(&self) -> impl DerefMut<Target = u64> + Send {
        sync::Mutex::lock(self).await
    }
}
