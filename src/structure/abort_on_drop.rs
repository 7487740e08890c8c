//! Handles of tasks that end with whoever holds them.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use filch_executor::leaf::{self, Remains, Wait, WaitKind};
use filch_executor::{CleanupError, JoinError, JoinHandle};
use futures_core::FusedFuture;

/// A [`JoinHandle`] that aborts its task when it is dropped, instead of detaching it.
///
/// A drop cannot wait until the task is gone; the nearest timeout, group, or task that can does.
///
/// # Cancel safety
/// Awaiting `&mut handle` may be dropped and taken up again. Dropping the handle itself aborts the task.
///
/// # Examples
/// ```
/// use filch::AbortOnDrop;
/// use std::future::pending;
///
/// # filch::run(async {
/// let heartbeat = AbortOnDrop(filch::spawn(pending::<()>()));
/// let watch = heartbeat.abort_handle();
/// filch::time::timeout(std::time::Duration::from_millis(1), heartbeat).await.unwrap_err();
/// assert!(watch.is_finished());
/// # });
/// ```
#[derive(Debug)]
#[must_use = "the task is aborted when this is dropped, which is at once"]
pub struct AbortOnDrop<T: Send + 'static>(pub JoinHandle<T>);

impl<T: Send + 'static> AbortOnDrop<T> {
    /// The handle alone, whose drop detaches the task.
    pub fn detach(mut self) -> JoinHandle<T> {
        self.0.leave()
    }
}

impl<T: Send + 'static> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T: Send + 'static> FusedFuture for AbortOnDrop<T> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl<T: Send + 'static> Deref for AbortOnDrop<T> {
    type Target = JoinHandle<T>;

    fn deref(&self) -> &JoinHandle<T> {
        &self.0
    }
}

impl<T: Send + 'static> DerefMut for AbortOnDrop<T> {
    fn deref_mut(&mut self) -> &mut JoinHandle<T> {
        &mut self.0
    }
}

impl<T: Send + 'static> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        abort_and_hand_over(&mut self.0, "its handle was dropped", |_, _| None);
    }
}

/// Looks at an output that nobody awaits any more, and at where its task was spawned.
type Look<T> = fn(&'static Location<'static>, T) -> Option<CleanupError>;

/// Aborts a task whose handle is dropped, and hands the rest of it to the nearest drain. `look` sees the output.
pub(super) fn abort_and_hand_over<T: Send + 'static>(
    handle: &mut JoinHandle<T>,
    reason: &str,
    look: Look<T>,
) {
    if handle.is_terminated() {
        return;
    }
    let at = handle.spawned_at();
    handle.abort_by(leaf::cancelled_by_current(at, Some(reason.into())));
    hand_over(handle, at, look);
}

/// Hands the rest of a task, whose handle is dropped, to the nearest drain.
pub(super) fn hand_over<T: Send + 'static>(
    handle: &mut JoinHandle<T>,
    at: &'static Location<'static>,
    look: Look<T>,
) {
    if handle.is_terminated() {
        return;
    }
    let handle = handle.leave();
    leaf::hand_over(Box::new(Ending { handle, at, look }));
}

/// A task that is waited for in the place of its handle.
struct Ending<T> {
    handle: JoinHandle<T>,
    at: &'static Location<'static>,
    look: Look<T>,
}

impl<T: Send + 'static> Remains for Ending<T> {
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Option<CleanupError>> {
        if !self.handle.is_finished() {
            leaf::record(Wait {
                kind: WaitKind::Drain,
                resource: self.handle.id().as_u64(),
                at: self.at,
            });
        }
        let output = ready!(Pin::new(&mut self.handle).poll(cx));
        Poll::Ready(match output {
            Ok(output) => (self.look)(self.at, output),
            Err(error) => {
                report_panic(error);
                None
            }
        })
    }

    fn is_gone(&self) -> bool {
        self.handle.is_finished()
    }
}

/// A panic of a task that nobody awaits any more.
pub(super) fn report_panic(error: JoinError) {
    if error.is_panic() {
        leaf::report(format_args!("{error}, and nobody awaits it any more"));
    }
}
