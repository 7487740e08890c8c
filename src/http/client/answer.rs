//! The futures of the client.

use super::body::Incoming;
use super::error::Error;
use crate::exclusive::Exclusive;
use crate::http::waiting::Waiting;
use bytes::Bytes;
use filch_executor::leaf::{self, Said, Wait};
use futures_core::FusedFuture;
use http_body::Body;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What a request, or reading an answer, waits for.
///
/// # Cancel safety
/// Dropping it gives the request up and closes its connection, or that of the body that was being read.
#[must_use = "futures do nothing unless awaited"]
pub struct Answer<T>(Waiting<'static, Result<T, Error>>);

impl<T> Answer<T> {
    pub(super) fn new(
        wait: Wait,
        future: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Answer<T> {
        Answer(Waiting::new(wait, future))
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> FusedFuture for Answer<T> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

/// Future of [`Response::chunk`](super::Response::chunk).
#[must_use = "futures do nothing unless awaited"]
pub struct Chunk<'a> {
    body: Exclusive<&'a mut Incoming>,
    wait: Wait,
    said: Said,
    is_over: bool,
}

impl Chunk<'_> {
    pub(super) fn new(body: &mut Incoming, wait: Wait) -> Chunk<'_> {
        Chunk {
            body: Exclusive::new(body),
            wait,
            said: Said::new(),
            is_over: false,
        }
    }
}

impl Future for Chunk<'_> {
    type Output = Result<Option<Bytes>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = &mut *self;
        assert!(!this.is_over, "it is polled after its end");
        this.said.record(this.wait);
        let piece = loop {
            let body = Pin::new(&mut **this.body.get_mut());
            match ready!(body.poll_frame(cx)).transpose() {
                Err(error) => break Err(error),
                Ok(None) => break Ok(None),
                Ok(Some(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        break Ok(Some(data));
                    }
                }
            }
        };
        this.said = Said::new();
        this.is_over = true;
        Poll::Ready(piece)
    }
}

impl FusedFuture for Chunk<'_> {
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}

impl fmt::Debug for Chunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").finish_non_exhaustive()
    }
}
