//! The timer leaf: a deadline in the wheel of the worker that polls it.
//!
//! Whoever first polls a timer registers it in its own worker's wheel, so that no timer ever has to
//! wake another worker: a worker sleeps at most until its own wheel's next deadline. Threads outside
//! the runtime use a wheel that the backstop thread (in a local runtime: its thread) looks after; it also does
//! so for a worker that is stuck, which may itself wait for its timer with some other library's `block_on`.

use crate::foreign::{self, discard};
use crate::leaf::{self, Wait, WaitKind};
use crate::seats::context::{self, Context as ThreadContext};
use filch_timer::{Instant, Key, Timers};
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A deadline that lies this far ahead of the coarse time has not come yet.
const FAR: Duration = Duration::from_millis(100);

/// A deadline that a task can wait for. What `sleep`, `timeout` and `interval` are made of.
///
/// Nothing is registered before the first poll; dropping it cancels.
pub struct Timer {
    deadline: Instant,
    /// While registered.
    entry: Option<Entry>,
    at: &'static Location<'static>,
}

/// A timer's place in a wheel, which it gives up when it is dropped.
#[derive(Debug)]
struct Entry {
    /// They stay for as long as the place is held.
    timers: NonNull<Timers>,
    key: Key,
    /// When it fires there: the timer's deadline, or before.
    due: Instant,
}

// SAFETY: it stands for a reference to the timers, which may be used on any thread.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Timer {
    /// A timer for `deadline`; `at` is where the operation that needs it was called.
    #[inline]
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

    /// Where the operation that needs it was called.
    #[must_use]
    pub fn at(&self) -> &'static Location<'static> {
        self.at
    }

    /// Ready once the deadline has passed; never before.
    ///
    /// One that is ready when it is first polled spends budget, and may be refused: a loop over such has to yield.
    /// One that was waited for spends none: it has waited its turn.
    ///
    /// # Panics
    /// Outside a runtime, unless the deadline has already passed.
    #[track_caller]
    #[inline]
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_first = self.entry.is_none();
        let done = self.poll_as_limit(cx);
        if done.is_pending() || !is_first || leaf::poll_budget_of(self, cx).is_ready() {
            return done;
        }
        // Polled again, it is no first poll, be it in this poll of the task or in the next.
        context::with(|context| register(context, self.deadline, cx.waker(), &mut self.entry));
        Poll::Pending
    }

    /// As [`poll`](Timer::poll), without spending budget: for a time limit on something that has just
    /// said that it is not ready, and has spent its own.
    ///
    /// The clock is not read when the deadline is far away. Else it is even if the wheel has not fired the timer:
    /// a poll that goes on and on may keep the wheel from being turned.
    ///
    /// # Panics
    /// As `poll`.
    #[track_caller]
    pub fn poll_as_limit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match context::with(|context| self.look_in(context, cx.waker())) {
            Some(polled) => polled,
            None => self.refuse(),
        }
    }

    /// `None`: there is no running runtime here.
    #[inline]
    fn look_in(&mut self, context: &ThreadContext, waker: &Waker) -> Option<Poll<()>> {
        let is_registered = self.is_still_registered(waker);
        if !is_far(context, self.deadline) && Instant::now() >= self.deadline {
            self.entry = None;
            return Some(Poll::Ready(()));
        }
        if !is_registered {
            register(context, self.deadline, waker, &mut self.entry);
            self.entry.as_ref()?;
        }
        leaf::record_in(context, self.wait());
        Some(Poll::Pending)
    }

    #[inline]
    fn wait(&self) -> Wait {
        Wait {
            kind: WaitKind::Sleep,
            resource: 0,
            at: self.at,
        }
    }

    /// Whether it was polled, and has not been ready since.
    #[inline]
    #[must_use]
    pub fn is_waited_for(&self) -> bool {
        self.entry.is_some()
    }

    /// Moves the deadline.
    ///
    /// Moving it later is a store, and the wheel learns of it at the old deadline: a task that waits for this
    /// timer is polled once in vain then. So a time limit that each request moves on costs next to nothing.
    #[inline]
    pub fn reset(&mut self, deadline: Instant) {
        self.deadline = deadline;
        if self
            .entry
            .as_ref()
            .is_some_and(|entry| deadline < entry.due)
        {
            self.advance();
        }
    }

    #[cold]
    fn advance(&mut self) {
        let entry = self.entry.take();
        self.entry = entry.and_then(|entry| entry.advance(self.deadline));
    }

    /// There is no runtime on this thread, or it is gone.
    #[cold]
    #[track_caller]
    fn refuse(&self) -> ! {
        panic!(
            "a timer that was made at {} was polled without a running filch runtime on this thread: poll it inside \
             `#[filch::main]`, `filch::run(..)` or `Runtime::block_on(..)`",
            self.at
        );
    }

    #[inline]
    fn is_still_registered(&mut self, waker: &Waker) -> bool {
        let Some(entry) = &self.entry else {
            return false;
        };
        let mut replaced = None;
        let left = entry.timers().renew(entry.key, waker, &mut replaced);
        if replaced.is_some() {
            discard(replaced);
        }
        let is_there = left.is_none();
        if !is_there {
            // Its place is given up: before what is left goes, and perhaps the timers with it.
            std::mem::forget(self.entry.take());
        }
        is_there
    }
}

