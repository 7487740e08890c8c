//! The time until an answer's head.

use axum::response::{IntoResponse, Response};
use filch::time::{Sleep, sleep};
use http::StatusCode;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// Answers for a handler that takes too long: 408 as tower-http's does, or another status. The handler is dropped.
///
/// What counts is the time until the answer's head. A body that comes slowly is another limit's matter.
///
/// ```
/// use axum::{Router, http::StatusCode, routing::get};
/// use filch_axum::timeout::TimeoutLayer;
/// use std::time::Duration;
///
/// let limit = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(10));
/// let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(limit);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TimeoutLayer {
    limit: Duration,
    status: StatusCode,
}

impl TimeoutLayer {
    /// 408 Request Timeout after `limit`.
    pub fn new(limit: Duration) -> TimeoutLayer {
        TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limit)
    }

    /// This status after `limit`.
    pub fn with_status_code(status: StatusCode, limit: Duration) -> TimeoutLayer {
        TimeoutLayer { limit, status }
    }
}

impl<S> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(&self, service: S) -> Timeout<S> {
        Timeout {
            inner: service,
            layer: *self,
        }
    }
}

/// A service with a limit of time: of [`TimeoutLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Timeout<S> {
    inner: S,
    layer: TimeoutLayer,
}

impl<S> Timeout<S> {
    /// A service that answers with 408 for `inner` after `limit`.
    pub fn new(inner: S, limit: Duration) -> Timeout<S> {
        TimeoutLayer::new(limit).layer(inner)
    }

    /// The same, with this status.
    pub fn with_status_code(inner: S, status: StatusCode, limit: Duration) -> Timeout<S> {
        TimeoutLayer::with_status_code(status, limit).layer(inner)
    }

    /// A [`TimeoutLayer`].
    pub fn layer(limit: Duration) -> TimeoutLayer {
        TimeoutLayer::new(limit)
    }

    /// A [`TimeoutLayer`] with this status.
    pub fn layer_with_status_code(status: StatusCode, limit: Duration) -> TimeoutLayer {
        TimeoutLayer::with_status_code(status, limit)
    }

    accessors!();
}

impl<S, R> Service<R> for Timeout<S>
where
    S: Service<R>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Limited<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Limited<S::Future> {
        let TimeoutLayer { limit, status } = self.layer;
        Limited {
            future: self.inner.call(request),
            limit: sleep(limit),
            status,
        }
    }
}

pin_project! {
    /// The future of a [`Timeout`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Limited<F> {
        #[pin]
        future: F,
        limit: Sleep,
        status: StatusCode,
    }
}

impl<F, T, E> Future for Limited<F>
where
    F: Future<Output = Result<T, E>>,
    T: IntoResponse,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(answer) = this.future.poll(cx) {
            return Poll::Ready(answer.map(IntoResponse::into_response));
        }
        Pin::new(this.limit)
            .poll(cx)
            .map(|()| Ok(this.status.into_response()))
    }
}
