//! How a worker sleeps: in the poller, if nobody else is there, or on its parker's word; and how it looks around there
//! for a moment before, if that pays off.
//!
//! Called when a worker has searched in vain. Why no wake is lost meanwhile is argued in `rest/idle.rs`, what ends
//! a sleep on the word or in the poller in `rest/parker.rs`, how long to look in `signs/look.rs`. A worker that looks
//! is idle for the others: whoever wakes it makes no system call.

use super::Worker;
use super::time::{RECHECK, Step};
use crate::queues::queue::EVENTS_LIMIT;
use crate::rest::idle::Idle;
use crate::signs::look::{self, Look};
use filch_reactor::Turn;
use filch_timer::{Instant, system_now};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A sleep that was this short, searching a little longer would have saved.
const SHORT_SLEEP: Duration = Duration::from_micros(20);

/// How a sleep went.
#[derive(Clone, Copy)]
enum Rest {
    /// A look before it found something, in the poller or not: there was none.
    Found { polled: bool },
    /// It slept in the poller; whether events came, and whether it looked before.
    InPoller { events: bool, looked: bool },
    /// It slept on its word; whether it looked before.
    OnWord { looked: bool },
}

impl Rest {
    fn has_polled(self) -> bool {
        matches!(self, Rest::Found { polled: true } | Rest::InPoller { .. })
    }
}

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
        let (rest, deadline) = match self.keep_time() {
            Some(Step::Moved) => (Rest::Found { polled: true }, None),
            step => {
                let recheck = (step == Some(Step::Unrest)).then(|| start.saturating_add(RECHECK));
                let deadline = self.next_deadline().into_iter().chain(recheck).min();
                (self.sleep_in_poller_or_on_word(start, deadline), deadline)
            }
        };
        self.shared.leave_rest();
        let now = self.shared.now();
        self.searching |= self.shared.idle.stop_sleeping(self.core.index);
        self.shared.leave_idle();
        self.learn_from(rest, start, deadline, now);
        if rest.has_polled() {
            self.shared.last_turn.store(now.as_nanos(), Relaxed);
        }
        self.wake_batch(EVENTS_LIMIT);
        self.relieve_peer(now);
        self.fire_timers(now);
    }

    /// What a sleep cost, if that shows, and whether looking around would have saved it.
    fn learn_from(&self, rest: Rest, start: Instant, deadline: Option<Instant>, now: Instant) {
        let core = self.core;
        if now.duration_since(start) < SHORT_SLEEP && self.searching {
            core.linger_credit.earn();
        }
        let (look, looked) = match rest {
            Rest::Found { .. } => return,
            Rest::InPoller { looked, .. } => (&core.look_for_events, looked),
            Rest::OnWord { looked } => (&core.look_at_word, looked),
        };
        let called = self.remote.parker.was_called_at();
        let called = called.filter(|called| (start..=now).contains(called));
        let has_events = matches!(rest, Rest::InPoller { events: true, .. });
        // After a look, the deadline may have come before the sleep did.
        let missed = deadline.filter(|due| !has_events && !looked && (start..=now).contains(due));
        if let (Some(due), false) = (called.or(missed), core.crowd.was_there()) {
            core.price.learn(now.duration_since(due));
            self.publish_price();
        }
        match called {
            _ if looked => {}
            Some(called) => look.slept(called.duration_since(start), &core.price),
            None if has_events => {
                look.slept_for_event(now.duration_since(start), &core.price);
            }
            None => {}
        }
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

    fn sleep_in_poller_or_on_word(&mut self, start: Instant, deadline: Option<Instant>) -> Rest {
        let poller = match self.shared.leaves_poller_to_keeper() {
            true => None,
            false => self.shared.reactor.try_lock(),
        };
        let Some(mut turn) = poller else {
            return self.sleep_on_word(start, deadline);
        };
        let length = self.length_of(&self.core.look_for_events, start);
        if let Some(length) = length {
            if self.look_at_poller(&mut turn, start, length, deadline) {
                return Rest::Found { polled: true };
            }
        }
        if !self.remote.parker.start_polling() {
            return Rest::Found {
                polled: length.is_some(),
            };
        }
        let timeout = deadline.map(|deadline| deadline.duration_since(system_now()));
        let events = turn.wait(timeout, &mut self.woken);
        drop(turn);
        self.remote.parker.stop_polling();
        self.count_turn(&events);
        Rest::InPoller {
            events: !self.woken.is_empty(),
            looked: length.is_some(),
        }
    }

    fn sleep_on_word(&self, start: Instant, deadline: Option<Instant>) -> Rest {
        let length = self.length_of(&self.core.look_at_word, start);
        if let Some(length) = length {
            if self.look_at_word(start, length, deadline) {
                return Rest::Found { polled: false };
            }
        }
        self.remote.parker.park(deadline);
        Rest::OnWord {
            looked: length.is_some(),
        }
    }

    /// How long to look before this sleep, if at all. In company only if that was asked for.
    fn length_of(&self, look: &Look, start: Instant) -> Option<Duration> {
        let is_in_company = self.core.crowd.is_there(start);
        look.length(&self.core.price)
            .filter(|_| !is_in_company || !look.is_adaptive())
    }

    /// Asks for events for so long. Whether something has come, or somebody wants this worker: it need not sleep.
    fn look_at_poller(
        &mut self,
        turn: &mut Turn<'_>,
        start: Instant,
        length: Duration,
        deadline: Option<Instant>,
    ) -> bool {
        let end = end_of_look(start, length, deadline);
        loop {
            let events = turn.wait(Some(Duration::ZERO), &mut self.woken);
            self.count_turn(&events);
            let found = !self.woken.is_empty() || self.remote.parker.is_notified();
            let now = system_now();
            if found || now >= end {
                self.count_look(&self.core.look_for_events, found, now.duration_since(start));
                // The token is consumed where it is the reason.
                return found && (!self.woken.is_empty() || !self.remote.parker.start_polling());
            }
            look::pause();
        }
    }

    /// Looks for a call for so long.
    fn look_at_word(&self, start: Instant, length: Duration, deadline: Option<Instant>) -> bool {
        let end = end_of_look(start, length, deadline);
        loop {
            look::pause();
            let found = self.remote.parker.is_notified();
            let now = system_now();
            if found || now >= end {
                self.count_look(&self.core.look_at_word, found, now.duration_since(start));
                // Consumes the token that is there.
                return found && self.remote.parker.park(Some(start));
            }
        }
    }

    fn count_look(&self, look: &Look, found: bool, took: Duration) {
        let (price, counters) = (&self.core.price, &self.remote.counters);
        match found {
            true => look.found(took, price),
            false => look.looked_in_vain(took, price),
        }
        counters.looks.add(1);
        counters.looks_paid.add(u64::from(found));
        counters.look_nanos.add(took.as_nanos() as u64);
        self.publish_price();
    }

    fn publish_price(&self) {
        let price = self.core.price.get();
        self.remote.pace.learn_price(price);
        let counter = &self.remote.counters.sleep_cost_nanos;
        counter.set(price.as_nanos() as u64);
    }
}

/// A timer that is due ends it too.
fn end_of_look(start: Instant, length: Duration, deadline: Option<Instant>) -> Instant {
    let end = start.saturating_add(length);
    deadline.map_or(end, |deadline| deadline.min(end))
}
