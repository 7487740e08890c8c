//! A future that has no cooperative budget.

use crate::seats::context;
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Runs a future without the cooperative budget: what is ready in it never yields for the others' sake.
///
/// For a future that brings its own fairness, or must get to its end once it is ready. A loop in it over what is always
/// ready keeps its task from being aborted, and everything beside it in the task from going on, until something really
/// waits. Other tasks go on elsewhere, as beside any long poll.
///
/// Outside of a runtime there is no budget, and this changes nothing.
///
/// # Cancel safety
/// As the future is.
///
/// ```
/// # extern crate filch_executor as filch;
/// # let rt = filch::Runtime::new()?;
/// # rt.run(async {
/// use std::future::poll_fn;
/// use std::task::Poll;
/// # use filch_executor::{consume_budget, unconstrained};
///
/// let mut polls = 0;
/// let mut all = Box::pin(unconstrained(async {
///     for _ in 0..10_000 {
///         consume_budget().await;
///     }
/// }));
/// poll_fn(|cx| {
///     polls += 1;
///     all.as_mut().poll(cx)
/// })
/// .await;
/// assert_eq!(polls, 1);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn unconstrained<F: Future>(future: F) -> Unconstrained<F> {
    Unconstrained { future }
}

/// The future of [`unconstrained`].
#[must_use = "futures do nothing unless awaited"]
pub struct Unconstrained<F> {
    future: F,
}

impl<F: Future> Future for Unconstrained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is pinned with this: it is never moved out, and this has no `Drop`.
        let future = unsafe { self.map_unchecked_mut(|this| &mut this.future) };
        let _free = Free::start();
        future.poll(cx)
    }
}

impl<F: FusedFuture> FusedFuture for Unconstrained<F> {
    fn is_terminated(&self) -> bool {
        self.future.is_terminated()
    }
}

impl<F> fmt::Debug for Unconstrained<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unconstrained").finish_non_exhaustive()
    }
}

/// While it lives, the current poll has no budget; afterwards it has what it had before.
struct Free {
    was_free: bool,
    left: u8,
}

impl Free {
    fn start() -> Free {
        context::with(|context| Free {
            was_free: context.turn.set_free(true),
            left: context.turn.left.get(),
        })
    }
}

impl Drop for Free {
    fn drop(&mut self) {
        context::with(|context| {
            context.turn.set_free(self.was_free);
            context.turn.left.set(self.left);
        });
    }
}
