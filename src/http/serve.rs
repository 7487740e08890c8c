//! The server: what it is told, and what it has done in the end.

use super::connection::{self, Rules, Server, Tally};
use super::done::{OnRequest, RequestDone};
use super::limits::Limits;
use super::listener::{Door, Listener, Open};
use super::service::{HttpService, MakeService, Shared};
use crate::net;
use crate::structure::CancelToken;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Serves HTTP/1.1 and HTTP/2 on a listener, with any tower service: axum's `Router`, or a [`service_fn`].
///
/// `listener` is a [`TcpListener`](net::TcpListener), a [`UnixListener`](net::UnixListener), one of them under
/// `TlsListener` with the feature `tls`, [`Several`](super::Several) of these, or one in [`memory`](super::memory()).
/// A client speaks HTTP/2 if TLS has agreed on it (ALPN), or if it says so with its first bytes.
///
/// Nothing happens before the server is awaited. Each connection is a task in a group: dropping the server cancels them
/// all. [`graceful`](Serve::graceful) ends it politely, and [`limits`](Serve::limits) says what a client may do.
///
/// # Returns
/// [`Served`], the numbers, if it was told to stop. Without [`graceful`](Serve::graceful) it never returns unless it
/// fails.
///
/// # Errors
/// The listener's, if nothing can be accepted any more.
///
/// # Panics
/// When it is polled outside a runtime.
///
/// # Cancel safety
/// Dropping it stops accepting, cancels every connection, and loses the numbers.
///
/// # Examples
/// ```no_run
/// use filch::http::{self, Body, Request, Response};
/// use filch::net::TcpListener;
/// use std::convert::Infallible;
/// use std::time::Duration;
///
/// async fn hello(request: Request<Body>) -> Result<Response<Body>, Infallible> {
///     Ok(Response::new(Body::from(format!("hello from {}\n", request.uri().path()))))
/// }
///
/// # filch::run(async {
/// let listener = TcpListener::bind("127.0.0.1:8000").await?;
/// let stop = async {
///     filch::signal::ctrl_c().await.unwrap();
/// };
/// let served = http::serve(listener, http::service_fn(hello))
///     .graceful(stop, Duration::from_secs(10))
///     .await?;
/// println!("{} requests over {} connections", served.finished, served.connections);
/// # std::io::Result::Ok(())
/// # });
/// ```
///
/// [`service_fn`]: super::service_fn
#[track_caller]
pub fn serve<L: Listener, S: HttpService>(listener: L, service: S) -> Serve<L, Shared<S>> {
    serve_with(listener, Shared::new(service))
}

/// As [`serve`](serve()), with a service that is made for each connection: see
/// [`per_connection`](super::per_connection) and [`MakeService`].
#[track_caller]
pub fn serve_with<L, M>(listener: L, make: M) -> Serve<L, M>
where
    L: Listener,
    M: MakeService<<L::Io as Open>::Stream, L::Peer>,
{
    Serve {
        listener,
        make,
        at: Location::caller(),
        limits: Limits::default(),
        half_close: false,
        on_request: None,
        stop: None,
    }
}

/// What tells a server to stop: a [`CancelToken`], or any future. Nobody else implements it.
pub trait StopSignal: sealed::IntoStop {}

impl<T: sealed::IntoStop> StopSignal for T {}

mod sealed {
    use super::*;

    pub trait IntoStop {
        fn into_stop(self) -> Stop;
    }

    impl IntoStop for CancelToken {
        fn into_stop(self) -> Stop {
            Stop::Token(self)
        }
    }

    impl<F: Future<Output = ()> + Send + 'static> IntoStop for F {
        fn into_stop(self) -> Stop {
            Stop::Future(Box::pin(self))
        }
    }

    #[allow(missing_debug_implementations)]
    pub enum Stop {
        Token(CancelToken),
        Future(Pin<Box<dyn Future<Output = ()> + Send>>),
    }
}

use sealed::Stop;

/// A server that is not awaited yet: [`serve`](serve()).
#[must_use = "a server does nothing unless awaited"]
pub struct Serve<L, M> {
    listener: L,
    make: M,
    at: &'static Location<'static>,
    limits: Limits,
    half_close: bool,
    on_request: Option<OnRequest>,
    stop: Option<(Stop, Duration)>,
}

impl<L, M> Serve<L, M> {
    /// Ends politely when `stop` is cancelled or ready, within `deadline`:
    ///
    /// 1. Who has connected already is accepted, and nobody else. Who has sent half a head is closed at once, and so is
    ///    who has sent nothing, unless it has connected within the last tenth of a [moment](Limits::linger).
    /// 2. What is being answered is answered, and then its connection is closed. HTTP/2 says `GOAWAY`.
    /// 3. An idle connection is read for a [moment](Limits::linger) more: a request that was on its way is answered,
    ///    with `connection: close`.
    /// 4. Streams of events and upgraded connections are told by [`ConnInfo::stopping`](super::ConnInfo::stopping).
    /// 5. At the deadline the rest is cancelled.
    pub fn graceful(mut self, stop: impl StopSignal, deadline: Duration) -> Serve<L, M> {
        self.stop = Some((stop.into_stop(), deadline));
        self
    }

