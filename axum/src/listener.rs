//! Where connections come from.

use std::fmt;
use std::io;
use std::task::{Context, Poll, ready};

pub use filch::http::Listener;

/// What any [`Listener`] can do besides.
pub trait ListenerExt: Listener + Sized {
    /// Calls `tap` with each accepted stream, to set an option of it.
    ///
    /// `TCP_NODELAY` is set already.
    ///
    /// ```no_run
    /// use filch::net::TcpListener;
    /// use filch_axum::ListenerExt;
    ///
    /// # filch::run(async {
    /// let listener = TcpListener::bind("127.0.0.1:3000").await?.tap_io(|stream| {
    ///     let _ = stream.set_ttl(32);
    /// });
    /// # std::io::Result::Ok(()) });
    /// ```
    fn tap_io<F>(self, tap: F) -> TapIo<Self, F>
    where
        F: FnMut(&mut Self::Io) + Send + 'static,
    {
        TapIo {
            listener: self,
            tap,
        }
    }
}

impl<L: Listener> ListenerExt for L {}

/// What [`ListenerExt::tap_io`] gives.
pub struct TapIo<L, F> {
    listener: L,
    tap: F,
}

impl<L, F> Listener for TapIo<L, F>
where
    L: Listener,
    F: FnMut(&mut L::Io) + Send + 'static,
{
    type Io = L::Io;
    type Peer = L::Peer;
    type Addr = L::Addr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(L::Io, L::Peer)>> {
        let (mut io, peer) = ready!(self.listener.poll_accept(cx))?;
        (self.tap)(&mut io);
        Poll::Ready(Ok((io, peer)))
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.listener.local_addr()
    }
}

impl<L: fmt::Debug, F> fmt::Debug for TapIo<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapIo")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}
