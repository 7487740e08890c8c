//! `shield`: work that is not cancelled with whoever awaits it.

use std::fmt::{self, Display};
use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use filch_executor::foreign::{self, Payload};
use filch_executor::{CleanupError, JoinHandle, leaf};
use futures_core::FusedFuture;

use super::abort_on_drop::{abort_and_hand_over, report_panic};
use super::lost_error::describe_error;
use super::persist::{Grace, Persistent, Unawaited};

/// Runs a future that is not cancelled with whoever awaits it.
///
/// It runs from this call on, as a task of its own, on every core. When the `Shield` is dropped, by a timeout, an abort
/// or a failure beside it, the future runs on, and the nearest timeout, group, or task waits for its end: so nothing is
/// left behind, but the work is done. [`grace`](Shield::grace) bounds that. At the end of a runtime, which cancels all
/// tasks, it runs on in the same way.
///
/// Its output is lost then. A panic is reported on standard error, once, with the line that made the shield; so is an
/// `Err` of a `Result<(), E>` with one of the usual errors, which are `std::io::Error`, `Box<dyn Error + Send + Sync>`,
/// `String` and `&'static str`. This asks nothing of the output, so it knows of no others:
/// [`report_errors`](Shield::report_errors) has the error of any other `Result` reported too.
///
/// # Panics
/// The call panics outside a runtime. Awaiting panics with the future's panic.
///
/// # Cancel safety
/// Awaiting `&mut shield` may be dropped and taken up again.
///
/// # Examples
/// ```
/// use filch::time::{sleep, timeout};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::time::Duration;
///
/// # filch::run(async {
/// let saved = Arc::new(AtomicBool::new(false));
/// let theirs = saved.clone();
/// let save = filch::shield(async move {
///     sleep(Duration::from_millis(20)).await;
///     theirs.store(true, Ordering::Relaxed);
/// });
/// // The time is over after a millisecond, and the timeout waits for what is shielded.
/// assert!(timeout(Duration::from_millis(1), save.grace(Duration::from_secs(5))).await.is_err());
/// assert!(saved.load(Ordering::Relaxed));
/// # });
/// ```
#[track_caller]
pub fn shield<F>(future: F) -> Shield<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let at = Location::caller();
    let grace = Grace::unlimited();
    let look = Arc::new(Look(OnceLock::new()));
    let told = Arc::clone(&look);
    let future = async move {
        Output {
            value: Some(future.await),
            at,
            look: told,
        }
    };
    let unawaited = Unawaited {
        at,
        output: lost,
        panic: panicked,
        overrun: overran,
    };
    let task = Persistent::new(Box::pin(future), Arc::clone(&grace), unawaited);
    Shield {
        handle: filch_executor::spawn(task),
        grace,
        look,
        lost: false,
    }
}

/// What a future has given, until somebody takes it. If nobody does, an error in it is told.
struct Output<T: 'static> {
    value: Option<T>,
    at: &'static Location<'static>,
    look: Arc<Look<T>>,
}

/// How an error is found, if another way was said than `describe_error`.
struct Look<T>(OnceLock<fn(&T) -> Option<String>>);

impl<T: 'static> Drop for Output<T> {
    fn drop(&mut self) {
        let Some(value) = self.value.take() else {
            return;
        };
        let look = self.look.0.get().copied().unwrap_or(describe_error);
        // It is of others, and may be dropped in the midst of a panic.
        if let Ok(Some(error)) = foreign::attempt(|| look(&value)) {
            let at = self.at;
            leaf::report(format_args!(
                "what was shielded at {at} failed, and nobody awaits it any more: {error}"
            ));
        }
        foreign::discard(value);
    }
}

fn lost<T: 'static>(_: &'static Location<'static>, output: Output<T>) -> Option<CleanupError> {
    foreign::discard(output);
    None
}

fn panicked(at: &'static Location<'static>, panic: Payload) -> Option<CleanupError> {
    let message = foreign::panic_message(&*panic).unwrap_or("(no message)");
    leaf::report(format_args!(
        "what was shielded at {at} panicked, and nobody awaits it any more: {message}"
    ));
    foreign::dispose(panic);
    None
}

fn overran(at: &'static Location<'static>, limit: Duration) -> Option<CleanupError> {
    leaf::report(format_args!(
        "what was shielded at {at} was dropped, as it took longer than its grace of {limit:?}"
    ));
    None
}

/// The future of [`shield`].
#[must_use = "the caller goes on without it; await it"]
pub struct Shield<T: Send + 'static> {
    handle: JoinHandle<Output<T>>,
    grace: Arc<Grace>,
    look: Arc<Look<T>>,
    /// It has no output, and whoever awaits it was told to end.
    lost: bool,
}

impl<T: Send + 'static> Shield<T> {
    /// Bounds how long it may run on after whoever awaits it was cancelled. Then it is dropped, and standard error says
    /// so. Without this there is no bound.
    pub fn grace(self, limit: Duration) -> Shield<T> {
        self.grace.set(limit);
        self
    }
}

impl<T: Send + 'static, E: Display + Send + 'static> Shield<Result<T, E>> {
    /// Has an `Err` that nobody gets reported on standard error, whatever its type is.
    ///
    /// # Examples
    /// ```
    /// use std::num::ParseIntError;
    ///
    /// # filch::run(async {
    /// let shielded = filch::shield(async { "7".parse::<u8>() }).report_errors();
    /// assert_eq!(shielded.await, Ok::<_, ParseIntError>(7));
    /// # });
    /// ```
    pub fn report_errors(self) -> Shield<Result<T, E>> {
        let text = |output: &Result<T, E>| output.as_ref().err().map(E::to_string);
        // Only this sets it, and always to the same.
        let _ = self.look.0.set(text);
        self
    }
}

impl<T: Send + 'static> Future for Shield<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if self.lost {
            return Poll::Pending;
        }
        let error = match ready!(Pin::new(&mut self.handle).poll(cx)) {
            Ok(mut output) => {
                let value = output.value.take();
                return Poll::Ready(value.expect("the future has ended"));
            }
            Err(error) => error,
        };
        match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // Its runtime has ended, so this task is about to end as well.
            Err(error) => {
                self.lost = true;
                let by = error.cancelled().expect("it did not panic").clone();
                assert!(leaf::cancel_nearest(by), "a shield has no output: {error}");
                Poll::Pending
            }
        }
    }
}

impl<T: Send + 'static> FusedFuture for Shield<T> {
    fn is_terminated(&self) -> bool {
        !self.lost && self.handle.is_terminated()
    }
}

impl<T: Send + 'static> Drop for Shield<T> {
    fn drop(&mut self) {
        // What has ended is looked at here, as there need not be a drain that would.
        match self.handle.take_finished() {
            Some(Ok(output)) => foreign::discard(output),
            Some(Err(error)) => report_panic(error),
            None => abort_and_hand_over(&mut self.handle, "whoever awaited it is gone", lost),
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Shield<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shield").field(&self.handle).finish()
    }
}
