//! Spare seats, for threads that stand in for workers which are stuck in a long poll.
//!
//! How many are needed is decided in `rescue/staff.rs`; here is who comes when one is called. A spare thread comes with
//! its seat, works it until it is asked to retire, and rests for some seconds, in case it is called again. Whoever
//! calls marks the seat as held before anything else, so it counts as staffed from then on, and nobody calls another
//! one for the same reason.
//!
//! ```text
//!   (new thread) ──call──▶ at work on a seat ──retire──▶ at rest, without a seat ──nobody calls──▶ ended
//!                                ▲                         │
//!                                └──────────call───────────┘
//! ```

use crate::primitive::atomic::Ordering::Relaxed;
use crate::rest::idle::Idle;
use crate::seats::core::Core;
use crate::seats::remotes::Remotes;
use crate::seats::roster::{Inner, Seats};
use filch_timer::Instant;
use std::time::Duration;

/// A spare thread that nobody calls ends after this long.
const REST: Duration = Duration::from_secs(5);

/// Who comes after a call.
#[derive(Debug)]
pub(crate) enum Called {
    /// Nobody: there are as many spare seats as there may be.
    Nobody,
    /// A worker's seat is vacant, and a thread can be hired for it.
    Worker,
    /// A spare thread that rested.
    Resting,
    /// A new spare thread, which the caller starts on this seat.
    New(Box<Core>),
}

impl Seats {
    /// Gets somebody to a seat because those who have one are stuck.
    pub(crate) fn call(&self, remotes: &Remotes, idle: &Idle, seed: u64, now: Instant) -> Called {
        let mut inner = self.inner.lock();
        if inner.spares.over {
            return Called::Nobody;
        }
        if self.may_hire() {
            return Called::Worker;
        }
        let Some(core) = inner.spares.take_or_make(remotes, seed, now) else {
            return Called::Nobody;
        };
        idle.admit(core.index);
        remotes[core.index].retire.store(false, Relaxed);
        remotes[core.index].thread.store(0, Relaxed);
        remotes[core.index].held.store(true, Relaxed);
        inner.spares.update_seated(remotes);
        if inner.spares.resting == 0 {
            inner.spares.threads += 1;
            return Called::New(Box::new(core));
        }
        inner.spares.resting -= 1;
        inner.spares.called.push(core);
        drop(inner);
        self.for_spares.notify_one();
        Called::Resting
    }

    /// The first thing that a new spare thread does.
    pub(crate) fn spare_has_come(&self) {
        self.complained.store(false, Relaxed);
    }

    /// A spare thread leaves its seat and rests. `Some`: it was called again. `None`: it ends, and says
    /// so with `spare_gone`.
    pub(crate) fn rest(&self, core: Core, remotes: &Remotes) -> Option<Core> {
        let mut inner = self.inner.lock();
        inner.spares.free(core, remotes);
        inner.spares.resting += 1;
        loop {
            if let Some(core) = inner.spares.called.pop() {
                return Some(core);
            }
            let over = inner.closed || self.for_spares.wait_for(&mut inner, REST).timed_out();
            if over && inner.spares.called.is_empty() {
                inner.spares.resting -= 1;
                return None;
            }
        }
    }

    /// The spare thread that was to be started could not be. `true`: the first since one has come.
    #[must_use]
    pub(crate) fn call_failed(&self, core: Core, remotes: &Remotes) -> bool {
        remotes[core.index].held.store(false, Relaxed);
        self.inner.lock().spares.free(core, remotes);
        self.spare_gone();
        self.refuse()
    }

    /// A spare thread ends.
    pub(crate) fn spare_gone(&self) {
        self.inner.lock().spares.threads -= 1;
        self.spares_gone.notify_all();
    }

    /// How many spare threads there are, at work or resting.
    pub(crate) fn spare_threads(&self) -> usize {
        self.inner.lock().spares.threads
    }

    /// The last task has gone: waits until no spare thread is left, at most until `timeout`. Returns how many are; if
    /// none, none comes either.
    pub(crate) fn wait_spares_gone(&self, timeout: Option<Duration>) -> usize {
        let mut inner = self.inner.lock();
        let are_there = |inner: &mut Inner| inner.spares.threads > 0;
        match timeout {
            Some(timeout) => {
                self.spares_gone
                    .wait_while_for(&mut inner, are_there, timeout);
            }
            None => self.spares_gone.wait_while(&mut inner, are_there),
        }
        inner.spares.over = inner.spares.threads == 0;
        inner.spares.threads
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::queues::queue::Local;

    #[test]
    fn after_the_last_spare_thread_has_gone_none_comes() {
        let (queue, now) = (Local::new(), Instant::from_nanos(1));
        let (remotes, idle) = (Remotes::new(&[queue], 1, now), Idle::new(1, 1));
        let seats = Seats::new(0);
        let called = seats.call(&remotes, &idle, 0, now);
        assert!(matches!(called, Called::New(_)));
        seats.close();
        assert_eq!(seats.wait_spares_gone(Some(Duration::ZERO)), 1);
        seats.spare_gone();
        assert_eq!(seats.wait_spares_gone(None), 0);
        let called = seats.call(&remotes, &idle, 0, now);
        assert!(matches!(called, Called::Nobody));
    }
}
