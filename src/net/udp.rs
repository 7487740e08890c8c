//! UDP sockets.

use crate::io::Append;
use crate::net::addr::{Bind, Resolve, ToSocketAddrs, each};
use crate::net::datagram::{Datagram, datagram_surface};
use crate::net::operation::io_futures;
use crate::net::stream::At;
use crate::sys::recv;
use filch_executor::Handle;
use filch_executor::leaf::WaitKind;
use filch_reactor::{Io, Source};
use futures_core::FusedFuture;
use socket2::SockRef;
use std::future::Future;
use std::io;
use std::net::{self, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A UDP socket.
///
/// Any number of tasks may receive and send at a time.
///
/// ```no_run
/// use filch::net::UdpSocket;
///
/// # filch::run(async {
/// let socket = UdpSocket::bind("127.0.0.1:9000").await?;
/// let mut buf = [0; 2048];
/// loop {
///     let (count, peer) = socket.recv_from(&mut buf).await?;
///     socket.send_to(&buf[..count], peer).await?;
/// }
/// # #[allow(unreachable_code)]
/// # std::io::Result::Ok(()) });
/// ```
pub struct UdpSocket {
    io: Io<net::UdpSocket>,
}

datagram_surface!(UdpSocket);

impl UdpSocket {
    /// Binds to the first address of `addr` that can be had; port 0 lets the system choose.
    ///
    /// # Errors
    /// The last address's error with all addresses in its text; those of
    /// [`lookup_host`](crate::net::lookup_host); an error that says so outside of a runtime.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> Bind<UdpSocket> {
        Bind::new(addr, UdpSocket::bind_one)
    }

    fn bind_one(handle: &Handle, address: SocketAddr, _: At) -> io::Result<UdpSocket> {
        let socket = net::UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        Ok(UdpSocket {
            io: Io::new(handle.reactor().clone(), socket),
        })
    }

    /// Takes over a socket of the standard library and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    pub fn from_std(socket: net::UdpSocket) -> io::Result<UdpSocket> {
        let handle = Handle::try_current()?;
        socket.set_nonblocking(true)?;
        Ok(UdpSocket {
            io: Io::new(handle.reactor().clone(), socket),
        })
    }

    /// Gives the socket to the standard library, still in non-blocking mode.
    ///
    /// # Errors
    /// The system's, if the socket cannot be taken from the reactor.
    pub fn into_std(self) -> io::Result<net::UdpSocket> {
        self.io.into_inner()
    }

    /// Sets the peer of `send` and `recv`: the first address of `addr` that the system accepts.
    /// Datagrams from others are no longer received. No packet is sent.
    ///
    /// # Errors
    /// As [`bind`](UdpSocket::bind).
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> UdpConnect<'_> {
        UdpConnect {
            socket: self,
            resolve: Resolve::new(&addr),
            over: false,
        }
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
    pub fn recv_from<'a>(&'a self, buf: &'a mut [u8]) -> RecvFrom<'a> {
        RecvFrom {
            operation: self.datagram().receiving(),
            socket: self,
            buf,
        }
    }

    /// Receives one datagram and leaves it to be received again.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn peek_from<'a>(&'a self, buf: &'a mut [u8]) -> PeekFrom<'a> {
        PeekFrom {
            operation: self.datagram().reading(WaitKind::Read),
            socket: self,
            buf,
        }
    }

    /// Receives one datagram from the connected peer and leaves it to be received again.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn peek<'a>(&'a self, buf: &'a mut [u8]) -> UdpPeek<'a> {
        UdpPeek {
            operation: self.datagram().reading(WaitKind::Read),
            socket: self,
            buf,
        }
    }

    /// Receives one datagram from anybody behind the end of `buf`, as [`recv_buf`](UdpSocket::recv_buf). Returns its
    /// length and who sent it.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future has taken no datagram.
    #[track_caller]
    pub fn recv_buf_from<'a, B: Append>(&'a self, buf: &'a mut B) -> RecvBufFrom<'a, B> {
        RecvBufFrom {
            operation: self.datagram().receiving(),
            socket: self,
            buf,
        }
    }

    /// Waits for a datagram, leaves it to be received, and tells who sent it.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Cancel safety
    /// Cancel safe.
    #[track_caller]
    pub fn peek_sender(&self) -> PeekSender<'_> {
        PeekSender {
            operation: self.datagram().reading(WaitKind::Read),
            socket: self,
        }
    }

    /// Sends one datagram to `target`. Returns its length. If `target` stands for several addresses, it is the first of
    /// the socket's own family. A socket address is the quickest: a name is looked up each time.
    ///
    /// # Errors
    /// The system's, and those of [`lookup_host`](crate::net::lookup_host).
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future has sent nothing.
    #[track_caller]
    pub fn send_to<'a, A: ToSocketAddrs>(&'a self, buf: &'a [u8], target: A) -> SendTo<'a> {
        let target = match Resolve::single(&target) {
            Some(address) => To::Known(address),
            None => To::Named(Box::new(Resolve::new(&target))),
        };
        SendTo {
            operation: self.datagram().writing(WaitKind::Write),
            socket: self,
            buf,
            target,
        }
    }

    /// The first of these that this socket can send to.
    fn choose(&self, addresses: &[SocketAddr]) -> SocketAddr {
        let own = self.local_addr();
        let of_own_family = |address: &&SocketAddr| {
            own.as_ref()
                .is_ok_and(|own| own.is_ipv4() == address.is_ipv4())
        };
        let found = addresses.iter().find(of_own_family);
        // Then the system says what is wrong with it.
        *found.unwrap_or(&addresses[0])
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
    /// The system's; `NotConnected` if there is none.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().peer_addr()
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

    pub(super) fn datagram(&self) -> Datagram<'_> {
        Datagram {
            source: self.io.source(),
            socket: self.socket(),
        }
    }

    pub(crate) fn into_object(self) -> net::UdpSocket {
        self.io.into_object()
    }

    pub(crate) fn get_ref(&self) -> &net::UdpSocket {
        self.io.get_ref()
    }

    pub(crate) fn socket(&self) -> SockRef<'_> {
        SockRef::from(self.get_ref())
    }
}

