//! A child of a group: awaited for its plain value, as whoever awaits one that has none is cancelled along.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use filch_executor::{AbortHandle, JoinError, JoinHandle, TaskId, leaf};
use futures_core::FusedFuture;

use super::attempt::Fate;

/// A child of a [`TaskGroup`](crate::TaskGroup). Awaited, it gives its plain value.
///
/// There is no error to handle: when a child fails, or panics, its group is cancelled, and with it whoever in the group
/// awaits the child; the error is the group's. So it is when a child was aborted alone and somebody awaits it: the
/// nearest group's body, or task, that does is cancelled.
///
/// Dropping a `Child` aborts nothing: the group waits for it. It can be kept, sent, and awaited anywhere.
///
/// # Panics
/// When it is awaited in the future of a `block_on`, outside every group and task, and has no value: there is nothing
/// there that could be cancelled. Also when it is polled after it gave its value.
///
/// # Cancel safety
/// Awaiting `&mut child` may be dropped and taken up again.
pub struct Child<T> {
    handle: JoinHandle<Result<T, Fate>>,
    /// It has no value, and whoever awaits it was told to end.
    lost: bool,
}

impl<T> Child<T> {
    pub(super) fn new(handle: JoinHandle<Result<T, Fate>>) -> Child<T> {
        let lost = false;
        Child { handle, lost }
    }

    /// Cancels this child alone; its group goes on.
    #[track_caller]
    pub fn abort(&self) {
        self.handle
            .abort_by(leaf::cancelled_by_current(Location::caller(), None));
    }

    /// As [`abort`](Child::abort), and the error says why.
    #[track_caller]
    pub fn abort_because(&self, reason: impl Into<Arc<str>>) {
        let reason = Some(reason.into());
        self.handle
            .abort_by(leaf::cancelled_by_current(Location::caller(), reason));
    }

    /// Waits for the child without being cancelled along: its value, or why there is none.
    pub fn outcome(self) -> Outcome<T> {
        Outcome { child: self }
    }

    /// Whether the child is gone.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// The number of the child's task.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.handle.id()
    }

    /// A handle that can abort the child.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        self.handle.abort_handle()
    }

    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let fate = match ready!(Pin::new(&mut self.handle).poll(cx)) {
            Ok(Ok(value)) => return Poll::Ready(Ok(value)),
            Ok(Err(fate)) => fate,
            Err(error) => return Poll::Ready(Err(error)),
        };
        Poll::Ready(Err(match fate {
            Fate::Panic(message) => self.handle.error_of_panic(message),
            Fate::Refused(cancelled) => self.handle.error_of_cancel(Some(cancelled)),
            Fate::Error => {
                let reason = Arc::from("it failed, and its group has the error");
                let mut cancelled =
                    leaf::cancelled_by_current(self.handle.spawned_at(), Some(reason));
                cancelled.by = Some(self.id());
                self.handle.error_of_cancel(Some(cancelled))
            }
        }))
    }

    /// Cancels whoever awaits the child.
    #[cold]
    fn cancel_awaiter(&mut self, error: &JoinError) {
        self.lost = true;
        let reason = Arc::from(format!("it awaited a child without a value: {error}"));
        let mut cancelled = leaf::cancelled_by_current(self.handle.spawned_at(), Some(reason));
        cancelled.by = Some(self.id());
        assert!(
            leaf::cancel_nearest(cancelled),
            "a child of a group has no value, and is awaited where nothing can be cancelled with it: {error}. \
             `Child::outcome` tells that as an error"
        );
    }
}

impl<T> Future for Child<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if self.lost {
            return Poll::Pending;
        }
        match ready!(self.poll_outcome(cx)) {
            Ok(value) => Poll::Ready(value),
            Err(error) => {
                self.cancel_awaiter(&error);
                Poll::Pending
            }
        }
    }
}

impl<T> FusedFuture for Child<T> {
    fn is_terminated(&self) -> bool {
        !self.lost && self.handle.is_terminated()
    }
}

impl<T> fmt::Debug for Child<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.handle).finish()
    }
}

/// The future of [`Child::outcome`].
///
/// # Cancel safety
/// Awaiting `&mut outcome` may be dropped and taken up again.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Outcome<T> {
    child: Child<T>,
}

impl<T> Future for Outcome<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.child.poll_outcome(cx)
    }
}

impl<T> FusedFuture for Outcome<T> {
    fn is_terminated(&self) -> bool {
        self.child.handle.is_terminated()
    }
}
