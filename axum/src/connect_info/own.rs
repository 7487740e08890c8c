//! The extractor, for programs in which axum's is not known to be there.

use super::theirs;
use axum::Extension;
use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use tower_layer::Layer;

/// What a handler wants to know of a connection: made once for each, from the stream.
///
/// `SocketAddr` is one for TCP and for TLS over it. For a Unix socket see the example `unix-domain-socket`.
pub trait Connected<T>: Clone + Send + Sync + 'static {
    /// What is known of `stream`.
    fn connect_info(stream: T) -> Self;
}

/// For a test that calls a make service itself.
impl Connected<SocketAddr> for SocketAddr {
    fn connect_info(peer: SocketAddr) -> SocketAddr {
        peer
    }
}

/// Extracts what `into_make_service_with_connect_info` has kept of the connection.
///
/// # Errors
/// An answer of 500, if the service was made without that.
#[derive(Clone, Copy, Debug)]
pub struct ConnectInfo<T>(pub T);

impl<S, T> FromRequestParts<S> for ConnectInfo<T>
where
    S: Send + Sync,
    T: Clone + Send + Sync + 'static,
{
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        const MISSING: &str = "there is no ConnectInfo: use `into_make_service_with_connect_info`";
        let kept = parts.extensions.get::<ConnectInfo<T>>().cloned();
        let mock = || parts.extensions.get::<MockConnectInfo<T>>().cloned();
        kept.or_else(|| theirs::kept(&parts.extensions).map(ConnectInfo))
            .or_else(|| mock().map(|mock| ConnectInfo(mock.0)))
            .or_else(|| theirs::mock(&parts.extensions).map(ConnectInfo))
            .ok_or((StatusCode::INTERNAL_SERVER_ERROR, MISSING))
    }
}

impl<T> Deref for ConnectInfo<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for ConnectInfo<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// A layer for tests: what [`ConnectInfo`] extracts where nobody has connected.
///
/// ```
/// use axum::{Router, routing::get};
/// use filch_axum::connect_info::{ConnectInfo, MockConnectInfo};
/// use std::net::SocketAddr;
///
/// # filch::run(async {
/// let hello = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
/// let app = Router::new().route("/", get(hello));
/// let peer = SocketAddr::from(([192, 0, 2, 7], 1337));
/// let client = filch::http::test_client(app.layer(MockConnectInfo(peer)));
/// let answer = client.get("/").await?;
/// assert_eq!(answer.into_body().text(100).await.unwrap(), "192.0.2.7:1337");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MockConnectInfo<T>(pub T);

impl<S, T> Layer<S> for MockConnectInfo<T>
where
    T: Clone + Send + Sync + 'static,
{
    type Service = <Extension<Self> as Layer<S>>::Service;

    fn layer(&self, service: S) -> Self::Service {
        Extension(self.clone()).layer(service)
    }
}