io_futures! {
    /// The future of [`UdpSocket::recv_from`].
    RecvFrom { socket: &'a UdpSocket, buf: &'a mut [u8] }
    |this, cx| -> (usize, SocketAddr) {
        let (socket, buf) = (this.socket.get_ref(), &mut *this.buf);
        this.operation.poll_one(cx, || socket.recv_from(buf))
    }

    /// The future of [`UdpSocket::recv_buf_from`].
    RecvBufFrom [B: Append = Vec<u8>] { socket: &'a UdpSocket, buf: &'a mut B }
    |this, cx| -> (usize, SocketAddr) {
        let (socket, buf) = (this.socket.socket(), &mut *this.buf);
        this.operation.poll_one(cx, || recv::recv_append_from(&socket, buf))
    }

    /// The future of [`UdpSocket::peek_sender`].
    PeekSender { socket: &'a UdpSocket }
    |this, cx| -> SocketAddr {
        let socket = this.socket.socket();
        this.operation.poll(cx, || recv::peek_sender(&socket))
    }

    /// The future of [`UdpSocket::peek_from`].
    PeekFrom { socket: &'a UdpSocket, buf: &'a mut [u8] }
    |this, cx| -> (usize, SocketAddr) {
        let (socket, buf) = (this.socket.get_ref(), &mut *this.buf);
        this.operation.poll(cx, || socket.peek_from(buf))
    }

    /// The future of [`UdpSocket::peek`].
    UdpPeek { socket: &'a UdpSocket, buf: &'a mut [u8] }
    |this, cx| -> usize {
        let (socket, buf) = (this.socket.get_ref(), &mut *this.buf);
        this.operation.poll(cx, || socket.peek(buf))
    }

    /// The future of [`UdpSocket::send_to`].
    SendTo { socket: &'a UdpSocket, buf: &'a [u8], target: To }
    |this, cx| -> usize {
        let target = match &mut this.target {
            To::Known(target) => *target,
            To::Named(resolve) => {
                let target = this.socket.choose(&ready!(resolve.poll(cx))?);
                this.target = To::Known(target);
                target
            }
        };
        let (socket, buf) = (this.socket.get_ref(), this.buf);
        this.operation.poll(cx, || socket.send_to(buf, target))
    }
}

/// Whom a datagram is for.
#[derive(Debug)]
pub(super) enum To {
    Known(SocketAddr),
    Named(Box<Resolve>),
}

/// The future of [`UdpSocket::connect`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct UdpConnect<'a> {
    socket: &'a UdpSocket,
    resolve: Resolve,
    over: bool,
}

impl Future for UdpConnect<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let addresses = ready!(self.resolve.poll(cx));
        self.over = true;
        let socket = self.socket.get_ref();
        Poll::Ready(each(&addresses?, "connect to", |address| {
            socket.connect(address)
        }))
    }
}

impl FusedFuture for UdpConnect<'_> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}
