//! gRPC's deadlines.

use crate::time::{Duration, Sleep, sleep};
use futures_core::FusedFuture;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Request, Response};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;

/// A layer that keeps to the deadline of a gRPC call, which its client says in the header `grpc-timeout`: then the call
/// ends with the status `DEADLINE_EXCEEDED`, and its handler is dropped. A call without the header has no such limit.
///
/// It is the whole call's deadline: a stream of messages that goes on until then ends with that status.
///
/// ```
/// use filch::http::{self, Body, Layer, Request, Response};
/// use std::convert::Infallible;
///
/// async fn call(_: Request<Body>) -> Result<Response<Body>, Infallible> {
///     std::future::pending().await
/// }
///
/// # filch::run(async {
/// let client = http::test_client(http::grpc_timeout().layer(http::service_fn(call)));
/// let request = Request::builder().uri("/").header("grpc-timeout", "5m").body(Body::empty()).unwrap();
/// let answer = client.request(request).await.unwrap();
/// assert_eq!(answer.headers()["grpc-status"], "4");
/// # });
/// ```
pub fn grpc_timeout() -> GrpcTimeout {
    GrpcTimeout
}

/// The layer that [`grpc_timeout`] gives.
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcTimeout;

impl<S> Layer<S> for GrpcTimeout {
    type Service = WithDeadline<S>;

    fn layer(&self, inner: S) -> WithDeadline<S> {
        WithDeadline(inner)
    }
}

/// A service under [`grpc_timeout`].
#[derive(Clone, Copy, Debug)]
pub struct WithDeadline<S>(S);

impl<S, A, B> Service<Request<A>> for WithDeadline<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = Response<DeadlineBody<B>>;
    type Error = S::Error;
    type Future = DeadlineCall<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let limit = request.headers().get("grpc-timeout").and_then(limit);
        DeadlineCall {
            call: Some(self.0.call(request)),
            deadline: limit.map(sleep),
        }
    }
}

/// What the header says: at most eight digits, and a unit.
fn limit(value: &HeaderValue) -> Option<Duration> {
    let (digits, unit) = value
        .to_str()
        .ok()?
        .split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

fn is_over(deadline: &mut Option<Sleep>, cx: &mut Context<'_>) -> bool {
    let deadline = deadline.as_mut();
    deadline.is_some_and(|deadline| Pin::new(deadline).poll(cx).is_ready())
}

/// The status `DEADLINE_EXCEEDED`.
fn exceeded() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", HeaderValue::from_static("4"));
    let message = HeaderValue::from_static("the deadline of the call is over");
    headers.insert("grpc-message", message);
    headers
}

pin_project! {
    /// The future of a service under [`grpc_timeout`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct DeadlineCall<F> {
        #[pin]
        call: Option<F>,
        deadline: Option<Sleep>,
    }
}

impl<F, B, E> Future for DeadlineCall<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<DeadlineBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let call = this
            .call
            .as_mut()
            .as_pin_mut()
            .expect("it is polled after its end");
        if let Poll::Ready(answer) = call.poll(cx) {
            this.call.set(None);
            let deadline = this.deadline.take();
            let body = |body| DeadlineBody {
                body: Some(body),
                deadline,
            };
            return Poll::Ready(answer.map(|answer| answer.map(body)));
        }
        if !is_over(this.deadline, cx) {
            return Poll::Pending;
        }
        this.call.set(None);
        let mut answer = Response::new(DeadlineBody {
            body: None,
            deadline: None,
        });
        *answer.headers_mut() = exceeded();
        let grpc = HeaderValue::from_static("application/grpc");
        answer.headers_mut().insert(CONTENT_TYPE, grpc);
        Poll::Ready(Ok(answer))
    }
}

impl<F, B, E> FusedFuture for DeadlineCall<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    fn is_terminated(&self) -> bool {
        self.call.is_none()
    }
}

pin_project! {
    /// The body of an answer under [`grpc_timeout`].
    #[derive(Debug)]
    pub struct DeadlineBody<B> {
        #[pin]
        body: Option<B>,
        deadline: Option<Sleep>,
    }
}

impl<B: Body> Body for DeadlineBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        if is_over(this.deadline, cx) {
            this.body.set(None);
            return Poll::Ready(Some(Ok(Frame::trailers(exceeded()))));
        }
        let frame = ready!(body.poll_frame(cx));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.body, &self.deadline) {
            (Some(body), None) => body.size_hint(),
            (None, _) => SizeHint::with_exact(0),
            // It may be cut short.
            (Some(_), Some(_)) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_say_a_limit_and_others() {
        for (value, limit_is) in [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("250m", Some(Duration::from_millis(250))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("", None),
            ("S", None),
            ("5", None),
            ("5s", None),
            ("+5S", None),
            ("123456789S", None),
        ] {
            assert_eq!(limit(&HeaderValue::from_static(value)), limit_is, "{value}");
        }
    }
}
