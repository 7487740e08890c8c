//! Where connections come from.
//!
//! Here are the trait and the sockets; `tls` and `proxied` wrap a listener, `several` has more than one, `memory` is
//! for tests.

mod memory;
mod proxied;
mod several;
#[cfg(feature = "tls")]
mod tls;

use super::info::{Facts, Peer};
use crate::net::{TcpListener, TcpStream};
use filch_reactor::Source;
use hyper::rt::{Read, Write};
pub use memory::{Dialer, MemoryListener, memory};
pub use proxied::{Proxied, ProxyListener};
pub use several::{AnyStream, Several, SeveralStream};
use std::any::Any;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};
#[cfg(feature = "tls")]
pub use tls::{Handshaking, TlsListener};

/// Where a server's connections come from: what [`serve`](super::serve()) takes.
///
/// Implemented for [`TcpListener`], [`UnixListener`](crate::net::UnixListener), `TlsListener` over either,
/// [`ProxyListener`], [`Several`] of them, and [`MemoryListener`]. For one of your own, see
/// [`net::Listener`](crate::net::Listener): this is the same trait with the peer's type narrowed down, and an address.
pub trait Listener: Send + 'static {
    /// A connection, or what becomes one in a task of its own.
    type Io: Open;
    /// Who has connected.
    type Peer: Into<Peer> + Clone + Send + Sync + 'static;
    /// Where it listens.
    type Addr;

    /// The next connection.
    ///
    /// # Errors
    /// As those of [`net::Listener`](crate::net::Listener::poll_accept): the server goes on after most.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Self::Peer)>>;

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not say.
    fn local_addr(&self) -> io::Result<Self::Addr>;
}

/// A stream as hyper wants it: all streams of this crate are, and any other is in [`rt::Io`](super::rt::Io).
pub trait Transport: Read + Write + Unpin + Send + Sync + 'static {}

impl<T: Read + Write + Unpin + Send + Sync + 'static> Transport for T {}

/// What the reactor knows of a stream, if it is a socket.
pub(super) fn source_of<S: Transport>(stream: &S) -> Option<&Source> {
    let stream: &dyn Any = stream;
    if let Some(tcp) = stream.downcast_ref::<TcpStream>() {
        return Some(tcp.source());
    }
    #[cfg(unix)]
    if let Some(unix) = stream.downcast_ref::<crate::net::UnixStream>() {
        return Some(unix.source());
    }
    #[cfg(feature = "tls")]
    if let Some(tls) = stream.downcast_ref::<crate::tls::TlsStream<TcpStream>>() {
        return Some(tls.get_ref().source());
    }
    let any = stream.downcast_ref::<AnyStream>()?;
    any.source()
}

/// A connection that was accepted, and may have to do something before it carries HTTP, such as a handshake.
///
/// Each [`Transport`] is one that has nothing to do.
pub trait Open: Send + 'static {
    /// What carries HTTP.
    type Stream: Transport;

    /// Gets it ready, in the connection's own task.
    ///
    /// # Errors
    /// If it cannot be had: the connection is closed.
    fn open(self) -> impl Future<Output = io::Result<(Self::Stream, Facts)>> + Send;
}

impl<T: Transport> Open for T {
    type Stream = T;

    async fn open(self) -> io::Result<(T, Facts)> {
        Ok((self, Facts::default()))
    }
}

/// `TCP_NODELAY` is set: an answer's last piece is never held back.
impl Listener for TcpListener {
    type Io = TcpStream;
    type Peer = SocketAddr;
    type Addr = SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let (stream, peer) = ready!(TcpListener::poll_accept(self, cx))?;
        // It fails on a connection that is gone, which its own task will notice.
        let _ = stream.set_nodelay(true);
        Poll::Ready(Ok((stream, peer)))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        TcpListener::local_addr(self)
    }
}

#[cfg(unix)]
impl Listener for crate::net::UnixListener {
    type Io = crate::net::UnixStream;
    type Peer = std::os::unix::net::SocketAddr;
    type Addr = std::os::unix::net::SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Self::Peer)>> {
        crate::net::UnixListener::poll_accept(self, cx)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        crate::net::UnixListener::local_addr(self)
    }
}

/// A listener as `net::serve` takes it.
pub(super) struct Door<L>(pub(super) L);

impl<L: Listener> crate::net::Listener for Door<L> {
    type Stream = L::Io;
    type Peer = L::Peer;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(L::Io, L::Peer)>> {
        self.0.poll_accept(cx)
    }
}
