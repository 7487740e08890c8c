//! A runtime's clock that stands still: how it is stopped, and when it moves on by itself.
//!
//! While it is paused, timers fire when somebody moves the clock to their deadline: a program, or else the *keeper*,
//! once everybody is at rest. The keeper is the backstop thread, and in a local runtime its one thread before it
//! sleeps; `worker/time.rs` has its step. Workers leave the poller to it and sleep on their words, so that nobody but
//! the keeper takes events out of it.
//!
//! # When everybody is at rest
//!
//! Nothing holds the clock; every thread that holds a seat, and every one in `block_on`, is parked; no task waits
//! anywhere; and a look at the reactor without waiting finds nothing. One look at each thread is not enough, since the
//! second may wake the first after that was looked at. So there are two rounds, and each thread counts how often it has
//! parked, before it parks, and how often it has left a seat, before that. If all are parked in both rounds and the sum
//! is the same, none has left its word in between: it would have counted before it came back, or left its seat. So
//! between the rounds all were parked at once, and the look at the reactor lies there. So does the look for the next
//! deadline, and the clock moves to that one only. What happens afterwards comes from outside: somebody spawns a task,
//! or comes into `block_on`. All that is one step, under a lock, and who comes back from rest passes through that lock
//! before it polls: it sees the time from before the step, and then it is found awake, or from after it.
//!
//! Orderings: a thread counts, then parks with Release; the keeper sees it parked with Acquire, then reads the count.
//! It reads deadlines under the locks of their wheels: if it sees one of a thread that was woken between the rounds, it
//! also sees in the second that this thread has left its word. Without the lock it may see the one and not the other.

use crate::foreign;
use crate::seats::context;
use crate::seats::shared::Shared;
use filch_timer::{Instant, Timers, see_time_through};
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::task::Waker;
use std::time::Duration;

impl Shared {
    /// Stops the clock. `false`: it stood still already.
    pub(crate) fn pause_clock(&self) -> bool {
        see_time_through(program_time);
        let is_new = self.clock.stop();
        self.pause.announce();
        // Nobody sleeps by the clock any more, nor in the poller.
        self.unpark_all();
        is_new
    }

    /// Lets the clock go on. `false`: it did.
    pub(crate) fn resume_clock(&self) -> bool {
        let was_still = self.clock.go_on();
        self.unpark_all();
        foreign::wake_batch(self.pause.settled());
        was_still
    }

    /// Moves a paused clock on, and wakes who has waited for that. `false`: it is not paused.
    pub(crate) fn advance_clock(&self, duration: Duration) -> bool {
        if !self.clock.try_advance(duration) {
            return false;
        }
        let mut woken = Vec::new();
        while self.fire_due(&mut woken) {
            foreign::wake_batch(woken.drain(..));
        }
        true
    }

    /// Whether it is the keeper's business alone to ask for events.
    pub(crate) fn leaves_poller_to_keeper(&self) -> bool {
        !self.config.local && self.clock.is_stopped()
    }

    /// When somebody who is about to sleep has to be awake for these timers, by the system's clock.
    pub(crate) fn system_deadline(&self, timers: &Timers) -> Option<Instant> {
        timers.settle();
        self.clock.system_time_of(timers.next_deadline()?)
    }

    /// Gives up a hold of the clock.
    pub(crate) fn release_clock(&self) {
        if self.pause.release() && self.clock.is_stopped() {
            self.wake_keeper();
        }
    }

    /// Somebody may have come to rest.
    pub(crate) fn wake_keeper(&self) {
        match self.config.local {
            true => self.unpark(0),
            false => self.wake_backstop(),
        }
    }

    /// A thread comes back from rest, or to a seat or into `block_on`, which it has shown by now.
    ///
    /// Orderings: it may miss that the clock was stopped just now, but then whoever did that is awake, and wakes it
    /// once more (`unpark_all`): the keeper finds both so, or the thread has seen it when it next comes here.
    #[inline]
    pub(crate) fn leave_rest(&self) {
        if self.clock.is_stopped() {
            self.pause.await_step();
        }
    }

    /// One round: how often threads have parked up to now, if all are parked. In a local runtime its own thread asks.
    pub(crate) fn all_parked(&self) -> Option<u64> {
        if self.seats.is_coming() {
            return None;
        }
        let mut parks = self.callers.all_parked()?;
        if self.config.local {
            return Some(parks);
        }
        for remote in self.remotes.all() {
            if remote.held.load(Acquire) && !remote.parker.is_parked() {
                return None;
            }
            // Also of a seat that was left: the sum must never fall.
            parks += remote.counters.parks.get() + remote.left.load(Relaxed) as u64;
        }
        Some(parks)
    }

    /// Everybody was at rest when the next deadline was this one: adds whom to wake. That is who wanted to know of it,
    /// or else whose timer it is, after the clock was moved there. Whether anything has happened.
    ///
    /// No other deadline counts: a thread that has come into `block_on` since then may have made one, and be at work.
    pub(crate) fn next_in_time(&self, next: Option<Instant>, woken: &mut Vec<Waker>) -> bool {
        woken.append(&mut self.pause.settled());
        if !woken.is_empty() {
            return true;
        }
        let has_moved = match next {
            Some(next) if !self.pause.is_held() => self.clock.try_advance_to(next),
            _ => false,
        };
        if has_moved {
            self.fire_due(woken);
        }
        has_moved
    }

    /// The earliest deadline there is, or some time before it, by the runtime's clock. What is never due does not
    /// count.
    pub(crate) fn earliest_deadline(&self) -> Option<Instant> {
        let wheels = self.wheels();
        let next = wheels.filter_map(Timers::next_deadline_locked).min()?;
        (next < Instant::FAR_FUTURE).then_some(next)
    }

    /// Fires what is due in every wheel, or a part of it. `false`: nothing is due.
    fn fire_due(&self, woken: &mut Vec<Waker>) -> bool {
        let now = self.clock.now();
        let mut is_any_due = false;
        for timers in self.wheels() {
            if timers.next_deadline().is_some_and(|next| next <= now) {
                is_any_due = true;
                timers.fire(now, woken);
            }
        }
        is_any_due
    }

    fn wheels(&self) -> impl Iterator<Item = &Timers> {
        let own = self.remotes.all().map(|remote| &*remote.timers);
        own.chain([&*self.foreign_timers])
    }
}

/// What the program on this thread sees as the time when the system's clock says `system`.
fn program_time(system: Instant) -> Instant {
    context::with(|context| match context.shared() {
        Some(shared) => shared.clock.shown_at(system),
        None => system,
    })
}
