//! What an abandoned scope leaves behind: its children, until they are gone, and what their cleanups complained of.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use filch_executor::CleanupError;
use filch_executor::leaf::{self, Remains, WaitKind};

use super::children::Scope;

/// The children of an abandoned scope.
pub(super) struct Gone<E: Send + 'static>(pub(super) Arc<Scope<E>>);

impl<E: Send + 'static> Remains for Gone<E> {
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Option<CleanupError>> {
        ready!(self.0.poll_gone(WaitKind::Drain, cx));
        let mut failures = self.0.take_cleanups();
        let last = failures.pop();
        hand_over_failures(failures);
        Poll::Ready(last)
    }

    fn is_gone(&self) -> bool {
        self.0.len() == 0
    }
}

impl<E: Send + 'static> Drop for Gone<E> {
    /// Nobody waits for them any more.
    fn drop(&mut self) {
        self.0.take_cleanups().iter().for_each(leaf::unreported);
    }
}

/// Gives failures to the nearest drain, and so to the group around that, if there is one.
pub(super) fn hand_over_failures(failures: Vec<CleanupError>) {
    for failure in failures {
        leaf::hand_over(Box::new(Failed(Some(failure))));
    }
}

/// A failure on its way. Without a drain, it is told when it is dropped.
struct Failed(Option<CleanupError>);

impl Remains for Failed {
    fn poll_gone(&mut self, _: &mut Context<'_>) -> Poll<Option<CleanupError>> {
        Poll::Ready(self.0.take())
    }
}

impl Drop for Failed {
    fn drop(&mut self) {
        if let Some(failure) = self.0.take() {
            leaf::unreported(&failure);
        }
    }
}
