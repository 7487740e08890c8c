//! What answers requests: tower's services, and what makes one for each connection.

use super::body::Body;
use super::error::BoxError;
use super::info::ConnInfo;
use hyper::body::Body as HttpBody;
use hyper::{Request, Response};
use parking_lot::Mutex;
use std::fmt;
use std::future::{Future, ready};
use std::task::{Context, Poll};
use tower_service::Service;

/// A tower service that answers HTTP requests: what [`serve`](super::serve()) takes. Nobody implements it: each
/// [`tower_service::Service`] that fits is one, such as axum's `Router`.
///
/// It is cloned for each request. An error of it is answered with 500 and reported on standard error; a
/// [`BodyError`](super::BodyError), which is the client's, with 400.
pub trait HttpService:
    Service<
        Request<Body>,
        Response = Response<Self::AnswerBody>,
        Error = Self::Failure,
        Future = Self::Answering,
    > + Clone
    + Send
    + 'static
{
    /// The answer's body.
    type AnswerBody: HttpBody<Data: Send, Error: Into<BoxError>> + Send + 'static;
    /// What it fails with; mostly `Infallible`.
    type Failure: Into<BoxError>;
    /// The future of an answer.
    type Answering: Future<Output = Result<Response<Self::AnswerBody>, Self::Failure>>
        + Send
        + 'static;
}

impl<S, B> HttpService for S
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type AnswerBody = B;
    type Failure = S::Error;
    type Answering = S::Future;
}

/// Makes the service of each connection: what [`serve_with`](super::serve_with) takes.
///
/// `Io` and `Peer` are the listener's. For most there is [`per_connection`]; this trait is for who looks at the stream,
/// or has to wait.
pub trait MakeService<Io, Peer>: Send + Sync + 'static {
    /// What answers the connection's requests.
    type Service: HttpService;

    /// Makes it, in the connection's own task, after a handshake.
    fn make(
        &self,
        io: &Io,
        peer: &Peer,
        info: &ConnInfo,
    ) -> impl Future<Output = Self::Service> + Send;
}

/// One service for all connections.
pub struct Shared<S>(Mutex<S>);

impl<S> Shared<S> {
    pub(super) fn new(service: S) -> Shared<S> {
        Shared(Mutex::new(service))
    }
}

impl<S: HttpService, Io, Peer> MakeService<Io, Peer> for Shared<S> {
    type Service = S;

    fn make(&self, _: &Io, _: &Peer, _: &ConnInfo) -> impl Future<Output = S> + Send {
        ready(self.0.lock().clone())
    }
}

impl<S> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// A service of its own for each connection, made by `make` for [`serve_with`](super::serve_with).
///
/// ```no_run
/// # filch::run(async {
/// use filch::http::{self, Body, Request, Response};
/// use filch::net::TcpListener;
/// use std::convert::Infallible;
///
/// let make = http::per_connection(|info| {
///     let peer = format!("{:?}", info.peer());
///     http::service_fn(move |_: Request<Body>| {
///         let answer = Response::new(Body::from(peer.clone()));
///         async { Ok::<_, Infallible>(answer) }
///     })
/// });
/// http::serve_with(TcpListener::bind("127.0.0.1:8000").await?, make).await?;
/// # std::io::Result::Ok(()) });
/// ```
pub fn per_connection<F, S>(make: F) -> PerConnection<F>
where
    F: Fn(&ConnInfo) -> S + Send + Sync + 'static,
    S: HttpService,
{
    PerConnection(make)
}

/// What [`per_connection`] gives.
pub struct PerConnection<F>(F);

impl<F, S, Io, Peer> MakeService<Io, Peer> for PerConnection<F>
where
    F: Fn(&ConnInfo) -> S + Send + Sync + 'static,
    S: HttpService,
{
    type Service = S;

    fn make(&self, _: &Io, _: &Peer, info: &ConnInfo) -> impl Future<Output = S> + Send {
        ready((self.0)(info))
    }
}

impl<F> fmt::Debug for PerConnection<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerConnection").finish_non_exhaustive()
    }
}

/// A service that is an async function.
///
/// ```
/// use filch::http::{Body, Request, Response, service_fn};
/// use std::convert::Infallible;
///
/// async fn hello(request: Request<Body>) -> Result<Response<Body>, Infallible> {
///     Ok(Response::new(Body::from(format!("hello from {}", request.uri().path()))))
/// }
///
/// let service = service_fn(hello);
/// ```
pub fn service_fn<F, Fut, B, E>(f: F) -> ServiceFn<F>
where
    F: FnMut(Request<Body>) -> Fut,
    Fut: Future<Output = Result<Response<B>, E>>,
{
    ServiceFn(f)
}

/// What [`service_fn`] gives.
#[derive(Clone, Copy)]
pub struct ServiceFn<F>(F);

impl<F, Fut, B, E> Service<Request<Body>> for ServiceFn<F>
where
    F: FnMut(Request<Body>) -> Fut,
    Fut: Future<Output = Result<Response<B>, E>>,
{
    type Response = Response<B>;
    type Error = E;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Fut {
        (self.0)(request)
    }
}

impl<F> fmt::Debug for ServiceFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceFn").finish_non_exhaustive()
    }
}
