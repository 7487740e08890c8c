//! How one thread sleeps, and how others wake it: one word.
//!
//! A worker sleeps in one of two ways: on this word (a futex), or in the reactor's poller, holding
//! the right to poll. Whoever unparks it reads from the word which, and does no system call when it
//! is not asleep at all. A token that arrives early is kept: the next park returns at once.
//!
//! ```text
//!            park                     unpark
//!   EMPTY ─────────▶ PARKED ──────┐
//!     │                           ├──────────▶ NOTIFIED ──▶ EMPTY (consumed by park)
//!     └─────────▶ POLLING ────────┘
//!    start_polling
//! ```

use crate::primitive::atomic::AtomicU32;
use crate::primitive::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::sys;
use filch_reactor::Reactor;
use filch_timer::{Instant, system_now};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::Wake;

const EMPTY: u32 = 0;
/// Asleep, or about to be, on the word.
const PARKED: u32 = 1;
/// Asleep, or about to be, in the reactor's poller.
const POLLING: u32 = 2;
/// A wake-up that was not consumed yet.
const NOTIFIED: u32 = 3;

/// The sleeping side and the waking side of one thread.
#[derive(Debug)]
pub(crate) struct Parker {
    state: AtomicU32,
    /// When somebody who found it asleep last called, in nanoseconds, or 0. A figure and no protocol, so it is std's:
    /// whoever reads another one than it was woken by learns something of no consequence.
    called: AtomicU64,
}

/// What the waker of a thread still has to do.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unpark {
    /// Nothing: it was awake, or this call woke it.
    Done,
    /// It sleeps in the poller: notify the reactor.
    NotifyReactor,
}

impl Parker {
    pub(crate) fn new() -> Parker {
        Parker {
            state: AtomicU32::new(EMPTY),
            called: AtomicU64::new(0),
        }
    }

    /// When the call came that ended the sleep, if one did; asked once after each.
    pub(crate) fn was_called_at(&self) -> Option<Instant> {
        // Most sleeps are ended by an event.
        match self.called.load(Relaxed) {
            0 => None,
            _ => Some(Instant::from_nanos(self.called.swap(0, Relaxed))),
        }
    }

    /// A system call follows; beside that, a look at the clock is nothing. The sleeper cannot return before it.
    fn stamp(&self) {
        self.called.store(system_now().as_nanos(), Relaxed);
    }

    /// Sleeps until unparked or until `deadline`. Returns whether a token was consumed; returning
    /// without one is possible any time.
    ///
    /// Orderings: the Acquire that consumes NOTIFIED pairs with the Release in `unpark`: what the
    /// waker did before is seen after.
    pub(crate) fn park(&self, deadline: Option<Instant>) -> bool {
        if self
            .state
            .compare_exchange(EMPTY, PARKED, AcqRel, Acquire)
            .is_ok()
        {
            let timeout = deadline.map(|deadline| deadline.duration_since(system_now()));
            if timeout.is_none_or(|timeout| !timeout.is_zero()) {
                sys::wait(&self.state, PARKED, timeout);
            }
        }
        self.state.swap(EMPTY, AcqRel) == NOTIFIED
    }

    /// Whether the thread sleeps on its word, or is about to, and nobody has woken it. What it did before is seen.
    pub(crate) fn is_parked(&self) -> bool {
        // Orderings: Acquire, for the Release of the exchange that parks it.
        self.state.load(Acquire) == PARKED
    }

    /// Whether a token waits; `start_polling` consumes it.
    pub(crate) fn is_notified(&self) -> bool {
        self.state.load(Relaxed) == NOTIFIED
    }

    /// Announces that this thread goes to sleep in the poller. `false`: it was unparked first, and
    /// the token is consumed.
    ///
    /// Orderings: as `park`. A swap, although the value is known: it may replace a later token than
    /// the one that was seen, and has to acquire what came with that one too.
    pub(crate) fn start_polling(&self) -> bool {
        if self
            .state
            .compare_exchange(EMPTY, POLLING, AcqRel, Acquire)
            .is_ok()
        {
            return true;
        }
        self.state.swap(EMPTY, AcqRel);
        false
    }

    /// This thread is back from the poller; a token that came meanwhile is consumed.
    pub(crate) fn stop_polling(&self) {
        self.state.swap(EMPTY, AcqRel);
    }

    /// Wakes the thread, or lets its next park return at once.
    ///
    /// Orderings: a swap, not a conditional store, so that the Release covers this caller's writes
    /// even when the token was already there.
    pub(crate) fn unpark(&self) -> Unpark {
        match self.state.swap(NOTIFIED, AcqRel) {
            PARKED => {
                self.stamp();
                sys::wake_one(&self.state);
                Unpark::Done
            }
            POLLING => {
                self.stamp();
                Unpark::NotifyReactor
            }
            _ => Unpark::Done,
        }
    }

