//! smol as its users run it on N threads: the global executor with `SMOL_THREADS`, the root future in
//! `smol::block_on`. The parent process sets that variable for smol's children.
//!
//! The global executor cannot be stopped, so the `start` rows build what smol's documentation shows for a pool that
//! can be: an [`smol::Executor`] and N threads that run it until a channel closes.

use std::future::Future;
use std::io;
use std::net;
use std::os::unix;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{AsyncReadExt, AsyncWriteExt, FutureExt, StreamExt};
use smol::net::unix::{UnixListener, UnixStream};
use smol::net::{TcpListener, TcpStream, UdpSocket};
use smol::{Async, Timer};

use super::kit::Neutral;
use super::{Datagram, Runtime, Stream};

/// The runtime.
#[derive(Debug)]
pub(crate) struct Smol;

impl Runtime for Smol {
    type Host = ();
    type Kit = Neutral;
    type Sleep = Timer;
    type Interval = Timer;
    type Tcp = TcpStream;
    type TcpListener = TcpListener;
    type Unix = UnixStream;
    type UnixListener = UnixListener;
    type Udp = UdpSocket;

    fn start(workers: usize) -> Self::Host {
        let threads = std::env::var("SMOL_THREADS")
            .ok()
            .and_then(|threads| threads.parse().ok());
        assert_eq!(
            threads,
            Some(workers),
            "SMOL_THREADS must say how many workers smol has"
        );
        // The global executor starts its threads at the first spawn.
        smol::block_on(smol::spawn(async {}));
    }

    fn run<T: Send + 'static>(
        (): &Self::Host,
        root: impl Future<Output = T> + Send + 'static,
    ) -> T {
        smol::block_on(root)
    }

    fn start_and_stop(workers: usize, root: impl Future<Output = ()> + Send + 'static) {
        let executor = Arc::new(smol::Executor::new());
        let (stop, stopped) = smol::channel::unbounded::<()>();
        let threads: Vec<_> = (0..workers)
            .map(|_| {
                let (executor, stopped) = (executor.clone(), stopped.clone());
                std::thread::spawn(move || smol::block_on(executor.run(stopped.recv())))
            })
            .collect();
        smol::block_on(executor.spawn(root));
        drop(stop);
        for thread in threads {
            assert!(
                thread.join().expect("a worker does not panic").is_err(),
                "nothing is sent on the stop channel"
            );
        }
    }

    fn spawn<T: Send + 'static>(
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        smol::spawn(future)
    }

    fn spawn_detached(future: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(future).detach();
    }

    fn spawn_from_outside((): &Self::Host, future: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(future).detach();
    }

    fn spawn_blocking<T: Send + 'static>(
        function: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        smol::unblock(function)
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        smol::future::yield_now()
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        Timer::after(duration)
    }

    fn reset(mut sleep: Pin<&mut Self::Sleep>, duration: Duration) {
        sleep.set_after(duration);
    }

    async fn timeout<F: Future + Send>(duration: Duration, future: F) -> Option<F::Output>
    where
        F::Output: Send,
    {
        // smol has no timeout of its own; its users race the future with a timer, as here.
        let late = async {
            Timer::after(duration).await;
            None
        };
        smol::future::or(future.map(Some), late).await
    }

    fn interval(period: Duration) -> Self::Interval {
        Timer::interval(period)
    }

    async fn tick(interval: &mut Self::Interval) {
        interval.next().await;
    }

    fn tcp_listener(listener: net::TcpListener) -> io::Result<Self::TcpListener> {
        Ok(Async::new(listener)?.into())
    }

    async fn accept_tcp(listener: &Self::TcpListener) -> io::Result<Self::Tcp> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn unix_listener(listener: unix::net::UnixListener) -> io::Result<Self::UnixListener> {
        Ok(Async::new(listener)?.into())
    }

    async fn accept_unix(listener: &Self::UnixListener) -> io::Result<Self::Unix> {
        Ok(listener.accept().await?.0)
    }

    fn udp(socket: net::UdpSocket) -> io::Result<Self::Udp> {
        Ok(Async::new(socket)?.into())
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
