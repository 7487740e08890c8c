//! What a worker looks after besides its tasks: I/O events and due timers, and the wakes that they bring.
//!
//! A busy worker does it between two polls, every now and then; one that has slept does it when it wakes up
//! (`sleep.rs`). Nothing here waits for anything.

use super::Worker;
use crate::foreign;
use crate::queues::queue::{EVENTS_LIMIT, LOCAL_LIMIT};
use crate::sys;
use crate::sys::standard_error::say;
use filch_timer::{Clock, Instant};
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A busy worker asks for I/O events when nobody has for this long, and looks after tasks that wait elsewhere when it
/// has not for this long. Not by a count of polls: 61 polls of a millisecond each would be 61 ms.
const TURN_INTERVAL: Duration = Duration::from_micros(100);

/// What an event wakes waits behind what is there already. If that takes so long, events are asked for less often, and
/// come in larger batches.
const LONG_QUEUE: Duration = Duration::from_micros(300);
const LAZY_TURN_INTERVAL: Duration = Duration::from_micros(400);

/// A busy worker reads the clock once in this many polls, or when the backstop moved it.
const CLOCK_EVERY: u32 = 32;

impl Worker<'_> {
    /// Every now and then a busy worker looks after what idle ones would. Returns whether it did.
    #[inline]
    pub(crate) fn upkeep_if_due(&mut self) -> bool {
        let beat = self.shared.beat.load(Relaxed);
        let has_moved = self.core.beat.replace(beat) != beat;
        let is_due = has_moved || self.core.tick.get() % CLOCK_EVERY == 0;
        if is_due {
            self.upkeep(has_moved);
        }
        is_due
    }

    #[inline(never)]
    fn upkeep(&mut self, has_moved: bool) {
        let now = self.shared.now();
        if self.shared.config.local {
            self.core.rhythm.looked(now, self.core.tick.get());
        }
        self.core
            .stopwatch
            .read(now, self.core.tick.get(), &self.remote.pace);
        if self.shared.lanes.is_overdue(now) {
            self.core.lane_first.set(true);
        }
        let last = Instant::from_nanos(self.shared.last_turn.load(Relaxed));
        if now.duration_since(last) >= self.turn_interval() {
            self.poll_reactor(now);
        }
        if now.duration_since(self.core.looked.get()) >= TURN_INTERVAL {
            self.core.looked.set(now);
            if let Some(task) = self.shared.guests.take(&self.core.queue) {
                self.core.push(self.shared, task);
            }
            self.relieve_peer(now);
        }
        self.fire_timers(now);
        if has_moved && !self.shared.config.local {
            self.core.sample.start();
            if self.shared.config.is_overstaffed() {
                // The sample has just read the CPU clock, so this is up to date.
                let usage = sys::own_usage();
                self.core.stopwatch.beat(now, usage, &self.remote.pace);
            }
        }
        // The pace may have changed, and a task that yields does not ask.
        self.core.notify_if_worth(self.shared);
    }

    /// The last beat that this worker has heard of.
    pub(crate) fn beat(&self) -> u32 {
        self.core.beat.get()
    }

    /// The beat of a local runtime, which has no backstop: after each poll, its thread asks whether time has passed.
    pub(crate) fn beat_if_due(&self) {
        let (shared, core) = (self.shared, self.core);
        if core.rhythm.is_due(core.tick.get(), || Clock::os().coarse()) {
            shared.beat.store(core.beat.get().wrapping_add(1), Relaxed);
        }
    }

    fn turn_interval(&self) -> Duration {
        let waiting = self.remote.pace.time_for(self.core.queue.len());
        if waiting < LONG_QUEUE {
            TURN_INTERVAL
        } else {
            LAZY_TURN_INTERVAL
        }
    }

    /// Asks for I/O events without sleeping, unless somebody else is at it: whoever has the poller
    /// passes the events on.
    fn poll_reactor(&mut self, now: Instant) {
        self.shared.last_turn.store(now.as_nanos(), Relaxed);
        let Some(mut turn) = self.shared.reactor.try_lock() else {
            return;
        };
        let events = turn.wait(Some(Duration::ZERO), &mut self.woken);
        drop(turn);
        self.count_turn(&events);
        self.wake_batch(EVENTS_LIMIT);
    }

    pub(super) fn count_turn(&self, events: &io::Result<usize>) {
        self.remote.counters.turns.add(1);
        self.remote.counters.io_events.add(events_of_turn(events));
    }

    /// Fires this worker's own due timers.
    pub(super) fn fire_timers(&mut self, now: Instant) {
        let now = self.shared.clock.shown_at(now);
        let mut fired = self.remote.timers.fire(now, &mut self.woken);
        if self.shared.config.local {
            fired += self.shared.foreign_timers.fire(now, &mut self.woken);
        }
        if fired > 0 {
            self.remote.counters.timers_fired.add(fired as u64);
            self.wake_batch(LOCAL_LIMIT);
        }
    }

    /// Wakes what the reactor or the wheel handed over: all tasks queue up first, here where the queue is shorter than
    /// `limit`, then one worker is woken if that is worth it.
    pub(super) fn wake_batch(&mut self, limit: usize) {
        if self.woken.is_empty() {
            return;
        }
        // Wakers of other runtimes are others' code, which may block: then that is to be found out as of a poll, and
        // nobody should rely on this worker's search.
        if self.remote.watch.tick().is_none() {
            self.core.begin_anew(&self.remote.watch, 0);
        }
        if self.searching {
            self.end_search();
        }
        self.core.batch.set(Some(limit));
        foreign::wake_batch(self.woken.drain(..));
        self.core.batch.set(None);
        self.core.notify_if_worth(self.shared);
    }
}

/// How many events a turn brought.
///
/// Nothing but a programming error makes the poller fail, and without it no I/O would ever be
/// served again: better to end with the reason than to hang.
pub(crate) fn events_of_turn(events: &io::Result<usize>) -> u64 {
    match events {
        Ok(events) => *events as u64,
        Err(error) => {
            say(format_args!("filch: the poller failed: {error}"));
            std::process::abort();
        }
    }
}
