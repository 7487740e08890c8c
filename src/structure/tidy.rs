//! How a cleanup runs: in place, or as a task that the nearest drain waits for.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use filch_executor::foreign::{self, Payload};
use filch_executor::{CleanupError, Handle, Timer, leaf};
use filch_timer::Instant;
use futures_core::FusedFuture;

use super::abort_on_drop::hand_over;
use super::persist::{Grace, Persistent, Unawaited};

/// How long a cleanup may take unless it says otherwise.
const DEADLINE: Duration = Duration::from_secs(5);

/// What a cleanup may return: `()`, or a `Result` whose error is told.
pub trait CleanupOutput: Send + 'static {
    /// The error, if it failed.
    fn into_failure(self) -> Option<Box<dyn Error + Send + Sync>>;
}

impl CleanupOutput for () {
    fn into_failure(self) -> Option<Box<dyn Error + Send + Sync>> {
        None
    }
}

impl<T, E> CleanupOutput for Result<T, E>
where
    T: Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
{
    fn into_failure(self) -> Option<Box<dyn Error + Send + Sync>> {
        self.err().map(Into::into)
    }
}

/// Where a cleanup was made, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) at: &'static Location<'static>,
    pub(super) limit: Duration,
}

impl Terms {
    #[track_caller]
    pub(super) fn here() -> Terms {
        Terms {
            at: Location::caller(),
            limit: DEADLINE,
        }
    }

    /// Runs it as a task of its own, for which the nearest drain waits.
    pub(super) fn start<F>(self, future: Pin<Box<F>>)
    where
        F: Future + Send + 'static,
        F::Output: CleanupOutput,
    {
        if Handle::try_current().is_err() {
            leaf::unreported(&CleanupError::never_ran(self.at));
            return foreign::discard(future);
        }
        let tidy = Tidy {
            future,
            terms: self,
            timer: None,
        };
        let unawaited = Unawaited {
            at: self.at,
            output: told,
            panic: panicked,
            overrun: overran,
        };
        // It limits itself, from now on and not only from a cancel on.
        let task = Persistent::new(Box::pin(tidy), Grace::unlimited(), unawaited);
        let mut handle = filch_executor::spawn(task);
        hand_over(&mut handle, self.at, told);
    }
}

fn told(_: &'static Location<'static>, told: Told) -> Option<CleanupError> {
    told.into_failure()
}

fn panicked(at: &'static Location<'static>, panic: Payload) -> Option<CleanupError> {
    Some(CleanupError::panicked(at, panic))
}

fn overran(at: &'static Location<'static>, limit: Duration) -> Option<CleanupError> {
    Some(CleanupError::overran(at, limit))
}

/// A cleanup that runs, until it is ready or its time is over.
struct Tidy<F> {
    future: Pin<Box<F>>,
    terms: Terms,
    timer: Option<Timer>,
}

impl<F> Future for Tidy<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    type Output = Told;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Told> {
        let this = &mut *self;
        let Terms { at, limit } = this.terms;
        match foreign::attempt(|| this.future.as_mut().poll(cx)) {
            Ok(Poll::Ready(output)) => {
                let failure = output.into_failure();
                let failure = failure.map(|error| CleanupError::failed(at, error));
                return Poll::Ready(Told(failure));
            }
            Ok(Poll::Pending) => {}
            Err(panic) => return Poll::Ready(Told(panicked(at, panic))),
        }
        let timer = this
            .timer
            .get_or_insert_with(|| Timer::new(Instant::now().saturating_add(limit), at));
        timer.poll_as_limit(cx).map(|()| Told(overran(at, limit)))
    }
}

/// What became of a cleanup. If nobody asks, it is said on standard error.
struct Told(Option<CleanupError>);

impl Told {
    fn into_failure(mut self) -> Option<CleanupError> {
        self.0.take()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(failure) = self.0.take() {
            leaf::unreported(&failure);
        }
    }
}

/// The future of [`Cleanup::finish`](crate::future::Cleanup::finish). Dropped midway, the rest of the cleanup runs as
/// by a drop of the guard.
#[must_use = "futures do nothing unless awaited"]
pub struct Finish<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    /// Gone at its end.
    future: Option<Pin<Box<F>>>,
    terms: Terms,
}

impl<F> Finish<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    pub(super) fn new(future: F, terms: Terms) -> Finish<F> {
        Finish {
            future: Some(Box::pin(future)),
            terms,
        }
    }
}

impl<F> Future for Finish<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Taken out meanwhile, so that a panic drops it and goes on.
        let taken = self.future.take();
        let mut future = taken.expect("a cleanup was polled after its end");
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            self.future = Some(future);
        }
        polled
    }
}

impl<F> FusedFuture for Finish<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    fn is_terminated(&self) -> bool {
        self.future.is_none()
    }
}

impl<F> Drop for Finish<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            self.terms.start(future);
        }
    }
}

impl<F> fmt::Debug for Finish<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Finish").field(&self.terms).finish()
    }
}