impl Entry {
    #[inline]
    fn timers(&self) -> &Timers {
        // SAFETY: the place keeps them until what `leave` or `renew` has left is dropped: after the entry.
        unsafe { self.timers.as_ref() }
    }

    /// Gives the place up, and returns the waker that was in it, unless it has fired.
    #[inline]
    fn leave(self) -> Option<Waker> {
        let entry = ManuallyDrop::new(self);
        let left = entry.timers().leave(entry.key);
        left.waker
    }

    /// Moves the entry to an earlier time. `None`: it has fired, or could not be moved, and the task that waits
    /// is woken.
    fn advance(mut self, due: Instant) -> Option<Entry> {
        // Only the wheel's own worker may move a deadline ahead: it is awake. Another worker takes
        // the timer over into its own wheel.
        if context::with(|context| is_own_wheel(context, self.timers())) {
            if self.timers().reset(self.key, due)? {
                context::with(tell_keeper);
            }
            self.due = due;
            return Some(self);
        }
        let waker = self.leave()?;
        let mut entry = None;
        context::with(|context| register(context, due, &waker, &mut entry));
        if entry.is_none() {
            // No runtime here: the task that waits registers it where it runs.
            foreign::wake(waker);
        }
        entry
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        let left = self.timers().leave(self.key);
        discard(left);
    }
}

impl fmt::Debug for Timer {
    /// `Timer { left: 1.5s, at: src/main.rs:1:2 }`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.deadline.duration_since(Instant::now());
        f.debug_struct("Timer")
            .field("left", &format_args!("{left:.1?}"))
            .field("at", &format_args!("{}", self.at))
            .finish()
    }
}

impl Drop for Timer {
    #[inline]
    fn drop(&mut self) {
        if self.entry.is_some() {
            self.entry = None;
            leaf::take_back(|| self.wait());
        }
    }
}

fn is_own_wheel(context: &ThreadContext, timers: &Timers) -> bool {
    let Some(shared) = context.shared() else {
        return false;
    };
    let Some(core) = context.core_of(shared) else {
        return false;
    };
    std::ptr::eq(&*shared.remotes[core.index].timers, timers)
}

/// Whether a deadline is certainly not due, as far as a worker can tell without reading the clock. Its
/// coarse time is some milliseconds old at most; on other threads it may be of any age, and so in a local runtime,
/// where nobody but this thread reads the clock.
#[inline]
fn is_far(context: &ThreadContext, deadline: Instant) -> bool {
    let Some((_, shared)) = context.core_and_shared() else {
        return false;
    };
    let coarse = match shared.config.local {
        true => shared.clock.coarse(),
        false => shared.coarse_shown(),
    };
    // One that lies before that is not far.
    deadline.as_nanos().saturating_sub(coarse.as_nanos()) > FAR.as_nanos() as u64
}

/// Puts an entry into this thread's wheel; `None`: there is no running runtime here.
///
/// Into `place`, and not returned: an entry that was just written in three words would be moved in other ones, which
/// has to wait until the three have reached the cache.
fn register(context: &ThreadContext, due: Instant, waker: &Waker, place: &mut Option<Entry>) {
    *place = None;
    let Some(shared) = context.shared() else {
        return;
    };
    let timers = match context.core_of(shared) {
        Some(core) => &shared.remotes[core.index].timers,
        None => &shared.foreign_timers,
    };
    let Some(inserted) = timers.enter(due, waker) else {
        return;
    };
    if inserted.earliest {
        tell_keeper(context);
    }
    *place = Some(Entry {
        timers: NonNull::from(&**timers),
        key: inserted.key,
        due,
    });
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
