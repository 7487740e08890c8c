//! Layers that put a limit on bodies: on a request's or an answer's, on each piece or on the whole.

use super::body::{DeadlineBody, TimeoutBody};
use http::{Request, Response};
use pin_project_lite::pin_project;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// A layer, and its service.
macro_rules! layer {
    ($(#[$layer_says:meta])* $layer:ident $(#[$service_says:meta])* $service:ident) => {
        $(#[$layer_says])*
        #[derive(Clone, Copy, Debug)]
        pub struct $layer {
            limit: Duration,
        }

        impl $layer {
            /// A layer with this limit.
            pub fn new(limit: Duration) -> $layer {
                $layer { limit }
            }
        }

        impl<S> Layer<S> for $layer {
            type Service = $service<S>;

            fn layer(&self, service: S) -> $service<S> {
                $service::new(service, self.limit)
            }
        }

        $(#[$service_says])*
        #[derive(Clone, Copy, Debug)]
        pub struct $service<S> {
            inner: S,
            limit: Duration,
        }

        impl<S> $service<S> {
            /// `inner`, with this limit.
            pub fn new(inner: S, limit: Duration) -> $service<S> {
                $service { inner, limit }
            }

            /// The layer for it.
            pub fn layer(limit: Duration) -> $layer {
                $layer::new(limit)
            }

            accessors!();
        }
    };
}

layer! {
    /// Each piece of a request's body has to come within a limit, while the handler waits for it. If not, reading it
    /// is an error: a [`TimeoutError`](super::TimeoutError).
    ///
    /// ```
    /// use axum::{Router, routing::post};
    /// use filch_axum::timeout::RequestBodyTimeoutLayer;
    /// use std::time::Duration;
    ///
    /// let app: Router = Router::new()
    ///     .route("/", post(async |text: String| text))
    ///     .layer(RequestBodyTimeoutLayer::new(Duration::from_secs(30)));
    /// ```
    RequestBodyTimeoutLayer
    /// A service of [`RequestBodyTimeoutLayer`].
    RequestBodyTimeout
}

layer! {
    /// All of a request's body has to come within a limit, from when the handler is called.
    RequestBodyDeadlineLayer
    /// A service of [`RequestBodyDeadlineLayer`].
    RequestBodyDeadline
}

layer! {
    /// Each piece of an answer's body has to come of the handler within a limit, while the client waits for it. If not,
    /// the answer is cut off.
    ResponseBodyTimeoutLayer
    /// A service of [`ResponseBodyTimeoutLayer`].
    ResponseBodyTimeout
}

layer! {
    /// All of an answer's body has to be gone within a limit, from its head on. If not, the answer is cut off.
    ResponseBodyDeadlineLayer
    /// A service of [`ResponseBodyDeadlineLayer`].
    ResponseBodyDeadline
}

macro_rules! on_requests {
    ($($service:ident $body:ident,)*) => {$(
        impl<S, B> Service<Request<B>> for $service<S>
        where
            S: Service<Request<$body<B>>>,
        {
            type Response = S::Response;
            type Error = S::Error;
            type Future = S::Future;

            fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
                self.inner.poll_ready(cx)
            }

            fn call(&mut self, request: Request<B>) -> S::Future {
                let limit = self.limit;
                self.inner.call(request.map(|body| $body::new(limit, body)))
            }
        }
    )*};
}

on_requests! {
    RequestBodyTimeout TimeoutBody,
    RequestBodyDeadline DeadlineBody,
}

macro_rules! on_answers {
    ($($service:ident $body:ident,)*) => {$(
        impl<S, R, B> Service<R> for $service<S>
        where
            S: Service<R, Response = Response<B>>,
        {
            type Response = Response<$body<B>>;
            type Error = S::Error;
            type Future = BodyLimited<S::Future, $body<B>>;

            fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
                self.inner.poll_ready(cx)
            }

            fn call(&mut self, request: R) -> Self::Future {
                BodyLimited {
                    future: self.inner.call(request),
                    limit: self.limit,
                    body: PhantomData,
                }
            }
        }

        impl<F, B, E> Future for BodyLimited<F, $body<B>>
        where
            F: Future<Output = Result<Response<B>, E>>,
        {
            type Output = Result<Response<$body<B>>, E>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let this = self.project();
                let answer = ready!(this.future.poll(cx))?;
                Poll::Ready(Ok(answer.map(|body| $body::new(*this.limit, body))))
            }
        }
    )*};
}

on_answers! {
    ResponseBodyTimeout TimeoutBody,
    ResponseBodyDeadline DeadlineBody,
}

pin_project! {
    /// The future of a service that puts a limit on its answers' bodies.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct BodyLimited<F, B> {
        #[pin]
        future: F,
        limit: Duration,
        body: PhantomData<fn() -> B>,
    }
}
