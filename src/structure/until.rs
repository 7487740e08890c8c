//! Waiting until something is cancelled: a group, or a token.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

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
        // Whose waker waits there.
        left_with: Option<Whom>,
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
            left_with: None,
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
        let whom = Whom::of(cx.waker());
        // Most who wait for a cancel wait for something else too, and are polled again and again for that. Then the
        // waker need not be left once more, under a lock that all who wait share.
        let is_there = *this.left_with == Some(whom) && this.notified.is_waiting();
        // Before the signal is looked at: from here on a cancel is not missed.
        let notified = !is_there && this.notified.as_mut().is_notified_or_wakes(cx.waker());
        *this.left_with = Some(whom);
        if !notified && !this.signal.is_cancelled() {
            this.said.record(*this.wait);
            return Poll::Pending;
        }
        ready!(leaf::poll_budget_of(this.wait, cx));
        *this.said = Said::new();
        *this.over = true;
        Poll::Ready(())
    }
}

/// Whom a waker wakes, for telling whether another one does the same. It keeps nobody alive: what is compared with it
/// has to be known to be alive. A waker that waits in a list is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Whom {
    data: usize,
    vtable: usize,
}

impl Whom {
    fn of(waker: &Waker) -> Whom {
        Whom {
            data: waker.data().addr(),
            vtable: std::ptr::from_ref(waker.vtable()).addr(),
        }
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
