//! Server-sent events with axum's names: [`filch::http::sse`] as an axum response.
//!
//! A comment is sent every 15 seconds in which nothing else is, unless [`Sse::no_keep_alive`] was called. axum's own
//! does so only if it is asked to.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use filch::CancelToken;
use filch::http::sse;
pub use filch::http::sse::{Event, EventDataWriter, KeepAlive};
use futures_core::Stream;

/// A stream of events, as a response.
///
/// ```
/// use filch_axum::sse::{Event, Sse};
/// use futures_core::Stream;
/// use std::convert::Infallible;
///
/// async fn greet() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
///     Sse::new(filch::stream::iter([Ok(Event::default().data("hello"))]))
/// }
/// ```
#[derive(Debug)]
#[must_use = "it is a response"]
pub struct Sse<S>(sse::Sse<S>);

impl<S> Sse<S> {
    /// Sends what comes of `stream`.
    #[track_caller]
    pub fn new<E>(stream: S) -> Sse<S>
    where
        S: Stream<Item = Result<Event, E>>,
    {
        Sse(sse::Sse::new(stream))
    }

    /// What is sent while the stream is silent, and how often.
    #[track_caller]
    pub fn keep_alive(self, keep_alive: KeepAlive) -> Sse<S> {
        Sse(self.0.keep_alive(keep_alive))
    }

    /// Sends nothing while the stream is silent.
    pub fn no_keep_alive(self) -> Sse<S> {
        Sse(self.0.no_keep_alive())
    }

    /// Ends when `token` is cancelled: that of [`ConnInfo::stopping`](filch::http::ConnInfo::stopping), which is an
    /// extension of each request. Without it the stream is cut off at the server's deadline.
    pub fn until(self, token: &CancelToken) -> Sse<S> {
        Sse(self.0.until(token))
    }
}

/// axum's name for a stream with signs of life. Here those are the body's matter, and the stream is what it was.
pub type KeepAliveStream<S> = S;

impl<S, E> IntoResponse for Sse<S>
where
    S: Stream<Item = Result<Event, E>> + Send + 'static,
    E: Into<axum::BoxError>,
{
    fn into_response(self) -> Response {
        self.0.into_response().map(Body::new)
    }
}
