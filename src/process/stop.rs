//! Asking a child to end, and killing it if it does not.

use crate::process::child::Child;
use crate::time::{Sleep, sleep};
use filch_executor::leaf::{self, Said, Wait};
use futures_core::FusedFuture;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::process::ExitStatus;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The future of [`Child::stop`].
#[derive(Debug)]
#[must_use = "the child has been asked to end, and should be waited for"]
pub struct Stop<'a> {
    child: &'a mut Child,
    wait: Wait,
    said: Said,
    /// There until it is over.
    grace: Option<Sleep>,
    failed: Option<io::Error>,
    over: bool,
}

impl<'a> Stop<'a> {
    #[track_caller]
    pub(super) fn new(child: &'a mut Child, grace: Duration) -> Stop<'a> {
        child.stdin = None;
        let wait = child.wait_here();
        let failed = child.ask_to_end().err();
        Stop {
            child,
            wait,
            said: Said::new(),
            grace: Some(sleep(grace)),
            failed,
            over: false,
        }
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error));
        }
        let ended = self.child.poll_for(self.wait, cx);
        self.said.keep(self.wait, &ended);
        if ended.is_ready() {
            return ended;
        }
        let grace = self.grace.as_mut().map(|grace| Pin::new(grace).poll(cx));
        if grace.is_some_and(|grace| grace.is_ready()) {
            self.grace = None;
            self.child.kill_all()?;
        }
        Poll::Pending
    }
}

impl Future for Stop<'_> {
    type Output = io::Result<ExitStatus>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        // Also for a child that could not be asked.
        ready!(leaf::poll_budget_of(&*self, cx));
        let this = self.get_mut();
        let polled = this.advance(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl FusedFuture for Stop<'_> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}
