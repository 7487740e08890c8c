//! One look at all workers, and what is done about what it shows.

use super::poll::Poll;
use super::standstill::StandstillWatch;
use super::view::View;
use crate::rescue::staff::{Census, Decision, Staff};
use crate::seats::shared::Shared;
use crate::signs::watch::Stuck;
use filch_timer::Instant;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::fence;
use std::time::Duration;

/// The state of the monitor.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// By seat: the poll that it was in at the last look, if it was in one.
    polls: Vec<Option<Poll>>,
    staff: Staff,
    standstill: StandstillWatch,
    last_look: Option<Instant>,
}

/// After so long since the last look, all polls are new, and few of those seen again: the clocks of their threads, each
/// of which costs a system call, are read when they are.
const CALM: Duration = Duration::from_millis(2);

impl Monitor {
    pub(crate) fn new() -> Monitor {
        Monitor {
            polls: Vec::new(),
            staff: Staff::default(),
            standstill: StandstillWatch::default(),
            last_look: None,
        }
    }

    /// Looks at every worker, and does what has to be done about it.
    pub(crate) fn look(&mut self, shared: &Shared, now: Instant) -> View {
        let mut view = View::default();
        let census = self.census(shared, now, &mut view);
        let decision = self.staff.decide(census, now);
        view.surplus = self.staff.has_surplus();
        match decision {
            Decision::Keep => {}
            Decision::Call(count) => {
                let called = (0..count).take_while(|_| shared.call_help()).count();
                view.growing = called > 0 && census.blocked > 0;
                view.tense = true;
            }
            Decision::Retire(count) => retire(shared, count),
        }
        if census.at_work == 0 && census.waiting > 0 {
            view.tense = true;
        }
        self.standstill.look(shared, census, now, &mut view);
        view
    }

    fn census(&mut self, shared: &Shared, now: Instant, view: &mut View) -> Census {
        let seats = shared.remotes.len();
        let last_look = self.last_look.replace(now);
        let is_calm = last_look.is_some_and(|last| now.duration_since(last) >= CALM);
        self.polls.resize(seats.max(self.polls.len()), None);
        let mut census = Census {
            workers: shared.config.workers,
            crew: shared.config.crew(),
            ..Census::default()
        };
        let (mut is_any_stuck, mut is_any_waiting) = (false, false);
        for seat in 0..seats {
            let remote = &shared.remotes[seat];
            if !remote.held.load(Relaxed) {
                self.polls[seat] = None;
                continue;
            }
            census.spares += usize::from(seat >= shared.remotes.first_spare());
            let waiting = remote.waiting();
            census.waiting += waiting;
            let stuck = self.look_at(shared, seat, now, is_calm, view);
            match stuck {
                None | Some(Stuck::Preempted) => {
                    census.at_work += 1;
                    let is_blocked = remote.pace.is_mostly_blocked();
                    census.crew += usize::from(is_blocked);
                    census.idle += usize::from(shared.idle.is_idle(seat));
                }
                Some(Stuck::Computing) => {
                    census.computing += 1;
                    view.stuck = true;
                }
                Some(Stuck::Blocked) => census.blocked += 1,
            }
            if let Some(stuck) = stuck {
                is_any_stuck = true;
                is_any_waiting |= waiting > 0;
                // Looking more often takes time from those who wait for a processor.
                view.tense |= waiting > 0 && stuck.needs_substitute();
            }
        }
        // With what has become work by a permit that went back just now.
        census.waiting += shared.unclaimed_work();
        census.crew = census.crew.min(census.workers);
        if is_any_stuck && shared.has_help() {
            // Whoever publishes after this fence sees the marks.
            fence(SeqCst); // [found], pairs with [idle-pub]
            if is_any_waiting || shared.has_unclaimed_work() {
                shared.notify_anyhow();
            }
        }
        if shared.seats.may_hire() || shared.seats.is_coming() {
            census.at_work += 1;
        }
        census
    }

    /// In what way the worker of that seat is stuck, if it is.
    fn look_at(
        &mut self,
        shared: &Shared,
        seat: usize,
        now: Instant,
        is_calm: bool,
        view: &mut View,
    ) -> Option<Stuck> {
        let remote = &shared.remotes[seat];
        let thread = remote.thread.load(Relaxed);
        if thread == 0 || shared.idle.is_idle(seat) {
            self.polls[seat] = None;
            return None;
        }
        let Some(tick) = remote.watch.tick() else {
            // It has woken up, and looks for a task.
            (view.busy, view.moving) = (true, true);
            self.polls[seat] = None;
            return None;
        };
        let seen = self.polls[seat].filter(|poll| poll.tick == tick);
        view.moving |= seen.is_none();
        let mut poll = seen.unwrap_or_else(|| Poll::first_seen(tick, now));
        let announced = remote.watch.mark().filter(|mark| !mark.may_be_corrected());
        match (seen, announced) {
            (None, None) if !is_calm => _ = poll.read_clock(thread, now),
            (None, _) => {}
            (Some(_), None) => poll.find_out(shared, remote, now, view),
            (Some(_), Some(announced)) => poll.follow(shared, remote, announced, now),
        }
        let mark = remote.watch.mark();
        if seen.is_some() {
            poll.make_way(shared, remote, mark, now);
        }
        if let Some(mark) = mark {
            poll.report(shared, remote, mark, now, view);
        }
        view.busy |= mark.is_none_or(|mark| mark.stuck != Stuck::Blocked);
        self.polls[seat] = Some(poll);
        mark.map(|mark| mark.stuck)
    }
}

/// Sends so many spare threads home that are not stuck, the last ones first.
fn retire(shared: &Shared, count: usize) {
    let seats = (shared.remotes.first_spare()..shared.remotes.len()).rev();
    let at_work = seats.filter(|seat| shared.remotes[*seat].is_at_work());
    for seat in at_work.take(count) {
        shared.remotes[seat].retire.store(true, Relaxed);
        shared.unpark(seat);
    }
}
