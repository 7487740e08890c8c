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
use crate::seats::core::{Common, Core};
use crate::seats::remotes::Remotes;
use crate::seats::roster::Seats;
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
    pub(crate) fn call(
        &self,
        remotes: &Remotes,
        idle: &Idle,
        common: Common,
        now: Instant,
    ) -> Called {
        let mut inner = self.inner.lock();
        if self.may_hire() {
            return Called::Worker;
        }
        let Some(core) = inner.spares.take_or_make(remotes, common, now) else {
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
        self.call_came_late(core, remotes);
        self.refuse()
    }

    /// The spare thread that was to be started is not, as all the others were joined.
    pub(crate) fn call_came_late(&self, core: Core, remotes: &Remotes) {
        remotes[core.index].held.store(false, Relaxed);
        self.inner.lock().spares.free(core, remotes);
        self.spare_gone();
    }

    /// A spare thread ends.
    pub(crate) fn spare_gone(&self) {
        self.inner.lock().spares.threads -= 1;
    }

    /// How many spare threads there are, at work or resting.
    pub(crate) fn spare_threads(&self) -> usize {
        self.inner.lock().spares.threads
    }
}
