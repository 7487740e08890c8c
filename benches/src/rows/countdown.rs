//! How a root future learns that all tasks of a pass are done: the same few atomics for every runtime, and one wake
//! per pass.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// Counts down from a number; one future may wait for zero.
#[derive(Debug)]
pub(crate) struct Countdown {
    left: AtomicUsize,
    waker: AtomicWaker,
}

impl Countdown {
    /// Zero after `count` calls of [`Countdown::done`].
    pub(crate) fn new(count: usize) -> Arc<Countdown> {
        Arc::new(Countdown {
            left: AtomicUsize::new(count),
            waker: AtomicWaker::new(),
        })
    }

    /// One less.
    pub(crate) fn done(&self) {
        // AcqRel: whoever sees zero sees what everybody did before it was done.
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waker.wake();
        }
    }

    /// Counts down from `count` once more. For who has seen zero, before anybody counts again.
    pub(crate) fn again(&self, count: usize) {
        // Whoever counts next learns of it through what it is told after this.
        self.left.store(count, Ordering::Release);
    }

    /// Completes at zero.
    pub(crate) async fn wait(&self) {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            if self.left.load(Ordering::Acquire) == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// Calls [`Countdown::done`] when it is dropped, so that a cancelled task counts too.
#[derive(Debug)]
pub(crate) struct DoneOnDrop(pub(crate) Arc<Countdown>);

impl Drop for DoneOnDrop {
    fn drop(&mut self) {
        self.0.done();
    }
}

/// Counts down when the future inside was polled for the first time: it is asleep or idle from then on.
#[derive(Debug)]
pub(crate) struct Begun<F> {
    future: F,
    countdown: Option<Arc<Countdown>>,
}

impl<F: Future> Begun<F> {
    /// Polls `future`, and tells `countdown` once.
    pub(crate) fn new(future: F, countdown: Arc<Countdown>) -> Begun<F> {
        Begun {
            future,
            countdown: Some(countdown),
        }
    }
}

impl<F: Future> Future for Begun<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `future` is pinned with `self`: it is never moved out, `Begun` has no Drop of its own, and it is
        // Unpin only if `F` is. `countdown` is not pinned.
        let (future, countdown) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), &mut this.countdown)
        };
        let polled = future.poll(cx);
        if let Some(countdown) = countdown.take() {
            countdown.done();
        }
        polled.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_the_last_one() {
        let countdown = Countdown::new(2);
        let other = DoneOnDrop(countdown.clone());
        let thread = std::thread::spawn(move || drop(other));
        let begun = Begun::new(std::future::ready(7), countdown.clone());
        smol::block_on(begun);
        smol::block_on(countdown.wait());
        thread.join().unwrap();
    }
}
