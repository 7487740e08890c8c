//! Unix datagram sockets.

use crate::net::datagram::{Datagram, datagram_surface};
use crate::net::error::context;
use crate::net::operation::io_futures;
use filch_executor::Handle;
use filch_executor::leaf::WaitKind;
use filch_reactor::Io;
use socket2::SockRef;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

/// A Unix datagram socket: datagrams between processes of one machine, whole and in order.
///
/// ```no_run
/// use filch::net::UnixDatagram;
///
/// # filch::run(async {
/// let (ours, theirs) = UnixDatagram::pair()?;
/// ours.send(b"a datagram").await?;
/// let mut buf = [0; 64];
/// assert_eq!(theirs.recv(&mut buf).await?, 10);
/// # std::io::Result::Ok(()) });
/// ```
#[derive(Debug)]
pub struct UnixDatagram {
    io: Io<net::UnixDatagram>,
}

datagram_surface!(UnixDatagram);

impl UnixDatagram {
    /// A socket with a new name at `path`. The file is not removed when it is dropped.
    ///
    /// # Errors
    /// The system's with the path in its text; an error that says so outside of a runtime.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        let path = path.as_ref();
        let explain = |error| context(error, format_args!("bind to {path:?}"));
        UnixDatagram::adopt(
            &Handle::try_current()?,
            net::UnixDatagram::bind(path).map_err(explain)?,
        )
    }

    /// A socket with an address of the standard library, for the abstract namespace among others.
    ///
    /// # Errors
    /// As [`bind`](UnixDatagram::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixDatagram> {
        let explain = |error| context(error, format_args!("bind to {address:?}"));
        let socket = net::UnixDatagram::bind_addr(address).map_err(explain)?;
        UnixDatagram::adopt(&Handle::try_current()?, socket)
    }

    /// A socket without a name.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::adopt(&Handle::try_current()?, net::UnixDatagram::unbound()?)
    }

    /// Two sockets connected with each other, without names.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let handle = Handle::try_current()?;
        let (one, other) = net::UnixDatagram::pair()?;
        Ok((
            UnixDatagram::adopt(&handle, one)?,
            UnixDatagram::adopt(&handle, other)?,
        ))
    }

    /// Takes over a socket of the standard library and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    pub fn from_std(socket: net::UnixDatagram) -> io::Result<UnixDatagram> {
        UnixDatagram::adopt(&Handle::try_current()?, socket)
    }

    fn adopt(handle: &Handle, socket: net::UnixDatagram) -> io::Result<UnixDatagram> {
        socket.set_nonblocking(true)?;
        Ok(UnixDatagram {
            io: Io::new(handle.reactor().clone(), socket),
        })
    }

    /// Gives the socket to the standard library, still in non-blocking mode.
    ///
    /// # Errors
    /// The system's, if the socket cannot be taken from the reactor.
    pub fn into_std(self) -> io::Result<net::UnixDatagram> {
        self.io.into_inner()
    }

    /// Sets the peer of `send` and `recv`.
    ///
    /// # Errors
    /// The system's with the path in its text.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        let path = path.as_ref();
        let explain = |error| context(error, format_args!("connect to {path:?}"));
        self.get_ref().connect(path).map_err(explain)
    }

    /// Sets the peer to an address of the standard library.
    ///
    /// # Errors
    /// As [`connect`](UnixDatagram::connect).
    pub fn connect_addr(&self, address: &SocketAddr) -> io::Result<()> {
        let explain = |error| context(error, format_args!("connect to {address:?}"));
        self.get_ref().connect_addr(address).map_err(explain)
    }

    /// Receives one datagram from anybody. What does not fit into `buf` is lost. Returns its length and
    /// who sent it.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future has taken no datagram.
    #[track_caller]
    pub fn recv_from<'a>(&'a self, buf: &'a mut [u8]) -> UnixRecvFrom<'a> {
        UnixRecvFrom {
            operation: self.datagram().reading(WaitKind::Read),
            socket: self,
            buf,
        }
    }

    /// Sends one datagram to the socket at `path`. Returns its length.
    ///
    /// # Errors
    /// The system's; `NotFound` if nothing is there.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future has sent nothing. On Linux one socket whose queue is full leaves the
    /// sender writable for others, so that this may poll until there is room.
    #[track_caller]
    pub fn send_to<'a, P: AsRef<Path> + ?Sized>(
        &'a self,
        buf: &'a [u8],
        path: &'a P,
    ) -> UnixSendTo<'a> {
        let operation = self.datagram().writing(WaitKind::Write);
        UnixSendTo {
            operation,
            socket: self,
            buf,
            path: path.as_ref(),
        }
    }

    /// Receives from anybody without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there; otherwise the system's.
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.datagram()
            .try_reading(|| self.get_ref().recv_from(buf))
    }

    /// Sends to the socket at `path` without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room; otherwise the system's.
    pub fn try_send_to<P: AsRef<Path>>(&self, buf: &[u8], path: P) -> io::Result<usize> {
        self.datagram()
            .try_writing(|| self.get_ref().send_to(buf, path.as_ref()))
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }

    /// The connected peer's address.
    ///
    /// # Errors
    /// The system's.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().peer_addr()
    }

    /// Ends receiving, sending or both.
    ///
    /// # Errors
    /// The system's.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.get_ref().shutdown(how)
    }

    /// The socket's pending error, which is cleared by that.
    ///
    /// # Errors
    /// The system's, if it cannot be asked.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.get_ref().take_error()
    }

    fn datagram(&self) -> Datagram<'_> {
        Datagram {
            source: self.io.source(),
            socket: SockRef::from(self.get_ref()),
        }
    }

    pub(crate) fn get_ref(&self) -> &net::UnixDatagram {
        self.io.get_ref()
    }
}

io_futures! {
    /// The future of [`UnixDatagram::recv_from`].
    UnixRecvFrom { socket: &'a UnixDatagram, buf: &'a mut [u8] }
    |this, cx| -> (usize, SocketAddr) {
        let (socket, buf) = (this.socket.get_ref(), &mut *this.buf);
        this.operation.poll(cx, || socket.recv_from(buf))
    }

    /// The future of [`UnixDatagram::send_to`].
    UnixSendTo { socket: &'a UnixDatagram, buf: &'a [u8], path: &'a Path }
    |this, cx| -> usize {
        let (socket, buf, path) = (this.socket.get_ref(), this.buf, this.path);
        this.operation.poll(cx, || socket.send_to(buf, path))
    }
}
