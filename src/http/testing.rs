//! A client in memory, for tests of services.

use super::body::Body;
use super::error::BoxError;
use super::future::TestAnswer;
use super::listener::{Dialer, memory};
use super::rt::Executor;
use super::serve::serve;
use super::service::HttpService;
use super::sse::Events;
use crate::io::DuplexStream;
use crate::structure::AbortOnDrop;
use filch_executor::leaf::{Wait, WaitKind};
use filch_executor::spawn;
use hyper::client::conn::{http1, http2};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response, StatusCode};
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;

/// A client of a service, without a socket: each request goes through the whole server, over a connection in memory.
///
/// ```
/// use filch::http::{self, Body, Request, Response};
/// use std::convert::Infallible;
///
/// async fn hello(request: Request<Body>) -> Result<Response<Body>, Infallible> {
///     Ok(Response::new(Body::from(format!("hello from {}", request.uri().path()))))
/// }
///
/// # filch::run(async {
/// let client = http::test_client(http::service_fn(hello));
/// let answer = client.get("/world").await.unwrap();
/// assert_eq!(answer.status(), 200);
/// assert_eq!(answer.into_body().text(1024).await.unwrap(), "hello from /world");
/// # });
/// ```
///
/// # Panics
/// Outside of a runtime.
#[track_caller]
pub fn test_client<S: HttpService>(service: S) -> TestClient {
    let (dialer, listener) = memory();
    let server = serve(listener, service).into_future();
    TestClient {
        dialer,
        _server: Arc::new(AbortOnDrop(spawn(server))),
        is_two: false,
    }
}

/// A client in memory, of [`test_client`]. The last clone's end is its server's.
#[derive(Clone)]
pub struct TestClient {
    dialer: Dialer,
    _server: Arc<AbortOnDrop<io::Result<super::serve::Served>>>,
    is_two: bool,
}

impl TestClient {
    /// Sends a `GET`, and gives its answer as soon as its head is there.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    ///
    /// # Cancel safety
    /// Dropping it closes the connection.
    #[track_caller]
    pub fn get(&self, path: &str) -> TestAnswer<Response<Body>> {
        let request = asked("GET", path, Body::empty());
        self.answer(|client| async move { client.send(request?).await })
    }

    /// Sends a `POST` with a body.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    ///
    /// # Cancel safety
    /// Dropping it closes the connection.
    #[track_caller]
    pub fn post(&self, path: &str, body: impl Into<Body>) -> TestAnswer<Response<Body>> {
        let request = asked("POST", path, body.into());
        self.answer(|client| async move { client.send(request?).await })
    }

    /// Sends any request, over a connection of its own. [`upgrade::on`](super::upgrade::on) works on the answer.
    ///
    /// # Errors
    /// If the server closes the connection before the answer, for which a handler that panics is one reason.
    ///
    /// # Cancel safety
    /// Dropping it closes the connection.
    #[track_caller]
    pub fn request(&self, request: Request<Body>) -> TestAnswer<Response<Body>> {
        self.answer(|client| async move { client.send(request).await })
    }

    /// The same service by HTTP/2: each request of this client, but for [`websocket`](Self::websocket).
    ///
    /// ```
    /// use filch::http::{self, Body, Request, Response, Version};
    /// use std::convert::Infallible;
    ///
    /// async fn hello(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    ///     Ok(Response::new(Body::from(format!("by {:?}", request.version()))))
    /// }
    ///
    /// # filch::run(async {
    /// let answer = http::test_client(http::service_fn(hello)).http2().get("/").await.unwrap();
    /// assert_eq!(answer.version(), Version::HTTP_2);
    /// assert_eq!(answer.into_body().text(1024).await.unwrap(), "by HTTP/2.0");
    /// # });
    /// ```
    pub fn http2(mut self) -> TestClient {
        self.is_two = true;
        self
    }

    /// Sends a `GET` for [events](super::sse), and gives them as a stream.
    ///
    /// ```
    /// use filch::http::sse::{Event, Sse};
    /// use filch::http::{self, Body, Request, Response};
    /// use filch::stream::{StreamExt, iter};
    /// use std::convert::Infallible;
    ///
    /// async fn count(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    ///     let events = iter(1..4).map(|n| Ok::<_, Infallible>(Event::new().event("n").data(n.to_string())));
    ///     Ok(Sse::new(events).into_response().map(Body::new))
    /// }
    ///
    /// # filch::run(async {
    /// let client = http::test_client(http::service_fn(count));
    /// let mut events = client.events("/").await.unwrap();
    /// let first = events.next().await.unwrap().unwrap();
    /// assert_eq!((first.event.as_str(), first.data.as_str()), ("n", "1"));
    /// # });
    /// ```
    ///
    /// # Errors
    /// As [`request`](Self::request); `InvalidData` if the answer's status is not 200, or it is no stream of events.
    ///
    /// # Cancel safety
    /// Dropping it closes the connection, and so does dropping the events.
    #[track_caller]
    pub fn events(&self, path: &str) -> TestAnswer<Events> {
        let request = asked("GET", path, Body::empty());
        self.answer(|client| async move { client.listen(request?).await })
    }

