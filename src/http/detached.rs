//! Handlers that run on when their client is gone.

use filch_executor::{JoinHandle, spawn};
use futures_core::FusedFuture;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;

/// A layer whose handlers run on when their client is gone, or a limit is over: each is a task of its own, which nobody
/// but the runtime's end cancels. For what must not stop half way, such as an order that is being booked.
///
/// Without it a handler is dropped at its next await then. What must be done in any case, and is short, may also stand
/// in [`shield`](crate::shield()).
///
/// A server's [graceful](super::Serve::graceful) end does not wait for a handler whose client is gone.
///
/// ```
/// use filch::http::{self, Body, Layer, Request, Response};
/// use std::convert::Infallible;
///
/// async fn book(_: Request<Body>) -> Result<Response<Body>, Infallible> {
///     Ok(Response::new(Body::from("booked")))
/// }
///
/// let service = http::detached().layer(http::service_fn(book));
/// ```
pub fn detached() -> Detach {
    Detach
}

/// The layer that [`detached`] gives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detach;

impl<S> Layer<S> for Detach {
    type Service = Detached<S>;

    fn layer(&self, inner: S) -> Detached<S> {
        Detached(inner)
    }
}

/// A service under [`detached`].
#[derive(Clone, Copy, Debug)]
pub struct Detached<S>(S);

impl<S, R> Service<R> for Detached<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Running<S::Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    #[track_caller]
    fn call(&mut self, request: R) -> Self::Future {
        Running(spawn(self.0.call(request)))
    }
}

/// The future of a [`Detached`] service: dropping it leaves the handler running.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Running<T, E>(JoinHandle<Result<T, E>>);

impl<T, E> Future for Running<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(done) => Poll::Ready(done),
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime ends, and this task with it.
            Err(_cancelled) => Poll::Pending,
        }
    }
}

impl<T, E> FusedFuture for Running<T, E> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}
