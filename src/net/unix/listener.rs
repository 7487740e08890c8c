//! Listening for Unix streams.

use crate::net::error::context;
use crate::net::operation::{Operation, io_futures, try_now};
use crate::net::stream::At;
use crate::net::unix::{UnixStream, address};
use crate::sys;
use filch_executor::Handle;
use filch_executor::leaf::{self, Wait, WaitKind};
use filch_reactor::{Direction, Io};
use futures_core::{FusedStream, Stream};
use std::io;
use std::os::unix::net::{self, SocketAddr};
use std::panic::Location;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A Unix socket that listens for streams. The socket's file is not removed when it is dropped.
///
/// ```no_run
/// use filch::net::UnixListener;
///
/// # filch::run(async {
/// let listener = UnixListener::bind("/run/example.socket")?;
/// let (stream, _) = listener.accept().await?;
/// stream.write_all(b"welcome\n").await?;
/// # std::io::Result::Ok(()) });
/// ```
pub struct UnixListener {
    io: Io<net::UnixListener>,
}

impl UnixListener {
    /// Listens on a new socket at `path`. On Linux a path that begins with NUL is a name in the abstract
    /// namespace, which has no file.
    ///
    /// # Errors
    /// The system's with the path in its text, such as `AddrInUse` if the file exists; an error that says
    /// so outside of a runtime.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        let path = path.as_ref();
        let handle = Handle::try_current()?;
        let listener = address::of(path)
            .and_then(|address| net::UnixListener::bind_addr(&address))
            .map_err(|error| context(error, format_args!("bind to {path:?}")))?;
        UnixListener::adopt(&handle, listener)
    }

    /// Listens on an address of the standard library, for the abstract namespace among others.
    ///
    /// # Errors
    /// As [`bind`](UnixListener::bind).
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixListener> {
        let handle = Handle::try_current()?;
        let listener = net::UnixListener::bind_addr(address)
            .map_err(|error| context(error, format_args!("bind to {address:?}")))?;
        UnixListener::adopt(&handle, listener)
    }

    /// Takes over a listener of the standard library and puts it into non-blocking mode.
    ///
    /// # Errors
    /// The system's; an error that says so outside of a runtime.
    pub fn from_std(listener: net::UnixListener) -> io::Result<UnixListener> {
        UnixListener::adopt(&Handle::try_current()?, listener)
    }

    fn adopt(handle: &Handle, listener: net::UnixListener) -> io::Result<UnixListener> {
        listener.set_nonblocking(true)?;
        Ok(UnixListener {
            io: Io::new(handle.reactor().clone(), listener),
        })
    }

    /// Gives the listener to the standard library, still in non-blocking mode.
    ///
    /// # Errors
    /// The system's, if the socket cannot be taken from the reactor.
    pub fn into_std(self) -> io::Result<net::UnixListener> {
        self.io.into_inner()
    }

    /// Waits for the next connection; returns it and the peer's address, which mostly has no name.
    ///
    /// # Errors
    /// The system's, as they are. When no descriptor is free (`EMFILE`, `ENFILE`), accept again after a
    /// pause.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future has taken no connection. Of several tasks that wait here a connection wakes one,
    /// in the order in which they came; if it does not take it, because its future is dropped, the next is woken. So do
    /// not keep such a future without polling it.
    #[track_caller]
    pub fn accept(&self) -> UnixAccept<'_> {
        let operation = Operation::in_line(self.io.source(), WaitKind::Accept);
        UnixAccept {
            operation,
            listener: self,
            at: Location::caller(),
        }
    }

    /// The connections as a stream that never ends. Errors are items: see
    /// [`accept`](UnixListener::accept). One task at a time may wait for it.
    #[track_caller]
    pub fn incoming(&self) -> UnixIncoming<'_> {
        UnixIncoming {
            listener: self,
            at: Location::caller(),
        }
    }

    /// Accepts without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if nobody waits to be accepted; otherwise as [`accept`](UnixListener::accept).
    #[track_caller]
    pub fn try_accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let at = Location::caller();
        let accept = || sys::local::accept(self.get_ref());
        let found = try_now(self.io.source(), Direction::Read, accept)?;
        Ok(self.accepted(found, at))
    }

    /// For hand-written futures: the next connection. Of several tasks that come here, or wait for
    /// [`incoming`](UnixListener::incoming), the last one is woken; any number may wait for `accept()`.
    ///
    /// # Errors
    /// As [`accept`](UnixListener::accept).
    #[track_caller]
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        self.poll_accept_at(cx, Location::caller())
    }

    fn poll_accept_at(
        &self,
        cx: &mut Context<'_>,
        at: At,
    ) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        let wait = Wait {
            kind: WaitKind::Accept,
            resource: 0,
            at,
        };
        let accept = || sys::local::accept(self.get_ref());
        let found = leaf::poll_io(self.io.source(), Direction::Read, None, wait, cx, accept);
        found.map_ok(|found| self.accepted(found, at))
    }

    fn accepted(&self, found: (net::UnixStream, SocketAddr), at: At) -> (UnixStream, SocketAddr) {
        let io = Io::new(self.io.source().reactor().clone(), found.0);
        (UnixStream::new(io, at), found.1)
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.get_ref().local_addr()
    }

    pub(crate) fn into_object(self) -> net::UnixListener {
        self.io.into_object()
    }

    pub(crate) fn get_ref(&self) -> &net::UnixListener {
        self.io.get_ref()
    }
}

io_futures! {
    /// The future of [`UnixListener::accept`].
    UnixAccept { listener: &'a UnixListener, at: At }
    |this, cx| -> (UnixStream, SocketAddr) {
        let (listener, at) = (this.listener, this.at);
        let found = this.operation.poll_one(cx, || sys::local::accept(listener.get_ref()));
        found.map_ok(|found| listener.accepted(found, at))
    }
}

/// The stream of [`UnixListener::incoming`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct UnixIncoming<'a> {
    listener: &'a UnixListener,
    at: At,
}

impl Stream for UnixIncoming<'_> {
    type Item = io::Result<UnixStream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let found = self.listener.poll_accept_at(cx, self.at);
        found.map(|found| Some(found.map(|(stream, _)| stream)))
    }
}

impl FusedStream for UnixIncoming<'_> {
    /// Never.
    fn is_terminated(&self) -> bool {
        false
    }
}
