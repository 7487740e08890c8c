//! The timer leaf: a deadline in the wheel of the worker that polls it.
//!
//! Whoever first polls a timer registers it in its own worker's wheel, so that no timer ever has to
//! wake another worker: a worker sleeps at most until its own wheel's next deadline. Threads outside
//! the runtime use a wheel that the backstop thread (in a local runtime: its thread) looks after; it also does
//! so for a worker that is stuck, which may itself wait for its timer with some other library's `block_on`.

use crate::context::{self, Context as ThreadContext};
use crate::leaf::{self, Wait, WaitKind};
use filch_timer::{Instant, Key, Timers};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A deadline that lies this far ahead of the coarse time has not come yet.
const FAR: Duration = Duration::from_millis(100);

/// A deadline that a task can wait for. What `sleep`, `timeout` and `interval` are made of.
///
/// Nothing is registered before the first poll; dropping it cancels.
#[derive(Debug)]
pub struct Timer {
    deadline: Instant,
    /// The wheel and the place in it, while registered.
    entry: Option<(Arc<Timers>, Key)>,
    at: &'static Location<'static>,
}

impl Timer {
    /// A timer for `deadline`; `at` is where the operation that needs it was called.
    #[must_use]
    pub fn new(deadline: Instant, at: &'static Location<'static>) -> Timer {
        Timer {
            deadline,
            entry: None,
            at,
        }
    }

    /// When it fires.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Ready once the deadline has passed; never before.
    ///
    /// # Panics
    /// Outside a runtime, unless the deadline has already passed.
    #[track_caller]
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if leaf::poll_budget(cx).is_pending() {
            return Poll::Pending;
        }
        self.poll_as_limit(cx)
    }

    /// As [`poll`](Timer::poll), without spending budget: for a time limit on something that has just
    /// said that it is not ready, and has spent its own.
    ///
    /// A timer that is registered is ready when the wheel has fired it, so the clock is read before the
    /// first registration and after the firing only; not even before it when the deadline is far away.
    ///
    /// # Panics
    /// As `poll`.
    #[track_caller]
    pub fn poll_as_limit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_still_registered(cx.waker()) {
            if !is_far(self.deadline) && Instant::now() >= self.deadline {
                self.entry = None;
                return Poll::Ready(());
            }
            self.entry = register(self.deadline, cx.waker());
            assert!(self.entry.is_some(), "{}", crate::NO_TIME);
        }
        leaf::record(Wait {
            kind: WaitKind::Sleep,
            resource: 0,
            at: self.at,
        });
        Poll::Pending
    }

    /// Moves the deadline. A task that waits for this timer is woken by the new one only.
    pub fn reset(&mut self, deadline: Instant) {
        let earlier = deadline < self.deadline;
        self.deadline = deadline;
        let Some((timers, key)) = &self.entry else {
            return;
        };
        // Only the wheel's own worker may move a deadline ahead: it is awake. Another worker takes
        // the timer over into its own wheel.
        if !earlier || context::with(|context| is_own_wheel(context, timers)) {
            match timers.reset(*key, deadline) {
                None => self.entry = None,
                Some(false) => {}
                Some(true) => context::with(tell_keeper),
            }
        } else if let Some(waker) = timers.take(*key) {
            self.entry = register(deadline, &waker);
            if self.entry.is_none() {
                // No runtime here: the task that waits registers it where it runs.
                waker.wake();
            }
        } else {
            self.entry = None;
        }
    }

    fn is_still_registered(&self, waker: &Waker) -> bool {
        self.entry
            .as_ref()
            .is_some_and(|(timers, key)| timers.update(*key, waker))
    }

    fn cancel(&mut self) {
        if let Some((timers, key)) = self.entry.take() {
            timers.cancel(key);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel();
    }
}

fn is_own_wheel(context: &ThreadContext, timers: &Arc<Timers>) -> bool {
    let Some(shared) = context.shared() else {
        return false;
    };
    let Some(core) = context.core_of(shared) else {
        return false;
    };
    Arc::ptr_eq(&shared.remotes[core.index].timers, timers)
}

/// Whether a deadline is certainly not due, as far as a worker can tell without reading the clock. Its
/// coarse time is some milliseconds old at most; on other threads it may be of any age.
fn is_far(deadline: Instant) -> bool {
    context::with(|context| {
        context.shared().is_some_and(|shared| {
            context.core_of(shared).is_some() && deadline > shared.coarse_now().saturating_add(FAR)
        })
    })
}

/// `None`: there is no running runtime on this thread.
fn register(deadline: Instant, waker: &Waker) -> Option<(Arc<Timers>, Key)> {
    context::with(|context| {
        let shared = context.shared()?;
        let timers = match context.core_of(shared) {
            Some(core) => &shared.remotes[core.index].timers,
            None => &shared.foreign_timers,
        };
        let inserted = timers.insert(deadline, waker)?;
        if inserted.earliest {
            tell_keeper(context);
        }
        Some((Arc::clone(timers), inserted.key))
    })
}

/// Makes whoever looks after this thread's timers see a new earliest deadline. A worker does so itself,
/// unless it is stuck.
///
/// Orderings: the backstop looks who is stuck, fences [deep-sleep] and then looks at the wheels of those who
/// are. Either it sees the new deadline, or it is seen here that this worker is stuck.
fn tell_keeper(context: &ThreadContext) {
    let Some(shared) = context.shared() else {
        return;
    };
    if let Some(core) = context.core_of(shared) {
        if shared.config.local {
            return;
        }
        fence(SeqCst); // [own-timer], pairs with [deep-sleep]
        if shared.remotes[core.index].watch.mark().is_some() {
            shared.wake_backstop();
        }
    } else if shared.config.local {
        shared.unpark(0);
    } else {
        shared.wake_backstop();
    }
}
