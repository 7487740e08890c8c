//! A TCP socket before it listens or connects, for the options that have to be set by then.

use crate::net::connect::ConnectingOne;
use crate::net::error::context;
use crate::net::keepalive::Keepalive;
use crate::net::tcp_listener::TcpListener;
use crate::net::tcp_stream::TcpStream;
use crate::sys;
use filch_executor::Handle;
use futures_core::FusedFuture;
use socket2::{Domain, Socket};
use std::future::Future;
use std::io;
use std::net::{self, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A TCP socket that neither listens nor is connected yet.
///
/// [`TcpListener::bind`] and [`TcpStream::connect`] do for most programs. This is for options that count from the
/// beginning: several processes on one port (`SO_REUSEPORT`), a source address or device, the size of buffers. It needs
/// no runtime until it listens or connects.
///
/// ```
/// use filch::net::TcpSocket;
///
/// # filch::run(async {
/// let socket = TcpSocket::new_v4()?;
/// socket.set_reuseaddr(true)?;
/// socket.bind("127.0.0.1:0".parse().unwrap())?;
/// let listener = socket.listen(1024)?;
///
/// let socket = TcpSocket::new_v4()?;
/// socket.set_nodelay(true)?;
/// let stream = socket.connect(listener.local_addr()?).await?;
/// assert!(stream.nodelay()?);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct TcpSocket {
    socket: Socket,
}

impl TcpSocket {
    /// A socket for IPv4 addresses.
    ///
    /// # Errors
    /// The system's.
    pub fn new_v4() -> io::Result<TcpSocket> {
        TcpSocket::new(Domain::IPV4)
    }

    /// A socket for IPv6 addresses.
    ///
    /// # Errors
    /// The system's.
    pub fn new_v6() -> io::Result<TcpSocket> {
        TcpSocket::new(Domain::IPV6)
    }

    fn new(domain: Domain) -> io::Result<TcpSocket> {
        let socket = sys::stream_socket(domain)?;
        Ok(TcpSocket { socket })
    }

    /// Takes over a socket of the standard library that is not connected (such as one out of a raw descriptor), in
    /// whatever mode it is, and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's.
    pub fn from_std_stream(stream: net::TcpStream) -> io::Result<TcpSocket> {
        stream.set_nonblocking(true)?;
        let socket = stream.into();
        Ok(TcpSocket { socket })
    }

    /// Binds to an address; port 0 lets the system choose.
    ///
    /// Unlike [`TcpListener::bind`] this does not set `SO_REUSEADDR`: see [`set_reuseaddr`](TcpSocket::set_reuseaddr).
    ///
    /// # Errors
    /// The system's with the address in its text, such as `AddrInUse`.
    pub fn bind(&self, address: SocketAddr) -> io::Result<()> {
        let explain = |error| context(error, format_args!("bind to {address}"));
        self.socket.bind(&address.into()).map_err(explain)
    }

    /// Begins to listen. Up to `backlog` connections wait to be accepted, if the system allows.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        let handle = Handle::try_current()?;
        self.socket
            .listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(TcpListener::of(&handle, self.socket.into()))
    }

    /// Connects.
    ///
    /// # Errors
    /// The system's with the address in its text, such as `ConnectionRefused`; an error that says so outside of a
    /// runtime.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future closes the socket.
    #[track_caller]
    pub fn connect(self, address: SocketAddr) -> SocketConnect {
        SocketConnect {
            connecting: ConnectingOne::new(self.socket, address),
            over: false,
        }
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.socket.local_addr()?.as_socket();
        address.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The socket's pending error, which is cleared by that.
    ///
    /// # Errors
    /// The system's, if it cannot be asked.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(super) fn get_ref(&self) -> &Socket {
        &self.socket
    }

    pub(super) fn into_object(self) -> Socket {
        self.socket
    }
}

/// Options that are not just handed on.
impl TcpSocket {
    /// The size of the system's send buffer, in bytes.
    ///
    /// # Errors
    /// The system's.
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        self.socket.send_buffer_size().map(narrow)
    }

    /// Sets the size of the system's send buffer, in bytes. Linux doubles what is set.
    ///
    /// # Errors
    /// The system's.
    pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
        self.socket.set_send_buffer_size(size as usize)
    }

    /// The size of the system's receive buffer, in bytes.
    ///
    /// # Errors
    /// The system's.
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        self.socket.recv_buffer_size().map(narrow)
    }

    /// Sets the size of the system's receive buffer, in bytes; the window that TCP offers follows it, so set it before
    /// connecting or listening. Linux doubles what is set.
    ///
    /// # Errors
    /// The system's.
    pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
        self.socket.set_recv_buffer_size(size as usize)
    }

    /// Closing resets the connection: what was not sent yet is lost, and the port is free at once.
    ///
    /// # Errors
    /// The system's.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.socket.set_linger(Some(Duration::ZERO))
    }

    /// Switches probing of an idle connection on, with these parameters.
    ///
    /// # Errors
    /// The system's.
    pub fn set_keepalive_with(&self, keepalive: &Keepalive) -> io::Result<()> {
        self.socket.set_tcp_keepalive(keepalive.parameters())
    }

    /// The device that the socket is bound to, if any.
    ///
    /// # Errors
    /// The system's.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        self.socket.device()
    }

    /// Binds the socket to a device such as `eth0` (`SO_BINDTODEVICE`), or to none.
    ///
    /// # Errors
    /// The system's.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        self.socket.bind_device(interface)
    }
}

/// No system's buffers are larger.
fn narrow(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// The future of [`TcpSocket::connect`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct SocketConnect {
    connecting: ConnectingOne,
    over: bool,
}

impl Future for SocketConnect {
    type Output = io::Result<TcpStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.connecting.poll(cx);
        self.over = polled.is_ready();
        polled.map_ok(|io| TcpStream::new(io, self.connecting.at))
    }
}

impl FusedFuture for SocketConnect {
    fn is_terminated(&self) -> bool {
        self.over
    }
}
