//! The reactor thread: it steps in when the workers are too busy. It runs no tasks; of others' code it calls wakers
//! only, which are this crate's own unless a future is polled by another executor.
//!
//! In a runtime that goes idle now and then it has nothing to do: idle workers poll the reactor, and
//! busy ones look at it every 100 to 400 µs between two tasks. But a worker can be stuck in one long poll.
//! So while any worker is busy, this thread wakes up every 0.5 to 4 ms and looks:
//!
//! 1. Has anybody asked the reactor for events in the last 0.25 ms, or gone from one poll to another, after
//!    which it will, or is waiting for a processor to do so? If not, it sits in the poller itself until the
//!    next look, so that events reach a free worker at once. It leaves it after the first batch, or when a
//!    worker is idle again, and makes an idle worker take over.
//! 2. Is a worker's earliest timer overdue? It is fired from here.
//! 3. Is a worker stuck in a long poll? What waits behind it goes to others, if need be to spare threads
//!    (`monitor`).
//!
//! While workers only block, or sleep, it is a worker's business to sleep in the poller; it looks whether one
//! does, since the one that did may be among those that block.
//!
//! While the runtime ends, or a call of `run` whose future is done, it says what that waits for when it takes long:
//! whoever waits may be inside a poll, or the drop of a future.
//!
//! When no worker has been busy for 100 ms it frees the memory that is kept for tasks, and sleeps deeply, until a
//! worker leaves idleness and wakes it, or until a foreign timer is due: an idle runtime uses no CPU.
//!
//! # Why nobody stays asleep beside a free poller
//!
//! A worker that goes to sleep sets its idle bit, fences [idle-sub] and tries the poller's lock. This
//! thread frees the lock, fences [turn-free] and looks for idle bits. Whichever fence comes first,
//! either the worker gets the lock or this thread sees the bit and wakes the worker, which tries
//! again. A worker that frees the lock needs no such look: it is awake, and passes here again before
//! it sleeps; meanwhile this thread is awake too. If it is stuck before that, it looks when it says so
//! (`leave_work`), or else this thread does at its next look ([`Shared::offer_poller`] both).
//!
//! Why it does not sleep deeply while a worker is busy stands in `deep`.

use crate::foreign;
use crate::rescue::monitor::{Monitor, View};
use crate::seats::context::Role;
use crate::seats::scope;
use crate::seats::shared::Shared;
use crate::signs::watch::Stuck;
use crate::worker::events_of_turn;
use crate::worker::time::{RECHECK, Step, step_time};
use filch_timer::Instant;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;
use std::time::Duration;

/// The shortest interval between two looks; it doubles after quiet ones, up to the longest.
const SHORTEST: Duration = Duration::from_micros(500);
const LONGEST: Duration = Duration::from_millis(4);
/// The interval while workers block and others are called in their place.
const GROWING: Duration = Duration::from_micros(250);
/// The longest while a worker is stuck in computing: those that are left should not get stuck unnoticed.
const BESIDE_STUCK: Duration = Duration::from_millis(1);
/// Quiet looks before the interval doubles.
const QUIET_LOOKS: u32 = 5;
/// Nobody has asked for events for this long: this thread does.
const TURN_OVERDUE: Duration = Duration::from_micros(250);
/// A worker's timer this late is fired from here.
const TIMER_OVERDUE: Duration = Duration::from_micros(250);
/// Idle for this long, it sleeps deeply.
const DEEP_AFTER: Duration = Duration::from_millis(100);

/// The state of the reactor thread.
struct Backstop<'a> {
    shared: &'a Shared,
    monitor: Monitor,
    interval: Duration,
    quiet: u32,
    idle_since: Option<Instant>,
    woken: Vec<Waker>,
}

/// The thread's body: runs until the runtime is shut down and its last task is gone.
pub(crate) fn run(shared: &Arc<Shared>) {
    let _entered = scope::enter(shared, Role::Visitor, None, None);
    let mut backstop = Backstop {
        shared,
        monitor: Monitor::new(),
        interval: SHORTEST,
        quiet: 0,
        idle_since: None,
        woken: Vec::new(),
    };
    while !(shared.is_shut_down() && shared.registry.is_empty()) {
        shared.say_if_late();
        backstop.look();
    }
}