    /// What is put up with, instead of [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Serve<L, M> {
        self.limits = limits;
        self
    }

    /// A client that has sent all that it will ever send, and says so (FIN), is answered all the same.
    ///
    /// By default that counts as gone: most clients that close are. With this option only a reset does, over HTTP/1; a
    /// client that closes its connection while a handler works is noticed when the answer is written.
    pub fn half_close(mut self, on: bool) -> Serve<L, M> {
        self.half_close = on;
        self
    }

    /// Calls `hook` at the end of each request, whatever ended it: an access log, or figures by route.
    ///
    /// It is called in the connection's task or the stream's, and should not block. A panic of it is reported.
    ///
    /// ```no_run
    /// # filch::run(async {
    /// # use filch::http::{self, Body, Request, Response};
    /// # async fn hello(_: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
    /// #     Ok(Response::new(Body::empty()))
    /// # }
    /// use filch::net::TcpListener;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:8000").await?;
    /// http::serve(listener, http::service_fn(hello))
    ///     .on_request(|done| println!("{} {} {} {:?}", done.method, done.uri, done.status, done.took))
    ///     .await?;
    /// # std::io::Result::Ok(()) });
    /// ```
    pub fn on_request(mut self, hook: impl Fn(&RequestDone) + Send + Sync + 'static) -> Self {
        self.on_request = Some(Arc::new(hook));
        self
    }

    /// The listener, for its address.
    pub fn listener(&self) -> &L {
        &self.listener
    }
}

impl<L, M> IntoFuture for Serve<L, M>
where
    L: Listener,
    M: MakeService<<L::Io as Open>::Stream, L::Peer>,
{
    type Output = io::Result<Served>;
    type IntoFuture = Serving;

    fn into_future(self) -> Serving {
        Serving::new(live(self))
    }
}

impl<L, M> fmt::Debug for Serve<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The server's life. Accepting, the group of connections and its end are `net::serve`'s.
async fn live<L, M>(serve: Serve<L, M>) -> io::Result<Served>
where
    L: Listener,
    M: MakeService<<L::Io as Open>::Stream, L::Peer>,
{
    let (stop, deadline) = serve.stop.unzip();
    let (token, signal) = match stop {
        Some(Stop::Token(token)) => (token, None),
        Some(Stop::Future(signal)) => (CancelToken::new(), Some(signal)),
        None => (CancelToken::new(), None),
    };
    let server = Arc::new(Server {
        make: serve.make,
        rules: Arc::new(Rules::new(serve.limits, serve.on_request)),
        half_close: serve.half_close,
        stop: token.clone(),
        tally: Tally::default(),
        at: serve.at,
    });
    let handler = {
        let server = Arc::clone(&server);
        move |io, peer| connection::serve::<L, M>(Arc::clone(&server), io, peer)
    };
    let connections = net::serve(Door(serve.listener), handler)
        .under(serve.at)
        .limit(server.rules.limits.connections)
        .graceful(token.clone(), deadline.unwrap_or_default());
    let connections = until(connections.into_future(), signal, &token).await?;
    Ok(Served::new(&server.tally, connections))
}

/// Runs a server, and cancels its token when the signal comes.
async fn until<T>(
    server: impl Future<Output = T>,
    mut signal: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    token: &CancelToken,
) -> T {
    let mut server = pin!(server);
    poll_fn(|cx| {
        if signal
            .as_mut()
            .is_some_and(|signal| signal.as_mut().poll(cx).is_ready())
        {
            signal = None;
            token.cancel_because("the server was told to stop");
        }
        server.as_mut().poll(cx)
    })
    .await
}

/// What a server has done, when it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Connections that were accepted.
    pub connections: u64,
    /// Those of them that were cut off at the deadline.
    pub connections_cancelled: u64,
    /// Those whose task has panicked, in a handler mostly.
    pub connections_panicked: u64,
    /// Those that became something else, such as a WebSocket.
    pub upgraded: u64,
    /// Requests that were answered to the end.
    pub finished: u64,
    /// Requests that a limit has ended.
    pub refused: u64,
    /// Requests whose clients went before the answer's end.
    pub left: u64,
    /// Requests that were cut off at the deadline.
    pub cancelled: u64,
}

impl Served {
    fn new(tally: &Tally, connections: net::Served) -> Served {
        Served {
            connections: connections.accepted,
            connections_cancelled: connections.cancelled,
            connections_panicked: connections.panicked,
            upgraded: tally.upgraded.load(Relaxed),
            finished: tally.finished.load(Relaxed),
            refused: tally.refused.load(Relaxed),
            left: tally.left.load(Relaxed),
            cancelled: tally.cancelled.load(Relaxed),
        }
    }
}

/// The future of a [`Serve`].
pub type Serving = net::future::Serving<Served>;
