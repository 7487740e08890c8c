//! The keeper's step: what moves a paused clock on. Who the keeper is, and when all are at rest, is told in
//! `seats/pause.rs`.

use super::Worker;
use super::upkeep::events_of_turn;
use crate::rest::pause::look_at_rest;
use crate::seats::shared::Shared;
use std::task::Waker;
use std::time::Duration;

/// What the keeper found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is something to do: the caller wakes whom it was given.
    Moved,
    /// Everybody is at rest, and the clock is held, or nobody waits for it.
    AtRest,
    /// Somebody is not at rest, and will not say when.
    Unrest,
}

/// How soon the keeper looks again at those who were not at rest.
pub(crate) const RECHECK: Duration = Duration::from_micros(100);

/// Gives whom to wake next: whom events wait for, or, if everybody is at rest, whose time has come. Also says how many
/// events there were.
pub(crate) fn step_time(shared: &Shared, woken: &mut Vec<Waker>) -> (Step, u64) {
    let mut events = 0;
    let step = shared.pause.step(|| {
        let found = look_at_rest(
            || shared.all_parked(),
            || {
                let mut turn = shared.reactor.try_lock()?;
                events = events_of_turn(&turn.wait(Some(Duration::ZERO), woken));
                drop(turn);
                let next = shared.earliest_deadline();
                (woken.is_empty() && !shared.has_work()).then_some(next)
            },
        );
        match found {
            _ if !woken.is_empty() => Step::Moved,
            None => Step::Unrest,
            Some(next) if shared.next_in_time(next, woken) => Step::Moved,
            Some(_) => Step::AtRest,
        }
    });
    (step, events)
}

impl Worker<'_> {
    /// Before it sleeps: if the clock is paused, a local runtime's thread moves it on, and a worker tells the keeper
    /// that it has come to rest.
    pub(super) fn keep_time(&mut self) -> Option<Step> {
        if !self.shared.clock.is_stopped() {
            return None;
        }
        if !self.shared.config.local {
            self.shared.wake_keeper();
            return None;
        }
        let (step, events) = step_time(self.shared, &mut self.woken);
        self.remote.counters.turns.add(1);
        self.remote.counters.io_events.add(events);
        Some(step)
    }
}
