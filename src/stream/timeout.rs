//! A limit on the time between two items.

use crate::time::{Elapsed, Instant, Sleep, sleep};
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

pin_project! {
    /// The stream of [`StreamTimeExt::timeout`](super::StreamTimeExt::timeout).
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct TimeoutStream<S> {
        #[pin]
        stream: S,
        duration: Duration,
        limit: Sleep,
        state: State,
    }
}

/// Of the time for the next item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ahead,
    Running,
    /// It has passed, and was told.
    Late,
    /// There is no next item.
    Ended,
}

impl<S> TimeoutStream<S> {
    #[track_caller]
    pub(super) fn new(stream: S, duration: Duration) -> TimeoutStream<S> {
        TimeoutStream {
            stream,
            duration,
            limit: sleep(duration),
            state: State::Ahead,
        }
    }
}

impl<S: Stream> Stream for TimeoutStream<S> {
    type Item = Result<S::Item, Elapsed>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if let Poll::Ready(item) = this.stream.poll_next(cx) {
            *this.state = match item {
                Some(_) => State::Ahead,
                None => State::Ended,
            };
            return Poll::Ready(item.map(Ok));
        }
        if *this.state == State::Ahead {
            this.limit
                .reset(Instant::now().saturating_add(*this.duration));
            *this.state = State::Running;
        }
        if *this.state == State::Running {
            ready!(Pin::new(this.limit).poll(cx));
            *this.state = State::Late;
            return Poll::Ready(Some(Err(Elapsed)));
        }
        Poll::Pending
    }
}

impl<S: Stream> FusedStream for TimeoutStream<S> {
    fn is_terminated(&self) -> bool {
        self.state == State::Ended
    }
}
