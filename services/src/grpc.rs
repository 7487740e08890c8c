//! gRPC: tonic without its transport, on filch's HTTP.
//!
//! tonic's generated servers are a tower service, [`Routes`]: [`serve`] gives it to [`filch::http::serve`]. Its clients
//! ask for one: [`Channel`], over hyper's client with the executor and the timer of [`filch::http::rt`].

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use filch::http::rt::{Executor, Timer};
use filch::http::{Layer, Limits, Listener, Serve, Shared, WithDeadline, grpc_timeout};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::rt::{Read, Write};
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::service::Routes;

/// Serves gRPC on a listener: TCP, Unix sockets, TLS (with ALPN `h2`), or memory for tests.
///
/// What it gives is awaited, as [`filch::http::serve()`] says: its `graceful` ends it politely, its `on_request` is an
/// access log. The limits are [`limits`], and can be changed.
///
/// A call ends at the deadline that its client gave it by `grpc-timeout`, unary or streaming, with the status
/// `DEADLINE_EXCEEDED`.
///
/// ```no_run
/// use filch::net::TcpListener;
/// use filch_services::grpc;
/// use std::time::Duration;
/// use tonic::service::Routes;
///
/// # filch::run(async {
/// let (_reporter, service) = tonic_health::server::health_reporter();
/// let listener = TcpListener::bind("127.0.0.1:50051").await?;
/// let stop = async { filch::signal::ctrl_c().await.unwrap() };
/// let served = grpc::serve(listener, Routes::new(service))
///     .graceful(stop, Duration::from_secs(30))
///     .await?;
/// println!("{} calls, {} of them cut off", served.finished, served.cancelled);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn serve<L: Listener>(listener: L, routes: Routes) -> Serve<L, Shared<WithDeadline<Routes>>> {
    filch::http::serve(listener, grpc_timeout().layer(routes)).limits(limits())
}

/// [`Limits::default`], but for three of them which a call sets itself.
///
/// Its client says by `grpc-timeout` how long it may take. tonic refuses a message of more than 4 MiB, and a stream has
/// as many messages as it likes. Streams may be silent, from either side.
pub fn limits() -> Limits {
    Limits::default()
        .answer(None)
        .body(None)
        .stall(Duration::MAX)
}

/// One connection to a server; clones share it, each call is a stream of its own.
#[derive(Clone, Debug)]
pub struct Channel(SendRequest<Body>);

impl Channel {
    /// Speaks HTTP/2 over the stream; a task drives the connection, and ends when the last clone is dropped.
    ///
    /// # Errors
    ///
    /// hyper's, if the beginning cannot be sent.
    pub async fn new<T>(stream: T) -> hyper::Result<Channel>
    where
        T: Read + Write + Unpin + Send + 'static,
    {
        let (requests, connection) = hyper::client::conn::http2::Builder::new(Executor)
            .timer(Timer)
            .handshake(stream)
            .await?;
        filch::spawn(connection);
        Ok(Channel(requests))
    }

    /// Waits until the connection is closed or takes calls again.
    ///
    /// # Errors
    ///
    /// hyper's, if it is closed.
    pub async fn ready(&mut self) -> hyper::Result<()> {
        poll_fn(|cx| self.0.poll_ready(cx)).await
    }
}

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