    /// Opens a [WebSocket](super::websocket), by HTTP/1.1. With the feature `websocket`.
    ///
    /// ```
    /// use filch::http::websocket::{Config, Message, Upgrade};
    /// use filch::http::{self, Body, Request, Response};
    /// use std::convert::Infallible;
    ///
    /// async fn greet(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    ///     let (mut head, _) = request.into_parts();
    ///     let (answer, socket) = match Upgrade::of(&mut head) {
    ///         Ok(upgrade) => upgrade.accept(),
    ///         Err(refusal) => return Ok(refusal.into_response().map(Body::from)),
    ///     };
    ///     filch::spawn(async move {
    ///         let mut socket = socket.open(Config::default()).await?;
    ///         socket.send("hello").await
    ///     });
    ///     Ok(answer.map(|()| Body::empty()))
    /// }
    ///
    /// # filch::run(async {
    /// let client = http::test_client(http::service_fn(greet));
    /// let mut socket = client.websocket("/").await.unwrap();
    /// assert_eq!(socket.recv().await.unwrap().unwrap(), Message::text("hello"));
    /// # });
    /// ```
    ///
    /// # Errors
    /// If `path` is none, or the service refuses. For headers of one's own see
    /// [`connect_over`](super::websocket::connect_over), over a stream of [`dialer`](Self::dialer).
    ///
    /// # Cancel safety
    /// Dropping it closes the connection.
    #[cfg(feature = "websocket")]
    #[track_caller]
    pub fn websocket(&self, path: &str) -> TestAnswer<super::websocket::WebSocket> {
        use super::websocket::{Config, connect_over};
        let request = Request::get(format!("ws://test{path}")).body(());
        self.answer(|client| async move {
            let request =
                request.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            let stream = client.dialer.connect().await?;
            Ok(connect_over(request, stream, Config::default()).await?)
        })
    }

    /// For connections that speak for themselves.
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    #[track_caller]
    fn answer<T, F>(&self, ask: impl FnOnce(TestClient) -> F) -> TestAnswer<T>
    where
        F: Future<Output = io::Result<T>> + Send + 'static,
    {
        TestAnswer::new(Wait::here(WaitKind::Answer), ask(self.clone()))
    }

    async fn send(&self, mut request: Request<Body>) -> io::Result<Response<Body>> {
        let stream = self.dialer.connect().await?;
        if self.is_two {
            return two(stream, request).await;
        }
        let (mut sender, connection) = http1::handshake(stream).await.map_err(broken)?;
        let _detached = spawn(connection.with_upgrades());
        let host = || HeaderValue::from_static("test");
        request.headers_mut().entry(HOST).or_insert_with(host);
        let answer = sender.send_request(request).await.map_err(broken)?;
        Ok(answer.map(Body::from))
    }

    async fn listen(&self, mut request: Request<Body>) -> io::Result<Events> {
        let kind = HeaderValue::from_static("text/event-stream");
        request.headers_mut().insert(ACCEPT, kind);
        let answer = self.send(request).await?;
        let kind = answer.headers().get(CONTENT_TYPE);
        let is_events = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if answer.status() != StatusCode::OK || !is_events {
            let what = format!("no events: {} of type {kind:?}", answer.status());
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(Events::new(answer.into_body()))
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").finish_non_exhaustive()
    }
}

/// HTTP/2 has the host in its URL.
async fn two(stream: DuplexStream, mut request: Request<Body>) -> io::Result<Response<Body>> {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let whole = request.uri().authority().is_some();
    if !whole {
        let url = format!("http://test{path}").parse();
        *request.uri_mut() =
            url.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    }
    let builder = http2::Builder::new(Executor);
    let (mut sender, connection) = builder.handshake(stream).await.map_err(broken)?;
    let _detached = spawn(connection);
    let answer = sender.send_request(request).await.map_err(broken)?;
    Ok(answer.map(Body::from))
}

fn asked(method: &str, path: &str, body: Body) -> io::Result<Request<Body>> {
    let request = Request::builder().method(method).uri(path).body(body);
    request.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn broken(error: impl Into<BoxError>) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, error)
}
