//! Bodies that have to come in time.

use axum::BoxError;
use axum::body::HttpBody;
use filch::http::{Frame, SizeHint};
use filch::time::{Sleep, sleep};
use pin_project_lite::pin_project;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// What a body ends with that has not come in time.
#[derive(Debug)]
pub struct TimeoutError(());

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body did not come within its limit of time")
    }
}

impl Error for TimeoutError {}

type Piece<B> = Option<Result<Frame<<B as HttpBody>::Data>, BoxError>>;

fn too_late<B: HttpBody>() -> Piece<B> {
    Some(Err(TimeoutError(()).into()))
}

pin_project! {
    /// A body whose every piece has so much time. It counts while somebody waits for the piece.
    #[derive(Debug)]
    pub struct TimeoutBody<B> {
        // Until the limit is over.
        #[pin]
        body: Option<B>,
        limit: Duration,
        // While a piece is waited for.
        timer: Option<Sleep>,
    }
}

impl<B> TimeoutBody<B> {
    /// Ends with a [`TimeoutError`] when a piece of `body` takes longer than `limit`.
    pub fn new(limit: Duration, body: B) -> TimeoutBody<B> {
        TimeoutBody {
            body: Some(body),
            limit,
            timer: None,
        }
    }
}

impl<B> HttpBody for TimeoutBody<B>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Piece<B>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(piece) = body.poll_frame(cx) {
            *this.timer = None;
            return Poll::Ready(piece.map(|piece| piece.map_err(Into::into)));
        }
        let timer = this.timer.get_or_insert_with(|| sleep(*this.limit));
        ready!(Pin::new(timer).poll(cx));
        this.body.set(None);
        Poll::Ready(too_late::<B>())
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        hint(&self.body)
    }
}

pin_project! {
    /// A body that has so much time as a whole.
    #[derive(Debug)]
    pub struct DeadlineBody<B> {
        // Until the time is over.
        #[pin]
        body: Option<B>,
        deadline: Sleep,
    }
}

impl<B> DeadlineBody<B> {
    /// Ends with a [`TimeoutError`] if `body` is not there to its end within `limit`, from now on.
    pub fn new(limit: Duration, body: B) -> DeadlineBody<B> {
        DeadlineBody {
            body: Some(body),
            deadline: sleep(limit),
        }
    }
}

impl<B> HttpBody for DeadlineBody<B>
where
    B: HttpBody,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Piece<B>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        // First, so that a body that always has a piece ends as well.
        if Pin::new(this.deadline).poll(cx).is_ready() {
            this.body.set(None);
            return Poll::Ready(too_late::<B>());
        }
        let piece = ready!(body.poll_frame(cx));
        Poll::Ready(piece.map(|piece| piece.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        hint(&self.body)
    }
}

fn hint<B: HttpBody>(body: &Option<B>) -> SizeHint {
    match body {
        Some(body) => body.size_hint(),
        None => SizeHint::with_exact(0),
    }
}
