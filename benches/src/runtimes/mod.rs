//! Who is measured: the peers, and what a workload needs of a runtime that is linked in.
//!
//! A workload is written once over [`Runtime`] and monomorphised for each, so the same code runs on all of them and
//! the indirection costs nothing at run time. Each file beside this one is one runtime, used as its users use it.

pub(crate) mod filch;
pub(crate) mod kit;
pub(crate) mod local;
pub(crate) mod peer;
pub(crate) mod primitives;
pub(crate) mod smol;
pub(crate) mod system;
#[cfg(feature = "tls")]
pub(crate) mod tls;
pub(crate) mod tokio;

use std::future::Future;
use std::io;
use std::net;
use std::os::unix;
use std::pin::Pin;
use std::time::Duration;

pub(crate) use kit::Kit;
pub(crate) use peer::Peer;

/// A runtime that is linked into this binary. The functions without a host are called from inside its tasks.
pub(crate) trait Runtime: Send + Sync + 'static {
    /// The running runtime; dropping it stops it.
    type Host: Send + Sync + 'static;
    /// Its own channels and locks, or the neutral ones where it has none.
    type Kit: Kit;
    /// The future of a sleep.
    type Sleep: Future<Output: Send> + Send + 'static;
    /// An interval.
    type Interval: Send + 'static;
    /// A TCP connection.
    type Tcp: Stream;
    /// Accepts TCP connections.
    type TcpListener: Send + Sync + 'static;
    /// A Unix stream connection.
    type Unix: Stream;
    /// Accepts Unix stream connections.
    type UnixListener: Send + Sync + 'static;
    /// A bound UDP socket.
    type Udp: Datagram;

    /// Starts the runtime with `workers` worker threads.
    fn start(workers: usize) -> Self::Host;
    /// What the runtime says of the threads that stand in for stuck workers; nothing where there are none.
    fn spares(host: &Self::Host) -> Option<Spares> {
        let _ = host;
        None
    }
    /// Runs the root future, as the runtime's `main` attribute would, and returns when it is done.
    fn run<T: Send + 'static>(
        host: &Self::Host,
        root: impl Future<Output = T> + Send + 'static,
    ) -> T;
    /// Polls a future on the calling thread, which is none of the runtime's, where that is not what `run` does.
    fn block_on<T: Send + 'static>(
        host: &Self::Host,
        root: impl Future<Output = T> + Send + 'static,
    ) -> T {
        Self::run(host, root)
    }
    /// Creates a runtime, runs `root` on it and stops it: what a short program does.
    fn start_and_stop(workers: usize, root: impl Future<Output = ()> + Send + 'static);

    /// Spawns a task and returns what awaits it; a panic in the task panics in the awaiter.
    fn spawn<T: Send + 'static>(
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static;
    /// Spawns a task that nobody awaits.
    fn spawn_detached(future: impl Future<Output = ()> + Send + 'static);
    /// Spawns a task that nobody awaits from a thread that is not the runtime's.
    fn spawn_from_outside(host: &Self::Host, future: impl Future<Output = ()> + Send + 'static);
    /// Runs `function` where blocking is allowed.
    fn spawn_blocking<T: Send + 'static>(
        function: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static;
    /// Lets the other tasks run.
    fn yield_now() -> impl Future<Output = ()> + Send;

    /// Sleeps for `duration`, counted from now.
    fn sleep(duration: Duration) -> Self::Sleep;
    /// Moves a sleep's deadline to `duration` from now.
    fn reset(sleep: Pin<&mut Self::Sleep>, duration: Duration);
    /// Awaits `future` for at most `duration`; `None` if that was too short.
    fn timeout<F: Future + Send>(
        duration: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send
    where
        F::Output: Send;
    /// Ticks each `period`, for the first time one period from now.
    fn interval(period: Duration) -> Self::Interval;
    /// The next tick.
    fn tick(interval: &mut Self::Interval) -> impl Future<Output = ()> + Send;

    /// Takes over a listening socket.
    fn tcp_listener(listener: net::TcpListener) -> io::Result<Self::TcpListener>;
    /// The next connection, with `TCP_NODELAY` set.
    fn accept_tcp(
        listener: &Self::TcpListener,
    ) -> impl Future<Output = io::Result<Self::Tcp>> + Send;
    /// Takes over a listening socket.
    fn unix_listener(listener: unix::net::UnixListener) -> io::Result<Self::UnixListener>;
    /// The next connection.
    fn accept_unix(
        listener: &Self::UnixListener,
    ) -> impl Future<Output = io::Result<Self::Unix>> + Send;
    /// Takes over a bound socket.
    fn udp(socket: net::UdpSocket) -> io::Result<Self::Udp>;
}

/// Threads that stand in for workers which are stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spares {
    /// At work now.
    pub(crate) at_work: usize,
    /// At work or resting.
    pub(crate) threads: usize,
    /// No more than that ever.
    pub(crate) cap: usize,
}

/// A byte stream, as the servers use it.
pub(crate) trait Stream: Send + Sync + 'static {
    /// Reads what is there; 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
    /// Writes all of it.
    fn write_all(&mut self, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

/// A datagram socket, as the servers use it.
pub(crate) trait Datagram: Send + Sync + 'static {
    /// The next datagram and its sender.
    fn recv_from(
        &self,
        buffer: &mut [u8],
    ) -> impl Future<Output = io::Result<(usize, net::SocketAddr)>> + Send;
    /// Sends one datagram.
    fn send_to(
        &self,
        bytes: &[u8],
        to: net::SocketAddr,
    ) -> impl Future<Output = io::Result<usize>> + Send;
}