impl Backstop<'_> {
    fn look(&mut self) {
        self.shared.seats.forget_refusal();
        if self.shared.has_unclaimed_work() && self.shared.seats.may_hire() {
            // The system refused a thread before, or nobody has come to it yet.
            self.shared.notify_anyhow();
        }
        let now = self.shared.now();
        self.shared
            .beat
            .store(self.shared.beat.load(Relaxed).wrapping_add(1), Relaxed);
        let hit = self.fire(now);
        let view = match self.shared.config.monitor {
            true => self.monitor.look(self.shared, now),
            false => View::default(),
        };
        if !view.busy {
            return self.sleep_while_idle(now, &view);
        }
        self.idle_since = None;
        let last_turn = Instant::from_nanos(self.shared.last_turn.load(Relaxed));
        let overdue = now.duration_since(last_turn) >= TURN_OVERDUE;
        self.adapt(hit | view.tense);
        let interval = match view {
            View { growing: true, .. } => GROWING,
            View {
                undecided: true, ..
            } => SHORTEST,
            View { stuck: true, .. } => self.interval.min(BESIDE_STUCK),
            _ => self.interval,
        };
        let next = self.next_look(now, interval);
        let is_left_alone = overdue && !view.moving;
        let polled = if is_left_alone && !view.starved {
            self.sleep_in_poller(now, Some(next))
        } else {
            if is_left_alone {
                // Who waits for a processor may have come back from the poller, while the others sleep on their words.
                self.shared.offer_poller();
            }
            None
        };
        match polled {
            None => {
                self.shared.backstop.parker.park(Some(next));
            }
            Some(0) => {}
            Some(_) => self.adapt(true),
        }
    }

    /// Whether a worker is busy, and not known to be blocked.
    fn is_anybody_busy(&self) -> bool {
        let shared = self.shared;
        let is_busy = |seat: usize| {
            let remote = &shared.remotes[seat];
            remote.held.load(Relaxed)
                && !shared.idle.is_idle(seat)
                && remote.watch.stuck() != Some(Stuck::Blocked)
        };
        shared.config.monitor && (0..shared.remotes.len()).any(is_busy)
    }

    /// Whether any thread holds a seat.
    fn is_anybody_there(&self) -> bool {
        let mut remotes = self.shared.remotes.iter();
        remotes.any(|remote| remote.held.load(Relaxed))
    }

    /// Whether any thread holds a seat and is not stuck.
    fn is_staffed(&self) -> bool {
        self.shared.remotes.is_anybody_at_work()
    }

    /// Fires foreign timers that are due, and workers' that are overdue.
    fn fire(&mut self, now: Instant) -> bool {
        let now = self.shared.clock.shown_at(now);
        let mut fired = self.shared.foreign_timers.fire(now, &mut self.woken);
        for remote in self.shared.remotes.all() {
            // Of a seat with nobody at work nobody else looks after the wheel.
            let grace = if remote.is_at_work() {
                TIMER_OVERDUE
            } else {
                Duration::ZERO
            };
            let overdue = |due: Instant| now >= due.saturating_add(grace);
            if remote.timers.next_deadline().is_some_and(overdue) {
                fired += remote.timers.fire(now, &mut self.woken);
            }
        }
        self.shared.backstop.counters.timers_fired.add(fired as u64);
        self.wake_all();
        fired > 0
    }

    fn adapt(&mut self, hit: bool) {
        if hit {
            (self.interval, self.quiet) = (SHORTEST, 0);
            return;
        }
        self.quiet += 1;
        if self.quiet >= QUIET_LOOKS {
            (self.interval, self.quiet) = ((self.interval * 2).min(LONGEST), 0);
        }
    }

    /// Nobody is busy: sleeps for an interval, or deeply when that has gone on for long.
    fn sleep_while_idle(&mut self, now: Instant, view: &View) {
        if self.shared.clock.is_stopped() {
            return self.keep_time(view);
        }
        let since = *self.idle_since.get_or_insert(now);
        // Not at once beside workers that seem to be blocked: one may have gone on since.
        let is_calm = now.duration_since(since) >= DEEP_AFTER
            || !self.shared.config.monitor
            || !self.is_anybody_there();
        if !is_calm || view.surplus || self.shared.seats.was_refused() {
            let interval = if view.growing { GROWING } else { LONGEST };
            let next = self.next_look(now, interval);
            return self.sleep_beside_workers(now, Some(next));
        }
        self.shared.backstop.deep.announce();
        if !self.is_anybody_busy() && !self.shared.seats.was_refused() {
            let to_be_freed = self.free_memory(since, now);
            let deadlines = [self.next_deadline(), view.report, to_be_freed];
            let now = self.shared.now();
            self.sleep_beside_workers(now, deadlines.into_iter().flatten().min());
        }
        self.shared.backstop.deep.end();
        if self.is_anybody_busy() {
            (self.idle_since, self.interval, self.quiet) = (None, SHORTEST, 0);
        }
    }

    /// Frees the memory that is kept for tasks when the runtime has been idle for long. Before, says when that will be.
    fn free_memory(&self, idle_since: Instant, now: Instant) -> Option<Instant> {
        let depot = &self.shared.remotes.depot;
        let due = idle_since.saturating_add(DEEP_AFTER);
        if now < due {
            return (!depot.is_empty()).then_some(due);
        }
        depot.clear();
        None
    }

    /// Nobody is busy, and the clock is paused: moves it on when everybody is at rest, or sleeps until somebody has
    /// worked, an event comes, or a hold is given up.
    fn keep_time(&mut self, view: &View) {
        self.idle_since = None;
        self.shared.backstop.deep.announce();
        let (step, events) = match self.is_anybody_busy() {
            true => (Step::Unrest, 0),
            false => step_time(self.shared, &mut self.woken),
        };
        self.shared.backstop.counters.turns.add(1);
        self.shared.backstop.counters.io_events.add(events);
        self.wake_all();
        if step != Step::Moved {
            let now = self.shared.now();
            let soon = now.saturating_add(RECHECK);
            let recheck = (step == Step::Unrest).then_some(soon);
            let deadlines = [self.next_deadline(), view.report, recheck];
            let deadline = deadlines.into_iter().flatten().min();
            if self.sleep_in_poller(now, deadline).is_none() {
                self.shared.backstop.parker.park(Some(soon));
            }
        }
        self.shared.backstop.deep.end();
    }

    /// Leaves the poller to a worker if there is one. Without, nobody but this thread polls, for what I/O
    /// there is outside tasks.
    fn sleep_beside_workers(&mut self, now: Instant, deadline: Option<Instant>) {
        if self.is_staffed() {
            self.shared.offer_poller();
        } else if self.sleep_in_poller(now, deadline).is_some() {
            return;
        }
        self.shared.backstop.parker.park(deadline);
    }

    /// The earliest timer that no worker is going to wake up for, or the next word about an end that takes long.
    fn next_deadline(&self) -> Option<Instant> {
        let word = self.shared.next_word();
        let timers = self.next_timer();
        word.into_iter().chain(timers).min()
    }

    fn next_timer(&self) -> Option<Instant> {
        let remotes = self.shared.remotes.all();
        let left_alone = remotes.filter(|remote| !remote.is_at_work());
        let deadlines = left_alone
            .map(|remote| &remote.timers)
            .chain([&self.shared.foreign_timers]);
        deadlines
            .filter_map(|timers| self.shared.system_deadline(timers))
            .min()
    }

    /// In an interval, or when a timer is due.
    fn next_look(&self, now: Instant, interval: Duration) -> Instant {
        let look = now.saturating_add(interval);
        self.next_deadline()
            .map_or(look, |deadline| deadline.min(look))
    }

    /// Waits for events in the workers' place until `deadline`, and says how many came. `None`: somebody else is at it.
    fn sleep_in_poller(&mut self, now: Instant, deadline: Option<Instant>) -> Option<u64> {
        let mut turn = self.shared.reactor.try_lock()?;
        let mut count = 0;
        if self.shared.backstop.parker.start_polling() {
            let timeout = deadline.map(|deadline| deadline.duration_since(now));
            let events = turn.wait(timeout, &mut self.woken);
            self.shared.backstop.parker.stop_polling();
            self.shared
                .last_turn
                .store(self.shared.now().as_nanos(), Relaxed);
            count = events_of_turn(&events);
            self.shared.backstop.counters.turns.add(1);
            self.shared.backstop.counters.io_events.add(count);
        }
        drop(turn);
        self.wake_all();
        // Even if it was not waited: a worker may have found the poller taken, and gone to sleep.
        if !self.shared.leaves_poller_to_keeper() {
            self.shared.notify_poller();
        }
        Some(count)
    }

    fn wake_all(&mut self) {
        foreign::wake_batch(self.woken.drain(..));
    }
}
