//! An HTTP client: [`Client`], and [`get`] for a single request.
//!
//! ```no_run
//! # filch::run(async {
//! use filch::http::Client;
//!
//! let client = Client::new();
//! let page = client.get("http://127.0.0.1:8000/").await?.error_for_status()?.text().await?;
//! println!("{page}");
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```
//!
//! The protocol is hyper's. Here are its connections: made to the first address that answers, by TLS with the feature
//! `tls` (HTTP/2 where the server speaks it), through a proxy if the environment names one; kept for the next request.
//!
//! # Limits
//!
//! | of | default | set by |
//! |---|---|---|
//! | a connection: name, TCP, proxy, TLS | 10 s | [`connect_timeout`](ClientBuilder::connect_timeout) |
//! | silence until the answer begins | 60 s | [`answer_timeout`](ClientBuilder::answer_timeout) |
//! | silence within the answer's body | 60 s | [`body_timeout`](ClientBuilder::body_timeout) |
//! | the whole, redirects and body included | none | [`timeout`](ClientBuilder::timeout) |
//! | a body that is read as a whole | 16 MiB | [`body_limit`](ClientBuilder::body_limit) |
//! | connections to one host | 100 | [`connections_per_host`](ClientBuilder::connections_per_host) |
//! | an idle connection | 15 s | [`idle_timeout`](ClientBuilder::idle_timeout) |
//! | redirects | 10 | [`redirects`](ClientBuilder::redirects) |
//!
//! # What is sent again
//!
//! A request is sent a second time, by a new connection, if the one that it went by had served others and ended before
//! a byte of the answer came. That is done for GET, HEAD, OPTIONS, TRACE, PUT and DELETE with a body of bytes, and for
//! any request of which nothing was sent.
//!
//! # As a service
//!
//! A [`Client`] is a service of tower. So tower-http's layers go around it: decompression, cookies, redirects of one's
//! own, tracing. Called as a service it follows no redirects.

mod answer;
mod body;
mod builder;
mod dial;
mod error;
mod exchange;
mod pool;
mod proxy;
mod redirect;
mod request;
mod response;
mod settings;
#[cfg(feature = "websocket")]
mod stream;
mod url;

pub use body::{Body, Incoming};
pub use builder::ClientBuilder;
pub use error::{Error, Kind};
pub use request::RequestBuilder;
pub use response::Response;
#[cfg(feature = "websocket")]
pub(in crate::http) use stream::Way;
#[cfg(feature = "websocket")]
pub(in crate::http) use url::parse as parse_url;

use exchange::Shared;
use filch_executor::leaf::{Wait, WaitKind};
use http::{Method, Request};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::{Context, Poll};

pub mod future {
    //! The client's futures, for who keeps one in a struct.

    pub use super::answer::{Answer, Chunk};
}

use future::Answer;

/// Asks servers, and keeps its connections for the next request. Clones share them: make one and clone it.
///
/// The connections' tasks run in the runtime that a request is sent in, and end with the last clone.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

impl Client {
    /// With the limits of the [module's table](self), and the environment's proxies.
    pub fn new() -> Client {
        Client::builder().build()
    }

    /// With limits of one's own.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A request of any method.
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder {
        RequestBuilder::new(Arc::clone(&self.shared), method, url)
    }

    /// A GET request.
    pub fn get(&self, url: &str) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// A HEAD request.
    pub fn head(&self, url: &str) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// A POST request.
    pub fn post(&self, url: &str) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// A PUT request.
    pub fn put(&self, url: &str) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// A PATCH request.
    pub fn patch(&self, url: &str) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// A DELETE request.
    pub fn delete(&self, url: &str) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }
}

/// A GET request by a client of its own, whose connection nobody uses again. Whoever asks twice makes a [`Client`].
///
/// ```no_run
/// # filch::run(async {
/// let text = filch::http::get("http://127.0.0.1:8000/").await?.text().await?;
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub fn get(url: &str) -> RequestBuilder {
    Client::new().get(url)
}

// Its pool is behind a lock, and what it was told does not change.
impl UnwindSafe for Client {}
impl RefUnwindSafe for Client {}

impl Default for Client {
    fn default() -> Client {
        Client::new()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

/// One request with a whole URL, and its answer. Redirects are answers as any other.
impl<B> tower_service::Service<Request<B>> for Client
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = http::Response<Incoming>;
    type Error = Error;
    type Future = Answer<http::Response<Incoming>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    #[track_caller]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let request = request.map(Body::stream);
        let wait = Wait::here(WaitKind::Answer);
        Answer::new(
            wait,
            async move { exchange::exchange(&shared, request).await },
        )
    }
}
