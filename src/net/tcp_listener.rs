//! Listening for TCP connections.

use crate::net::addr::{Bind, ToSocketAddrs};
use crate::net::operation::{Operation, io_futures, try_now};
use crate::net::stream::At;
use crate::net::tcp_stream::TcpStream;
use crate::sys;
use filch_executor::Handle;
use filch_executor::leaf::{self, Wait, WaitKind};
use filch_reactor::{Direction, Io};
use futures_core::{FusedStream, Stream};
use socket2::{Domain, SockRef};
use std::io;
use std::net::{self, SocketAddr};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How many connections may wait to be accepted. The system lowers it to what it allows
/// (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// A TCP socket that listens for connections.
///
/// ```no_run
/// use filch::net::TcpListener;
///
/// # filch::run(async {
/// let listener = TcpListener::bind("127.0.0.1:7000").await?;
/// loop {
///     let (stream, peer) = listener.accept().await?;
///     filch::spawn(async move {
///         let mut buf = [0; 1024];
///         while let Ok(count @ 1..) = stream.read(&mut buf).await {
///             if stream.write_all(&buf[..count]).await.is_err() {
///                 break;
///             }
///         }
///         println!("{peer} is gone");
///     });
/// }
/// # #[allow(unreachable_code)]
/// # std::io::Result::Ok(()) });
/// ```
pub struct TcpListener {
    io: Io<net::TcpListener>,
}

impl TcpListener {
    /// Listens on `addr`; port 0 lets the system choose. If `addr` stands for several addresses, the first that
    /// can be bound is taken. On Unix the address can be used again at once after a server's end
    /// (`SO_REUSEADDR`); up to 4096 connections wait to be accepted, if the system allows.
    ///
    /// # Errors
    /// The last address's error with all addresses in its text, such as `AddrInUse`; those of
    /// [`lookup_host`](crate::net::lookup_host); an error that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future leaves nothing behind.
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> Bind<TcpListener> {
        Bind::new(addr, TcpListener::bind_one)
    }

    fn bind_one(handle: &Handle, address: SocketAddr, _: At) -> io::Result<TcpListener> {
        let socket = sys::stream_socket(Domain::for_address(address))?;
        if sys::REUSE_ADDRESS {
            socket.set_reuse_address(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::of(handle, socket.into()))
    }

    /// Takes a socket that listens, in non-blocking mode.
    pub(crate) fn of(handle: &Handle, listener: net::TcpListener) -> TcpListener {
        TcpListener {
            io: Io::new(handle.reactor().clone(), listener),
        }
    }

    /// Takes over a listener of the standard library and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    pub fn from_std(listener: net::TcpListener) -> io::Result<TcpListener> {
        let handle = Handle::try_current()?;
        listener.set_nonblocking(true)?;
        Ok(TcpListener::of(&handle, listener))
    }

    /// Gives the listener to the standard library, still in non-blocking mode.
    ///
    /// # Errors
    /// The system's, if the socket cannot be taken from the reactor.
    pub fn into_std(self) -> io::Result<net::TcpListener> {
        self.io.into_inner()
    }

    /// Waits for the next connection; returns it and who connected. The stream belongs to the
    /// listener's runtime.
    ///
    /// # Errors
    /// The system's, as they are. After `ConnectionAborted` (the peer gave up before) accept again; when
    /// no descriptor is free (`EMFILE`, `ENFILE`), do so after a pause.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future has taken no connection. Of several tasks that wait here a connection wakes one,
    /// in the order in which they came; if it does not take it, because its future is dropped, the next is woken. So do
    /// not keep such a future without polling it.
    #[track_caller]
    pub fn accept(&self) -> Accept<'_> {
        let operation = Operation::in_line(self.io.source(), WaitKind::Accept);
        Accept {
            operation,
            listener: self,
            at: Location::caller(),
        }
    }

    /// Accepts without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if nobody waits to be accepted; otherwise as [`accept`](TcpListener::accept).
    #[track_caller]
    pub fn try_accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let at = Location::caller();
        let accept = || sys::accept(self.get_ref());
        let found = try_now(self.io.source(), Direction::Read, accept)?;
        Ok(self.accepted(found, at))
    }

    /// The connections as a stream that never ends. Errors are items: see
    /// [`accept`](TcpListener::accept).
    ///
    /// One task at a time may wait for a listener's `incoming()`; any number for its `accept()`.
    #[track_caller]
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming {
            listener: self,
            at: Location::caller(),
        }
    }

    /// For hand-written futures: the next connection. Of several tasks that come here, or wait for
    /// [`incoming`](TcpListener::incoming), the last one is woken; any number may wait for `accept()`.
    ///
    /// # Errors
    /// As [`accept`](TcpListener::accept).
    #[track_caller]
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.poll_accept_at(cx, Location::caller())
    }

    fn poll_accept_at(
        &self,
        cx: &mut Context<'_>,
        at: At,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let wait = Wait {
            kind: WaitKind::Accept,
            resource: 0,
            at,
        };
        let accept = || sys::accept(self.get_ref());
        let found = leaf::poll_io(self.io.source(), Direction::Read, None, wait, cx, accept);
        found.map_ok(|found| self.accepted(found, at))
    }

    fn accepted(&self, found: (net::TcpStream, SocketAddr), at: At) -> (TcpStream, SocketAddr) {
        let io = Io::new(self.io.source().reactor().clone(), found.0);
        (TcpStream::new(io, at), found.1)
    }

    /// The address that it listens on, with the port that the system chose.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }

    /// How many routers a packet may pass (IPv4).
    ///
    /// # Errors
    /// The system's.
    pub fn ttl(&self) -> io::Result<u32> {
        self.get_ref().ttl()
    }

    /// Sets how many routers a packet may pass (IPv4).
    ///
    /// # Errors
    /// The system's.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.get_ref().set_ttl(ttl)
    }

    pub(crate) fn into_object(self) -> net::TcpListener {
        self.io.into_object()
    }

    pub(crate) fn get_ref(&self) -> &net::TcpListener {
        self.io.get_ref()
    }

    pub(crate) fn socket(&self) -> SockRef<'_> {
        SockRef::from(self.get_ref())
    }
}

io_futures! {
    /// The future of [`TcpListener::accept`].
    Accept { listener: &'a TcpListener, at: At }
    |this, cx| -> (TcpStream, SocketAddr) {
        let (listener, at) = (this.listener, this.at);
        let found = this.operation.poll_one(cx, || sys::accept(listener.get_ref()));
        found.map_ok(|found| listener.accepted(found, at))
    }
}

/// The stream of [`TcpListener::incoming`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
    at: At,
}

impl Stream for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let found = self.listener.poll_accept_at(cx, self.at);
        found.map(|found| Some(found.map(|(stream, _)| stream)))
    }
}

impl FusedStream for Incoming<'_> {
    /// Never.
    fn is_terminated(&self) -> bool {
        false
    }
}
