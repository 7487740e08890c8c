//! Unix datagram sockets.

use crate::net::datagram::{Datagram, datagram_surface};
use crate::net::error::context;
use crate::net::operation::io_futures;
use crate::net::unix::address;
use crate::net::unix::full::{Attempt, Full};
use filch_executor::Handle;
use filch_executor::leaf::{Wait, WaitKind};
use filch_reactor::{Io, Source};
use parking_lot::Mutex;
use socket2::SockRef;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{self, SocketAddr};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::Path;
use std::task::{Context, Poll};

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
pub struct UnixDatagram {
    io: Io<net::UnixDatagram>,
    /// What is behind the one place of `poll_send_to`, while it waits.
    full: Mutex<Option<Box<Full>>>,
}

// The lock is held while what is behind it is taken or put, never while others' code runs.
impl UnwindSafe for UnixDatagram {}
impl RefUnwindSafe for UnixDatagram {}

datagram_surface!(UnixDatagram);

impl UnixDatagram {
    /// A socket with a new name at `path`. The file is not removed when it is dropped. On Linux a path that begins with
    /// NUL is a name in the abstract namespace, which has no file.
    ///
    /// # Errors
    /// The system's with the path in its text; an error that says so outside of a runtime.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        let path = path.as_ref();
        let explain = |error| context(error, format_args!("bind to {path:?}"));
        UnixDatagram::adopt(
            &Handle::try_current()?,
            address::of(path)
                .and_then(|address| net::UnixDatagram::bind_addr(&address))
                .map_err(explain)?,
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
            full: Mutex::default(),
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
        address::of(path)
            .and_then(|address| self.get_ref().connect_addr(&address))
            .map_err(explain)
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
            operation: self.datagram().receiving(),
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
    /// Cancel safe: a dropped future has sent nothing. On Linux the system does not tell when the queue of one receiver
    /// has room again; this tries every millisecond then.
    #[track_caller]
    pub fn send_to<'a, P: AsRef<Path>>(&'a self, buf: &'a [u8], path: P) -> UnixSendTo<'a> {
        let operation = self.datagram().writing(WaitKind::Write);
        UnixSendTo {
            operation,
            socket: self,
            buf,
            address: address::of(path.as_ref()),
            full: Full::default(),
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
        let address = address::of(path.as_ref())?;
        self.datagram()
            .try_writing(|| self.get_ref().send_to_addr(buf, &address))
    }

    /// For hand-written futures: receives one datagram from anybody. What does not fit into `buf` is lost. Returns its
    /// length and who sent it. Of several tasks that use the `poll_*` methods to receive, the last one is woken; who
    /// sends is another matter.
    ///
    /// # Errors
    /// The system's.
    #[track_caller]
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.datagram()
            .poll_reading(cx, || self.get_ref().recv_from(buf))
    }

    /// For hand-written futures: sends one datagram to the socket at `path`. Returns its length. Of several tasks that
    /// use the `poll_*` methods to send, the last one is woken; who receives is another matter.
    ///
    /// # Errors
    /// As [`send_to`](UnixDatagram::send_to).
    #[track_caller]
    pub fn poll_send_to<P: AsRef<Path>>(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        path: P,
    ) -> Poll<io::Result<usize>> {
        let address = address::of(path.as_ref())?;
        let (datagram, socket) = (self.datagram(), self.get_ref());
        let wait = Wait::here(WaitKind::Write).with_resource(self.source().number());
        // Not polled under the lock: that calls the waker's code.
        let mut full = self.full.lock().take().unwrap_or_default();
        let first = |cx: &mut Context<'_>, call: Attempt<'_>| datagram.poll_writing(cx, call);
        let sent = full.poll(cx, wait, first, || socket.send_to_addr(buf, &address));
        if sent.is_pending() {
            *self.full.lock() = Some(full);
        }
        sent
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

    fn source(&self) -> &Source {
        self.io.source()
    }

    fn datagram(&self) -> Datagram<'_> {
        Datagram {
            source: self.source(),
            socket: SockRef::from(self.get_ref()),
        }
    }

    pub(crate) fn into_object(self) -> net::UnixDatagram {
        self.io.into_object()
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
        this.operation.poll_one(cx, || socket.recv_from(buf))
    }

    /// The future of [`UnixDatagram::send_to`].
    UnixSendTo { socket: &'a UnixDatagram, buf: &'a [u8], address: io::Result<SocketAddr>, full: Full }
    |this, cx| -> usize {
        let (socket, buf) = (this.socket.get_ref(), this.buf);
        let address = match &this.address {
            Ok(address) => address,
            Err(error) => return Poll::Ready(Err(io::Error::new(error.kind(), error.to_string()))),
        };
        let (operation, send) = (&mut this.operation, || socket.send_to_addr(buf, address));
        let wait = operation.wait();
        this.full.poll(cx, wait, |cx, call| operation.poll(cx, call), send)
    }
}
