//! What is inside of a named future whose steps are written as an `async` block.
//!
//! The block lies in a box, so that the future has a name, may be moved, and is a pointer wide. One allocation is
//! little beside the connections, handshakes and answers that such futures wait for; what is polled for each message
//! or piece of a body is written by hand instead.

use crate::exclusive::Exclusive;
use filch_executor::leaf::{self, Said, Wait};
use futures_core::FusedFuture;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Spends, says what the caller's line waits for, and polls its block.
pub(super) struct Waiting<'a, T> {
    /// Until it has ended.
    future: Option<Exclusive<Boxed<'a, T>>>,
    wait: Wait,
    said: Said,
}

impl<'a, T> Waiting<'a, T> {
    pub(super) fn new(wait: Wait, future: impl Future<Output = T> + Send + 'a) -> Waiting<'a, T> {
        Waiting {
            future: Some(Exclusive::new(Box::pin(future))),
            wait,
            said: Said::new(),
        }
    }
}

impl<T> Future for Waiting<'_, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = self.get_mut();
        let future = this.future.as_mut().expect("it is polled after its end");
        // The first record of a poll stays: a line of users' says more than the lines of this crate inside.
        this.said.record(this.wait);
        let ended = ready!(future.get_mut().as_mut().poll(cx));
        this.future = None;
        this.said = Said::new();
        Poll::Ready(ended)
    }
}

impl<T> FusedFuture for Waiting<'_, T> {
    fn is_terminated(&self) -> bool {
        self.future.is_none()
    }
}
