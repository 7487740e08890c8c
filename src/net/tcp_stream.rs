//! A TCP connection.
//!
//! Here: how a stream is made, and what is TCP's own. Transfers come from `surface`, options from
//! `options`, the race of addresses from `connect`, which knows sockets and no streams.

use crate::net::addr::ToSocketAddrs;
use crate::net::connect::Connecting;
use crate::net::stream::{At, Endpoint, Stream};
use crate::net::surface::stream_surface;
use crate::sys::recv::StreamKind;
use filch_executor::Handle;
use filch_reactor::{Io, Source};
use futures_core::FusedFuture;
use socket2::SockRef;
use std::future::Future;
use std::io;
use std::net::{self, SocketAddr};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A TCP connection.
///
/// It implements `AsyncRead` and `AsyncWrite`, and so does a reference to it: one task may read while
/// another writes. The methods `read`, `write_all` and so on stand before those of the `Ext` traits; they
/// take `&self`, any number of tasks may wait in them, and a dump of a hung program names
/// the line that called them. Reads and writes through the traits know only where the stream was
/// made, and per direction the last task that polled is woken.
///
/// ```no_run
/// use filch::net::TcpStream;
///
/// # filch::run(async {
/// let stream = TcpStream::connect("example.org:80").await?;
/// stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
/// let mut answer = Vec::new();
/// while stream.read_buf(&mut answer).await? > 0 {}
/// # std::io::Result::Ok(()) });
/// ```
pub struct TcpStream {
    stream: Stream<net::TcpStream>,
}

stream_surface!(TcpStream);

impl TcpStream {
    /// Connects to `addr`. If it stands for several addresses, they are tried at intervals of 250 ms or as soon as one
    /// fails, IPv6 and IPv4 in turn (RFC 8305, "happy eyeballs"); the first connection wins and the
    /// others are given up.
    ///
    /// # Errors
    /// The last attempt's error, with all addresses in its text, such as `ConnectionRefused`; the
    /// system's own error is its `source()`. Also those of [`lookup_host`](crate::net::lookup_host),
    /// and an error that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future closes what it had opened.
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(addr: A) -> Connect {
        Connect {
            connecting: Connecting::new(&addr),
            over: false,
        }
    }

    pub(crate) fn new(io: Io<net::TcpStream>, at: At) -> TcpStream {
        TcpStream {
            stream: Stream::new(io, at, StreamKind::Tcp),
        }
    }

    /// Takes over a connection of the standard library and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    #[track_caller]
    pub fn from_std(stream: net::TcpStream) -> io::Result<TcpStream> {
        let at = Location::caller();
        let handle = Handle::try_current()?;
        stream.set_nonblocking(true)?;
        Ok(TcpStream::new(
            Io::new(handle.reactor().clone(), stream),
            at,
        ))
    }

    /// Gives the connection to the standard library, still in non-blocking mode.
    ///
    /// # Errors
    /// The system's, if the socket cannot be taken from the reactor.
    pub fn into_std(self) -> io::Result<net::TcpStream> {
        self.stream.into_inner()
    }

    /// The other side's address.
    ///
    /// # Errors
    /// The system's; `NotConnected` when the peer has reset the connection.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().peer_addr()
    }

    /// This side's address.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().local_addr()
    }

    /// The socket's pending error, which is cleared by that.
    ///
    /// # Errors
    /// The system's, if it cannot be asked.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.stream.get_ref().take_error()
    }

    pub(crate) fn source(&self) -> &Source {
        self.stream.source()
    }

    fn endpoint(&self) -> Endpoint<'_> {
        self.stream.endpoint()
    }

    pub(crate) fn into_object(self) -> net::TcpStream {
        self.stream.into_object()
    }

    pub(crate) fn get_ref(&self) -> &net::TcpStream {
        self.stream.get_ref()
    }

    pub(crate) fn socket(&self) -> SockRef<'_> {
        SockRef::from(self.stream.get_ref())
    }
}

/// The future of [`TcpStream::connect`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Connect {
    connecting: Connecting,
    over: bool,
}

impl Future for Connect {
    type Output = io::Result<TcpStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.connecting.poll(cx);
        self.over = polled.is_ready();
        polled.map_ok(|io| TcpStream::new(io, self.connecting.at))
    }
}

impl FusedFuture for Connect {
    fn is_terminated(&self) -> bool {
        self.over
    }
}
