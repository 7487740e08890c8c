//! The backstop's eye on the workers: who is stuck in a long poll, and who has to come instead.
//!
//! A worker whose tick stands still for the stall threshold is stuck; one that is then found to wait for
//! something, after a quarter of it. Whether it computes, is blocked or waits for a processor, the operating
//! system knows: its processor time goes on; or it stands still and the thread is asleep, or is not. The
//! monitor marks the poll (`watch.rs`), which makes what waits behind it everybody's; it wakes an idle worker
//! to take it, and calls spare threads and sends them home as `staff.rs` decides.
//!
//! Polls that were announced it only counts. Of one that was to compute it asks now and then whether it does; and one that
//! keeps others in the slow lane waiting for long makes way for them.

mod poll;

use crate::rescue::staff::{Census, Decision, Staff};
use crate::seats::shared::Shared;
use crate::signs::watch::Stuck;
use filch_timer::Instant;
use poll::Poll;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::fence;
use std::time::Duration;

/// The state of the monitor.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// By seat: the poll that it was in at the last look, if it was in one.
    polls: Vec<Option<Poll>>,
    staff: Staff,
    last_look: Option<Instant>,
}

/// After so long since the last look, all polls are new, and few of those seen again: the clocks of their threads, each
/// of which costs a system call, are read when they are.
const CALM: Duration = Duration::from_millis(2);

/// What a look has shown.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Some worker polls, and is not known to be blocked: the runtime is not idle.
    pub(crate) busy: bool,
    /// Some worker has gone from one poll to another since the last look: it looks after I/O.
    pub(crate) moving: bool,
    /// Some worker waits for a processor: one more thread that is busy would make it wait longer.
    pub(crate) starved: bool,
    /// A worker is stuck in computing.
    pub(crate) stuck: bool,
    /// Something goes on that is worth looking more often for a while.
    pub(crate) tense: bool,
    /// A poll has become long, and the next look, which should be soon, tells in what way.
    pub(crate) undecided: bool,
    /// Somebody was called because work waits while workers block: there may soon be more of that.
    pub(crate) growing: bool,
    /// When the next report is due.
    pub(crate) report: Option<Instant>,
    /// Spare threads are about to be sent home.
    pub(crate) surplus: bool,
}

impl Monitor {
    pub(crate) fn new() -> Monitor {
        Monitor {
            polls: Vec::new(),
            staff: Staff::default(),
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
            waiting: shared.unclaimed_work(),
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
        if seen.is_some()
            && let Some(lane) = remote.permit.lane()
        {
            poll.make_way(shared, remote, mark, lane, now);
        }
        if let Some(mark) = mark {
            poll.report(shared, remote.watch.task(), mark, now, view);
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
