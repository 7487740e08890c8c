//! Running a future until a token is cancelled.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use filch_executor::Cancelled;
use filch_executor::leaf::{self, Drain};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;

use super::token::CancelToken;
use super::until::UntilCancelled;

pin_project! {
    /// The future of [`CancelToken::run`](crate::CancelToken::run).
    #[must_use = "futures do nothing unless awaited"]
    pub struct RunUntil<F> {
        // Gone when the token was cancelled.
        #[pin]
        future: Option<F>,
        drain: Drain,
        #[pin]
        until: UntilCancelled<CancelToken>,
        begun: bool,
        over: bool,
    }
}

impl<F> RunUntil<F> {
    pub(super) fn new(future: F, until: UntilCancelled<CancelToken>) -> RunUntil<F> {
        RunUntil {
            future: Some(future),
            drain: Drain::new(),
            until,
            begun: false,
            over: false,
        }
    }
}

impl<F: Future> Future for RunUntil<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if !*this.begun {
            // What is ready at once may have spent nothing, and a loop over such has to yield.
            ready!(leaf::poll_budget_of(this.begun, cx));
            *this.begun = true;
        }
        if let Some(future) = this.future.as_mut().as_pin_mut() {
            if !this.until.signal().is_cancelled() {
                if let Poll::Ready(output) = future.poll(cx) {
                    *this.over = true;
                    return Poll::Ready(Ok(output));
                }
            }
            // Last, so that dumps say what the future waits for.
            ready!(this.until.as_mut().poll(cx));
            this.drain.catch(|| this.future.set(None));
        }
        ready!(this.drain.poll(cx));
        *this.over = true;
        let by = this.until.signal().cause();
        Poll::Ready(Err(by.expect("it was cancelled")))
    }
}

impl<F: Future> FusedFuture for RunUntil<F> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<F> fmt::Debug for RunUntil<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntil").finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`CancelToken::run_until_cancelled`](crate::CancelToken::run_until_cancelled).
    #[must_use = "futures do nothing unless awaited"]
    pub struct RunUntilCancelled<F> {
        #[pin]
        run: RunUntil<F>,
    }
}

impl<F> RunUntilCancelled<F> {
    pub(super) fn new(run: RunUntil<F>) -> RunUntilCancelled<F> {
        RunUntilCancelled { run }
    }
}

impl<F: Future> Future for RunUntilCancelled<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().run.poll(cx).map(Result::ok)
    }
}

impl<F: Future> FusedFuture for RunUntilCancelled<F> {
    fn is_terminated(&self) -> bool {
        self.run.is_terminated()
    }
}

impl<F> fmt::Debug for RunUntilCancelled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilCancelled").finish_non_exhaustive()
    }
}
