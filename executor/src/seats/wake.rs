//! Whom to wake, and for what: the idle protocol of `rest/idle.rs` with everything that it takes around it, the seats,
//! the poller, the backstop.
//!
//! Called by whoever has published something, after it has done so.

use crate::seats::remotes::Remote;
use crate::seats::shared::{NewThread, Shared};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;

impl Shared {
    /// Wakes one idle worker if that is worth it; see `idle`. Call after publishing a task.
    pub(crate) fn notify_one(&self) -> bool {
        if self.config.is_overstaffed() && self.config.monitor {
            fence(SeqCst); // [idle-pub], pairs with [idle-sub], [away] and [found]
            if self.are_enough_awake() {
                return false;
            }
        }
        self.notify_anyhow()
    }

    /// Whether every processor has a worker that uses it, and one of these workers is not stuck, so that it comes to
    /// what waits: who computes serves nobody, but takes a processor.
    ///
    /// Orderings: after the caller's fence. It sees the mark of a worker that has announced a long poll, or that
    /// worker, after its own [away], sees what the caller has published; and so the monitor, of a poll that it has
    /// found.
    fn are_enough_awake(&self) -> bool {
        let config = &self.config;
        let seated = config.workers.saturating_sub(self.seats.vacancies());
        if seated.saturating_sub(self.idle.count()) < config.processors {
            return false;
        }
        let awake = (0..config.workers).filter(|seat| !self.idle.is_idle(*seat));
        let remotes = awake.map(|seat| &self.remotes[seat]);
        let (mut users, mut is_any_at_work) = (0, false);
        for user in remotes.filter(|remote| remote.needs_a_processor()) {
            users += 1;
            is_any_at_work |= user.is_at_work();
            if users >= config.processors && is_any_at_work {
                return true;
            }
        }
        false
    }

    /// As `notify_one`, however many are awake: they may be in long polls.
    pub(crate) fn notify_anyhow(&self) -> bool {
        if self.config.local {
            // Its one thread never searches; the token is enough.
            self.unpark(0);
            return true;
        }
        match self.idle.notify() {
            Some(worker) => {
                self.unpark(worker);
                true
            }
            None => {
                // Whoever searches finds the task, and wakes the next one or has it started.
                let start = self.seats.may_hire() && !self.idle.is_searched();
                if start {
                    self.start_thread(NewThread::Worker);
                }
                start
            }
        }
    }

    /// Wakes one idle worker so that it takes the poller, whoever else searches.
    pub(crate) fn notify_poller(&self) {
        if let Some(worker) = self.idle.notify_any() {
            self.unpark(worker);
        }
    }

    /// Sees to it that somebody asks for I/O events: the worker that slept in the poller may have come back
    /// from it with the very event whose task is stuck now, while the others sleep on their words.
    ///
    /// Orderings: whoever finds the poller taken by this look is seen to be idle by `notify_poller`.
    pub(crate) fn offer_poller(&self) {
        if self.leaves_poller_to_keeper() {
            return;
        }
        let is_free = self.reactor.try_lock().is_some();
        if is_free {
            self.notify_poller();
        }
    }

    /// Wakes a worker that sleeps on its word or in the poller.
    pub(crate) fn unpark(&self, worker: usize) {
        self.remotes[worker].parker.wake(&self.reactor);
    }

    pub(crate) fn unpark_all(&self) {
        // A spare thread that is just called looks around before it sleeps.
        for seat in 0..self.remotes.len() {
            self.unpark(seat);
        }
        self.wake_backstop();
    }

    /// Wakes the backstop thread, wherever it sleeps.
    pub(crate) fn wake_backstop(&self) {
        self.backstop.parker.wake(&self.reactor);
    }

    /// A worker goes from idle to busy: the backstop has to watch it.
    pub(crate) fn leave_idle(&self) {
        if self.config.monitor && self.backstop.deep.disturb() {
            self.wake_backstop();
        }
    }
}

/// What there is to be woken for.
impl Shared {
    /// Whether there is a task that an idle worker should take; a hint, exact after a fence.
    pub(crate) fn has_work(&self) -> bool {
        self.has_unclaimed_work() || self.remotes.iter().any(Remote::has_surplus)
    }

    /// The same, of those that no worker has.
    pub(crate) fn has_unclaimed_work(&self) -> bool {
        !self.injector.is_empty() || self.lanes.has_work() || self.guests.have_work()
    }

    /// How many tasks no worker has.
    pub(crate) fn unclaimed_work(&self) -> usize {
        self.injector.len() + self.lanes.work() + usize::from(self.guests.have_work())
    }
}
