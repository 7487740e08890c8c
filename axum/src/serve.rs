//! `serve`, with axum's signature.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use filch::http::{self, ConnInfo, HttpBody, Limits, MakeService, Open, RequestDone, Served};
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, IntoFuture, Pending, pending, poll_fn};
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tower_service::Service;

pub use crate::incoming::IncomingStream;
pub use crate::listener::{Listener, ListenerExt, TapIo};

/// How long what is going on may go on when the server was told to stop.
const DEADLINE: Duration = Duration::from_secs(30);

/// Serves an axum `Router`, `MethodRouter`, handler or make service: `axum::serve`.
///
/// `listener` is a [`TcpListener`](filch::net::TcpListener), a [`UnixListener`](filch::net::UnixListener), or a
/// `TlsListener` of [`filch::http`] over one: each [`Listener`] of it whose streams are `Sync`.
/// `TCP_NODELAY` is set. HTTP/1.1 and HTTP/2 are spoken. The limits are those of [`Limits::default`], and can be
/// [changed](Serve::limits).
///
/// # Returns
/// Never, unless it is told to stop by [`with_graceful_shutdown`](Serve::with_graceful_shutdown).
///
/// # Errors
/// The listener's, if nothing can be accepted any more. axum's own has no errors.
///
/// # Panics
/// When it is polled outside a runtime.
///
/// # Cancel safety
/// Dropping it cancels every connection.
#[track_caller]
pub fn serve<L, M, S>(listener: L, make_service: M) -> Serve<L, M, S>
where
    L: Listener,
    M: for<'a> Service<IncomingStream<'a, L>, Error = Infallible, Response = S> + Send + 'static,
    for<'a> <M as Service<IncomingStream<'a, L>>>::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let make = Make {
        make: Mutex::new(make_service),
        listener: PhantomData,
    };
    Serve {
        inner: http::serve_with(listener, make),
    }
}

/// What both servers can be told, that which stops and that which never does.
macro_rules! settings {
    () => {
        /// What is put up with, instead of [`Limits::default`].
        pub fn limits(mut self, limits: Limits) -> Self {
            self.inner = self.inner.limits(limits);
            self
        }

        /// Calls `hook` for each request that has ended, also of clients that left and by a limit: see
        /// [`filch::http::Serve::on_request`]. Which route it was is known if [`matched_route`](crate::matched_route) is a
        /// layer of the router.
        ///
        /// ```no_run
        /// use axum::{Router, middleware, routing::get};
        /// use filch::net::TcpListener;
        ///
        /// # filch::run(async {
        /// let app = Router::new()
        ///     .route("/users/{id}", get(|| async { "somebody" }))
        ///     .route_layer(middleware::from_fn(filch_axum::matched_route));
        /// let listener = TcpListener::bind("127.0.0.1:3000").await?;
        /// let server = filch_axum::serve(listener, app).on_request(|done| {
        ///     let route = done.route.as_ref().map_or("-", |route| route.as_str());
        ///     eprintln!("{} {} {route} {} {:?}", done.method, done.uri, done.status, done.took);
        /// });
        /// server.await
        /// # }).unwrap();
        /// ```
        pub fn on_request(mut self, hook: impl Fn(&RequestDone) + Send + Sync + 'static) -> Self {
            self.inner = self.inner.on_request(hook);
            self
        }

        /// Lets handlers of clients go on that have closed their half of the connection: see
        /// [`filch::http::Serve::half_close`].
        pub fn half_close(mut self, on: bool) -> Self {
            self.inner = self.inner.half_close(on);
            self
        }

        /// Where it listens.
        ///
        /// # Errors
        /// If the system does not say.
        pub fn local_addr(&self) -> io::Result<L::Addr> {
            self.inner.listener().local_addr()
        }
    };
}

/// A server that is not awaited yet: [`serve`].
#[must_use = "a server does nothing unless awaited"]
pub struct Serve<L, M, S> {
    inner: http::Serve<L, Make<L, M, S>>,
}

impl<L: Listener, M, S> Serve<L, M, S> {
    /// Ends politely when `signal` is ready: see [`filch::http::Serve::graceful`].
    ///
    /// axum's own waits for as long as a client likes. Here what is left after 30 seconds is cancelled; see
    /// [`deadline`](WithGracefulShutdown::deadline).
    pub fn with_graceful_shutdown<F>(self, signal: F) -> WithGracefulShutdown<L, M, S, F>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        WithGracefulShutdown {
            inner: self.inner,
            signal,
            deadline: DEADLINE,
        }
    }

    settings!();
}

/// A server that will be told to stop: [`Serve::with_graceful_shutdown`].
#[must_use = "a server does nothing unless awaited"]
pub struct WithGracefulShutdown<L, M, S, F = Pending<()>> {
    inner: http::Serve<L, Make<L, M, S>>,
    signal: F,
    deadline: Duration,
}

