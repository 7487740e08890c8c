//! A client in memory, for tests of services.

use super::body::Body;
use super::error::BoxError;
use super::listener::{Dialer, memory};
use super::serve::serve;
use super::service::HttpService;
use crate::structure::AbortOnDrop;
use filch_executor::spawn;
use hyper::client::conn::http1::handshake;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response};
use std::fmt;
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
    }
}

/// A client in memory, of [`test_client`]. The last clone's end is its server's.
#[derive(Clone)]
pub struct TestClient {
    dialer: Dialer,
    _server: Arc<AbortOnDrop<io::Result<super::serve::Served>>>,
}

impl TestClient {
    /// Sends a `GET`, and gives its answer as soon as its head is there.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    ///
    /// # Cancel safety
    /// Dropping it closes the connection.
    pub async fn get(&self, path: &str) -> io::Result<Response<Body>> {
        self.request(asked("GET", path, Body::empty())?).await
    }

    /// Sends a `POST` with a body.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    ///
    /// # Cancel safety
    /// Dropping it closes the connection.
    pub async fn post(&self, path: &str, body: impl Into<Body>) -> io::Result<Response<Body>> {
        self.request(asked("POST", path, body.into())?).await
    }

    /// Sends any request, over a connection of its own. [`upgrade::on`](super::upgrade::on) works on the answer.
    ///
    /// # Errors
    /// If the server closes the connection before the answer, for which a handler that panics is one reason.
    ///
    /// # Cancel safety
    /// Dropping it closes the connection.
    pub async fn request(&self, mut request: Request<Body>) -> io::Result<Response<Body>> {
        let stream = self.dialer.connect().await?;
        let (mut sender, connection) = handshake(stream).await.map_err(broken)?;
        let _detached = spawn(connection.with_upgrades());
        let host = || HeaderValue::from_static("test");
        request.headers_mut().entry(HOST).or_insert_with(host);
        let answer = sender.send_request(request).await.map_err(broken)?;
        Ok(answer.map(Body::from))
    }

    /// For connections that speak for themselves.
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").finish_non_exhaustive()
    }
}

fn asked(method: &str, path: &str, body: Body) -> io::Result<Request<Body>> {
    let request = Request::builder().method(method).uri(path).body(body);
    request.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

fn broken(error: impl Into<BoxError>) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, error)
}