    /// Wakes the thread, whichever way it sleeps; the poller is that of `reactor`.
    pub(crate) fn wake(&self, reactor: &Reactor) {
        if self.unpark() == Unpark::NotifyReactor {
            reactor.notify();
        }
    }
}

/// A parker for one wait of a thread that is not a worker; its waker unparks it.
#[derive(Debug)]
pub(crate) struct ThreadParker(Parker);

impl ThreadParker {
    pub(crate) fn new() -> ThreadParker {
        ThreadParker(Parker::new())
    }

    /// Sleeps until woken (`true`) or until `deadline` has passed (`false`).
    pub(crate) fn park_until(&self, deadline: Option<Instant>) -> bool {
        loop {
            if self.0.park(deadline) {
                return true;
            }
            if deadline.is_some_and(|deadline| system_now() >= deadline) {
                return false;
            }
        }
    }

    /// Whether the thread sleeps, or is about to, and nobody has woken it.
    pub(crate) fn is_parked(&self) -> bool {
        self.0.is_parked()
    }

    /// Wakes the thread.
    pub(crate) fn unpark(&self) {
        let unpark = self.0.unpark();
        debug_assert_eq!(unpark, Unpark::Done);
    }
}

impl Wake for ThreadParker {
    fn wake(self: Arc<ThreadParker>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<ThreadParker>) {
        self.unpark();
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_token_that_comes_first_ends_the_next_park_and_no_other() {
        let parker = Parker::new();
        assert_eq!(parker.unpark(), Unpark::Done);
        assert_eq!(parker.unpark(), Unpark::Done);
        assert!(parker.park(None));
        assert!(!parker.park(Some(system_now())), "tokens do not add up");
    }

    #[test]
    fn a_deadline_ends_the_park_without_a_token() {
        let parker = Parker::new();
        let deadline = system_now() + Duration::from_millis(2);
        while system_now() < deadline {
            assert!(!parker.park(Some(deadline)));
        }
    }

    #[test]
    fn a_thread_in_the_poller_is_woken_through_the_reactor_once() {
        let parker = Parker::new();
        assert!(parker.start_polling());
        assert_eq!(parker.unpark(), Unpark::NotifyReactor);
        assert_eq!(parker.unpark(), Unpark::Done);
        parker.stop_polling();
        assert!(
            !parker.park(Some(system_now())),
            "the token was for the poller"
        );
    }

    #[test]
    fn only_a_call_that_ends_a_sleep_bears_its_time() {
        let parker = Parker::new();
        assert_eq!(parker.unpark(), Unpark::Done);
        assert_eq!(parker.was_called_at(), None);
        parker.stop_polling();
        assert!(parker.start_polling());
        let before = system_now();
        assert_eq!(parker.unpark(), Unpark::NotifyReactor);
        parker.stop_polling();
        assert!(
            parker
                .was_called_at()
                .is_some_and(|called| called >= before)
        );
        assert_eq!(parker.was_called_at(), None, "it is asked once");
    }

    #[test]
    fn a_token_that_comes_first_keeps_a_thread_out_of_the_poller_once() {
        let parker = Parker::new();
        assert_eq!(parker.unpark(), Unpark::Done);
        assert!(!parker.start_polling());
        assert!(parker.start_polling());
    }

    #[test]
    fn an_unpark_wakes_a_thread_that_sleeps() {
        let parker = Arc::new(ThreadParker::new());
        let waker = std::task::Waker::from(Arc::clone(&parker));
        let sleeper = std::thread::spawn(move || parker.park_until(None));
        waker.wake();
        assert!(sleeper.join().unwrap());
    }

    #[test]
    fn a_thread_parker_says_when_its_time_is_over() {
        let parker = ThreadParker::new();
        let deadline = system_now() + Duration::from_millis(2);
        assert!(!parker.park_until(Some(deadline)));
        assert!(system_now() >= deadline);
    }

    #[test]
    fn a_deadline_centuries_away_is_no_error() {
        let parker = Parker::new();
        assert_eq!(parker.unpark(), Unpark::Done);
        assert!(parker.park(Some(Instant::FAR_FUTURE)));
        let waker = Arc::new(ThreadParker::new());
        let theirs = Arc::clone(&waker);
        let sleeper = std::thread::spawn(move || theirs.park_until(Some(Instant::FAR_FUTURE)));
        waker.unpark();
        assert!(sleeper.join().unwrap());
    }
}
