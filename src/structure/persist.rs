//! Tasks that a cancel does not end at once: what `shield` and cleanups run in.
//!
//! A cancelled task's future is dropped. [`Persistent`] keeps what is to run on in a box, and when it is dropped before
//! that has ended, it hands the box to the nearest drain, which is its own task: that is not complete before, and polls
//! the box until it is ready or its grace is over. So even the end of the runtime, which cancels every task, waits.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use filch_executor::foreign::{self, Payload};
use filch_executor::leaf::{self, Remains};
use filch_executor::{CleanupError, Timer};
use filch_timer::Instant;

/// How long something may run on after a cancel: nanoseconds, or for ever. It may change until then.
#[derive(Debug)]
pub(super) struct Grace(AtomicU64);

impl Grace {
    pub(super) fn unlimited() -> Arc<Grace> {
        Arc::new(Grace(AtomicU64::new(u64::MAX)))
    }

    /// Orderings: Relaxed, as nothing else is published by it, and a cancel that races with it may miss it.
    pub(super) fn set(&self, limit: Duration) {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos, Relaxed);
    }

    fn get(&self) -> Option<Duration> {
        let nanos = self.0.load(Relaxed);
        (nanos != u64::MAX).then(|| Duration::from_nanos(nanos))
    }
}

/// What becomes of an output that nobody awaits, of a panic, or of an end by force after so long.
pub(super) struct Unawaited<T> {
    pub(super) at: &'static Location<'static>,
    pub(super) output: fn(&'static Location<'static>, T) -> Option<CleanupError>,
    pub(super) panic: fn(&'static Location<'static>, Payload) -> Option<CleanupError>,
    pub(super) overrun: fn(&'static Location<'static>, Duration) -> Option<CleanupError>,
}

impl<T> Clone for Unawaited<T> {
    fn clone(&self) -> Unawaited<T> {
        *self
    }
}

impl<T> Copy for Unawaited<T> {}

/// A task's future that runs on when it is dropped.
pub(super) struct Persistent<F: Future + Send + 'static> {
    /// Gone at its end.
    inner: Option<Pin<Box<F>>>,
    grace: Arc<Grace>,
    unawaited: Unawaited<F::Output>,
}

impl<F: Future + Send + 'static> Persistent<F> {
    pub(super) fn new(
        inner: Pin<Box<F>>,
        grace: Arc<Grace>,
        unawaited: Unawaited<F::Output>,
    ) -> Persistent<F> {
        let inner = Some(inner);
        Persistent {
            inner,
            grace,
            unawaited,
        }
    }
}

impl<F: Future + Send + 'static> Future for Persistent<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Taken out meanwhile, so that a panic drops it and goes on.
        let mut inner = self.inner.take().expect("it has not ended");
        let polled = inner.as_mut().poll(cx);
        if polled.is_pending() {
            self.inner = Some(inner);
        }
        polled
    }
}

impl<F: Future + Send + 'static> Drop for Persistent<F> {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            let limit = self.grace.get();
            leaf::hand_over(Box::new(Rest {
                inner: Some(inner),
                limit: limit.map(|limit| (limit, None)),
                unawaited: self.unawaited,
            }));
        }
    }
}

/// What runs on in a drain.
struct Rest<F: Future> {
    /// Gone when its grace is over.
    inner: Option<Pin<Box<F>>>,
    /// How long it may take, and the timer, which is made at the first poll.
    limit: Option<(Duration, Option<Timer>)>,
    unawaited: Unawaited<F::Output>,
}

impl<F: Future + Send> Remains for Rest<F> {
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Option<CleanupError>> {
        let at = self.unawaited.at;
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        match foreign::attempt(|| inner.as_mut().poll(cx)) {
            Ok(Poll::Ready(output)) => {
                foreign::discard(self.inner.take());
                return Poll::Ready((self.unawaited.output)(at, output));
            }
            Ok(Poll::Pending) => {}
            Err(panic) => {
                foreign::discard(self.inner.take());
                return Poll::Ready((self.unawaited.panic)(at, panic));
            }
        }
        let Some((limit, timer)) = &mut self.limit else {
            return Poll::Pending;
        };
        let timer =
            timer.get_or_insert_with(|| Timer::new(Instant::now().saturating_add(*limit), at));
        if timer.poll_as_limit(cx).is_pending() {
            return Poll::Pending;
        }
        let limit = *limit;
        foreign::discard(self.inner.take());
        Poll::Ready((self.unawaited.overrun)(at, limit))
    }
}
