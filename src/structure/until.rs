//! Waiting until something is cancelled: a group, or a token.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use filch_executor::leaf::{self, Said, Wait, WaitKind};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;

use crate::sync::future::OwnedNotified;

/// What can be cancelled, once.
pub trait Signal {
    fn is_cancelled(&self) -> bool;
}

pin_project! {
    /// Ready when a [`TaskGroup`](crate::TaskGroup) or a [`CancelToken`](crate::CancelToken) was cancelled.
    ///
    /// # Cancel safety
    /// It holds nothing.
    #[must_use = "futures do nothing unless awaited"]
    pub struct UntilCancelled<S> {
        signal: S,
        #[pin]
        notified: OwnedNotified,
        wait: Wait,
        said: Said,
        over: bool,
    }
}

impl<S: Signal> UntilCancelled<S> {
    /// `notified` is told of the cancel, after `signal` says that it has come.
    #[track_caller]
    pub(super) fn new(signal: S, notified: OwnedNotified) -> UntilCancelled<S> {
        UntilCancelled {
            signal,
            notified,
            wait: Wait::here(WaitKind::Cancel),
            said: Said::new(),
            over: false,
        }
    }

    pub(super) fn signal(&self) -> &S {
        &self.signal
    }
}

impl<S: Signal> Future for UntilCancelled<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        // From now on a cancel is not missed.
        let _ = this.notified.as_mut().enable();
        if this.signal.is_cancelled() {
            ready!(leaf::poll_budget_of(this.wait, cx));
        } else {
            this.said.record(*this.wait);
            ready!(this.notified.poll(cx));
            *this.said = Said::new();
        }
        *this.over = true;
        Poll::Ready(())
    }
}

impl<S: Signal> FusedFuture for UntilCancelled<S> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<S> fmt::Debug for UntilCancelled<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilCancelled").finish_non_exhaustive()
    }
}
