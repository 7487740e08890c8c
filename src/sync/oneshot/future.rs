//! Futures of this module that nobody has to name but who keeps one in a struct.

// This file and its parent import each other: an end makes its future, and the future polls its end. It is a file of
// its own because users name the module.

use super::Sender;
use filch_executor::leaf::{self, Said, Wait};
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The future of [`Sender::closed`].
#[must_use = "futures do nothing unless awaited"]
pub struct WaitClosed<'a, T> {
    pub(super) sender: &'a mut Sender<T>,
    pub(super) wait: Wait,
    pub(super) said: Said,
    pub(super) over: bool,
}

impl<T> Future for WaitClosed<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled = self.sender.poll_closed(cx);
        if polled.is_pending() {
            leaf::record(self.wait);
        }
        let wait = self.wait;
        self.said.keep(wait, &polled);
        self.over = polled.is_ready();
        polled
    }
}

impl<T> FusedFuture for WaitClosed<'_, T> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<T> fmt::Debug for WaitClosed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitClosed").finish_non_exhaustive()
    }
}