impl<L: Listener, M, S, F> WithGracefulShutdown<L, M, S, F> {
    /// How long what is going on may go on after the signal; 30 seconds by default. Then it is cancelled.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    settings!();

    /// The same server, whose result is the [numbers](Served) of what it has done.
    ///
    /// ```no_run
    /// use axum::{Router, routing::get};
    /// use filch::net::TcpListener;
    ///
    /// # filch::run(async {
    /// let app = Router::new().route("/", get(|| async { "hello" }));
    /// let listener = TcpListener::bind("127.0.0.1:3000").await?;
    /// let stop = async { filch::signal::ctrl_c().await.unwrap() };
    /// let served = filch_axum::serve(listener, app).with_graceful_shutdown(stop).report().await?;
    /// println!("{} answered, {} cut off", served.finished, served.cancelled);
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn report(self) -> Reported<Self> {
        Reported(self)
    }
}

/// A server that gives its numbers: [`WithGracefulShutdown::report`].
#[derive(Debug)]
#[must_use = "a server does nothing unless awaited"]
pub struct Reported<T>(T);

impl<L, M, S> IntoFuture for Serve<L, M, S>
where
    L: Listener,
    Make<L, M, S>: MakeService<<L::Io as Open>::Stream, L::Peer>,
{
    type Output = io::Result<()>;
    type IntoFuture = Serving;

    fn into_future(self) -> Serving {
        WithGracefulShutdown {
            inner: self.inner,
            signal: pending(),
            deadline: DEADLINE,
        }
        .into_future()
    }
}

impl<L, M, S, F> IntoFuture for WithGracefulShutdown<L, M, S, F>
where
    L: Listener,
    Make<L, M, S>: MakeService<<L::Io as Open>::Stream, L::Peer>,
    F: Future<Output = ()> + Send + 'static,
{
    type Output = io::Result<()>;
    type IntoFuture = Serving;

    fn into_future(self) -> Serving {
        Serving(self.report().into_future())
    }
}

impl<L, M, S, F> IntoFuture for Reported<WithGracefulShutdown<L, M, S, F>>
where
    L: Listener,
    Make<L, M, S>: MakeService<<L::Io as Open>::Stream, L::Peer>,
    F: Future<Output = ()> + Send + 'static,
{
    type Output = io::Result<Served>;
    type IntoFuture = http::Serving;

    fn into_future(self) -> http::Serving {
        let WithGracefulShutdown {
            inner,
            signal,
            deadline,
        } = self.0;
        inner.graceful(signal, deadline).into_future()
    }
}

/// The future of [`serve`], which ends with nothing but `Ok(())` or an error.
#[derive(Debug)]
#[must_use = "dropping it cancels the server's connections; await it"]
pub struct Serving(http::Serving);

/// axum's name for it.
pub type ServeFuture = Serving;

impl Future for Serving {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let served = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(served.map(drop))
    }
}

impl<L: fmt::Debug, M, S> fmt::Debug for Serve<L, M, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").field("inner", &self.inner).finish()
    }
}

impl<L, M, S, F> fmt::Debug for WithGracefulShutdown<L, M, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithGracefulShutdown")
            .field("inner", &self.inner)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// The make service that [`serve`] takes, as filch's own server takes one: called in each connection's own task.
pub struct Make<L, M, S> {
    make: Mutex<M>,
    listener: PhantomData<fn(L) -> S>,
}

impl<L, M, S> MakeService<<L::Io as Open>::Stream, L::Peer> for Make<L, M, S>
where
    L: Listener,
    M: for<'a> Service<IncomingStream<'a, L>, Error = Infallible, Response = S> + Send + 'static,
    for<'a> <M as Service<IncomingStream<'a, L>>>::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Service = Requests<S>;

    async fn make(
        &self,
        io: &<L::Io as Open>::Stream,
        peer: &L::Peer,
        _: &ConnInfo,
    ) -> Requests<S> {
        let making = poll_fn(|cx| {
            // One panic of a make service is that of its connection, and no more.
            let mut make = self.make.lock().unwrap_or_else(PoisonError::into_inner);
            let Ok(()) = ready!(make.poll_ready(cx));
            Poll::Ready(make.call(IncomingStream::new(io, peer.clone())))
        });
        let Ok(service) = making.await.await;
        Requests(service)
    }
}

impl<L, M, S> fmt::Debug for Make<L, M, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Make").finish_non_exhaustive()
    }
}

/// A service whose requests have axum's body.
#[derive(Clone, Debug)]
pub struct Requests<S>(S);

impl<S> Service<::http::Request<http::Body>> for Requests<S>
where
    S: Service<Request>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: ::http::Request<http::Body>) -> S::Future {
        self.0
            .call(request.map(|body| match body.size_hint().exact() {
                // axum boxes a body, but none.
                Some(0) if body.is_end_stream() => Body::empty(),
                _ => Body::new(body),
            }))
    }
}
