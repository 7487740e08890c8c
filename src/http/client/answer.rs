//! The one named future of the client.

use super::error::Error;
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// What a request, or reading an answer, waits for.
///
/// # Cancel safety
/// Dropping it gives the request up and closes its connection, or that of the body that was being read.
#[must_use = "futures do nothing unless awaited"]
pub struct Answer<T> {
    /// Until it has ended.
    future: Option<Boxed<T>>,
}

impl<T> Answer<T> {
    pub(super) fn new(
        future: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Answer<T> {
        Answer {
            future: Some(Box::pin(future)),
        }
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let future = self.future.as_mut().expect("it is polled after its end");
        let ended = ready!(future.as_mut().poll(cx));
        self.future = None;
        Poll::Ready(ended)
    }
}

impl<T> FusedFuture for Answer<T> {
    fn is_terminated(&self) -> bool {
        self.future.is_none()
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
