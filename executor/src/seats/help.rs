//! Who goes on when those at work are stuck: whether anybody is left, and whom to call if not.
//!
//! Called by the monitor, and by a worker that announces a long poll. Who comes is decided in `spares.rs`.

use crate::seats::shared::{NewThread, Shared};
use crate::seats::spares::Called;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;

impl Shared {
    /// Whether somebody is at work, or about to come, who is not stuck.
    pub(crate) fn is_staffed(&self) -> bool {
        self.remotes.is_anybody_at_work() || self.seats.is_coming()
    }

    /// Gets one more thread to work: one of the workers' that was not needed yet, or else a spare one.
    /// `false`: there is none to be had.
    pub(crate) fn call_help(&self) -> bool {
        // Of the clock that its timers go by: a wheel takes nothing that is due before it begins.
        let now = self.coarse_shown();
        match self
            .seats
            .call(&self.remotes, &self.idle, self.config.common(), now)
        {
            Called::Nobody => return false,
            Called::Worker => self.start_thread(NewThread::Worker),
            Called::Resting => {}
            Called::New(core) => self.start_thread(NewThread::Spare(core)),
        }
        true
    }

    /// The worker of that seat is inside a long poll, and has said so: others go on with what waits. If
    /// nobody is left who could, somebody is called.
    ///
    /// Orderings: whoever falls asleep later sees the mark, and whoever sleeps already is seen here; of
    /// two workers that leave at the same time the later one sees the other's.
    pub(crate) fn leave_work(&self, seat: usize) {
        fence(SeqCst); // [away], pairs with [idle-sub], [idle-pub] and itself
        if !self.is_staffed() {
            self.call_help();
        } else if self.remotes[seat].waiting() > 0 || self.has_unclaimed_work() {
            self.notify_anyhow();
        } else {
            self.offer_poller();
        }
    }

    /// Whether there is a worker to be woken, or to be started; a hint.
    #[inline]
    pub(crate) fn has_help(&self) -> bool {
        self.idle.any() || self.seats.may_hire()
    }
}
