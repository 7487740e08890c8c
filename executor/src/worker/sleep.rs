//! How a worker sleeps: in the poller, if nobody else is there, or on its parker's word.
//!
//! Called when a worker has searched in vain. Why no wake is lost meanwhile is argued in `rest/idle.rs`, what ends
//! a sleep on the word or in the poller in `rest/parker.rs`.

use super::Worker;
use super::time::{RECHECK, Step};
use crate::queues::queue::EVENTS_LIMIT;
use crate::rest::idle::Idle;
use crate::signs::credit;
use filch_reactor::Turn;
use filch_timer::{Instant, system_now};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A sleep that was this short, looking around would have saved. So long, too, a worker looks for I/O events before it
/// sleeps in the poller.
const SHORT_SLEEP: Duration = Duration::from_micros(20);

impl Worker<'_> {
    /// Sleeps until there may be something to do; steps S1 to S5 of `idle`.
    pub(crate) fn sleep(&mut self) {
        let idle: &Idle = &self.shared.idle;
        self.remote.watch.rest();
        idle.start_sleeping(self.core.index, std::mem::take(&mut self.searching));
        let has_work = self.shared.has_work();
        if has_work || self.is_stopped() || self.should_exit().is_some() {
            let may_search = has_work && !self.shared.config.local;
            self.searching =
                idle.stop_sleeping(self.core.index) || (may_search && idle.join_search());
            self.shared.leave_idle();
            return;
        }
        self.remote.counters.parks.add(1);
        self.core.stopwatch.pause(&self.remote.pace);
        // What the thread does until its next poll is none of that poll's time.
        self.core.sample.cancel();
        let start = system_now();
        let polled = match self.keep_time() {
            Some(Step::Moved) => true,
            step => {
                let recheck = (step == Some(Step::Unrest)).then(|| start.saturating_add(RECHECK));
                let deadline = self.next_deadline().into_iter().chain(recheck).min();
                self.sleep_in_poller_or_on_word(start, deadline)
            }
        };
        self.searching |= self.shared.idle.stop_sleeping(self.core.index);
        self.shared.leave_idle();
        self.wake_batch(EVENTS_LIMIT);
        let now = self.shared.now();
        let was_short = now.duration_since(start) < SHORT_SLEEP;
        if was_short && self.searching {
            self.core.linger_credit.earn();
        }
        if polled {
            self.shared.last_turn.store(now.as_nanos(), Relaxed);
            if was_short {
                self.core.poller_credit.earn();
            }
        }
        self.relieve_peer(now);
        self.fire_timers(now);
    }

    /// The earliest deadline that this worker has to be awake for, by the system's clock.
    fn next_deadline(&self) -> Option<Instant> {
        let own = self.shared.system_deadline(&self.remote.timers);
        if !self.shared.config.local {
            return own;
        }
        // Without a backstop thread, a local runtime looks after foreign timers itself.
        let foreign = self.shared.system_deadline(&self.shared.foreign_timers);
        own.into_iter().chain(foreign).chain(self.wake_at).min()
    }

    /// Returns whether it asked the poller for events.
    fn sleep_in_poller_or_on_word(&mut self, start: Instant, deadline: Option<Instant>) -> bool {
        let poller = match self.shared.leaves_poller_to_keeper() {
            true => None,
            false => self.shared.reactor.try_lock(),
        };
        let Some(mut turn) = poller else {
            self.remote.parker.park(deadline);
            return false;
        };
        // In company it pays the price without looking, and so asks less often whether the company has gone.
        let may_look = self.core.poller_credit.spend() && !self.core.crowd.is_there(start);
        let looked = may_look && self.look_at_poller(&mut turn, start, deadline);
        if looked || !self.remote.parker.start_polling() {
            return looked;
        }
        let timeout = deadline.map(|deadline| deadline.duration_since(system_now()));
        let events = turn.wait(timeout, &mut self.woken);
        drop(turn);
        self.remote.parker.stop_polling();
        self.count_turn(&events);
        true
    }

    /// Asks for events for as long as a sleep is short. Whether something has come, or somebody wants this worker: it
    /// need not sleep. Whoever unparks it meanwhile makes no system call.
    fn look_at_poller(
        &mut self,
        turn: &mut Turn<'_>,
        start: Instant,
        deadline: Option<Instant>,
    ) -> bool {
        let end = start.saturating_add(SHORT_SLEEP);
        let end = deadline.map_or(end, |deadline| deadline.min(end));
        loop {
            let events = turn.wait(Some(Duration::ZERO), &mut self.woken);
            self.count_turn(&events);
            if !self.woken.is_empty() {
                return true;
            }
            if self.remote.parker.is_notified() {
                return !self.remote.parker.start_polling();
            }
            credit::pause();
            if system_now() >= end {
                return false;
            }
        }
    }
}
