//! A connection, as whoever makes its service sees it.

use axum::Router;
use axum::handler::{Handler, HandlerService};
use axum::routing::MethodRouter;
use filch::http::{Listener, Open};
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use tower_service::Service;

/// A connection whose service is being made, for [`Connected`](crate::Connected) and make services of one's own.
pub struct IncomingStream<'a, L: Listener> {
    io: &'a <L::Io as Open>::Stream,
    remote_addr: L::Peer,
}

impl<'a, L: Listener> IncomingStream<'a, L> {
    pub(crate) fn new(io: &'a <L::Io as Open>::Stream, remote_addr: L::Peer) -> Self {
        IncomingStream { io, remote_addr }
    }

    /// The stream, after its TLS handshake if it has one.
    pub fn io(&self) -> &<L::Io as Open>::Stream {
        self.io
    }

    /// Who has connected.
    pub fn remote_addr(&self) -> &L::Peer {
        &self.remote_addr
    }
}

impl<L: Listener> fmt::Debug for IncomingStream<'_, L>
where
    L::Peer: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("IncomingStream");
        debug
            .field("remote_addr", &self.remote_addr)
            .finish_non_exhaustive()
    }
}

/// A service that is its own make service: each connection gets a clone.
macro_rules! makes_itself {
    ($([$($generics:tt)*] $service:ty $(where [$($bound:tt)*])?;)*) => {$(
        impl<L: Listener, $($generics)*> Service<IncomingStream<'_, L>> for $service
        $(where $($bound)*)?
        {
            type Response = Self;
            type Error = Infallible;
            type Future = Ready<Result<Self, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, _: IncomingStream<'_, L>) -> Self::Future {
                ready(Ok(self.clone()))
            }
        }
    )*};
}

makes_itself! {
    [] Router<()>;
    [] MethodRouter<(), Infallible>;
    [H, T, S] HandlerService<H, T, S> where [H: Handler<T, S> + Clone, T: 'static, S: Clone + Send + Sync + 'static];
}
