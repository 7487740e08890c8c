//! The backstop's eye on the workers: who is stuck in a long poll, and who has to come instead.
//!
//! A worker whose tick stands still for the stall threshold is stuck; one that is then found to wait for
//! something, after a quarter of it. Whether it computes or is blocked, the operating system knows: its
//! processor time goes on, or it stands still and the thread is asleep. The monitor marks the poll
//! (`watch.rs`), which makes what waits behind it everybody's; it wakes an idle worker to take it, and
//! calls spare threads and sends them home as `staff.rs` decides.
//!
//! Of polls that were announced it need not find out anything; it counts them.

use crate::shared::Shared;
use crate::slow_polls::SlowPoll;
use crate::staff::{Census, Decision, Staff};
use crate::sys;
use crate::task::TaskId;
use crate::watch::{Known, Mark, Stuck};
use filch_timer::Instant;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The state of the monitor.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// By seat: the poll that it was in at the last look, if it was in one.
    polls: Vec<Option<Poll>>,
    staff: Staff,
}

/// A poll that was seen to go on.
#[derive(Clone, Copy, Debug)]
struct Poll {
    tick: u32,
    /// When it was first seen.
    since: Instant,
    /// The thread's processor time by then.
    cpu_since: Option<Duration>,
    /// The same at the last look, and when that was.
    cpu: Option<(Duration, Instant)>,
    reported: bool,
}

/// What a look has shown.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Some worker polls, and is not known to be blocked: the runtime is not idle.
    pub(crate) busy: bool,
    /// Something goes on that is worth another look soon.
    pub(crate) tense: bool,
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
        self.polls.resize(seats.max(self.polls.len()), None);
        let mut census = Census {
            workers: shared.config.workers,
            waiting: shared.unclaimed_work(),
            ..Census::default()
        };
        for seat in 0..seats {
            let remote = &shared.remotes[seat];
            if !remote.held.load(Relaxed) {
                self.polls[seat] = None;
                continue;
            }
            census.spares += usize::from(seat >= shared.remotes.first_spare());
            let waiting = remote.waiting();
            census.waiting += waiting;
            match self.look_at(shared, seat, now, view) {
                None => {
                    census.at_work += 1;
                    continue;
                }
                Some(Stuck::Computing) => census.computing += 1,
                Some(Stuck::Blocked) => census.blocked += 1,
            }
            if waiting > 0 {
                view.tense = true;
                if shared.has_help() {
                    shared.notify_one();
                }
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
            view.busy = true;
            self.polls[seat] = None;
            return None;
        };
        let seen = self.polls[seat].filter(|poll| poll.tick == tick);
        let mut poll = seen.unwrap_or_else(|| Poll {
            tick,
            since: now,
            cpu_since: sys::cpu_time(thread),
            cpu: None,
            reported: false,
        });
        let mut mark = remote.watch.mark();
        if seen.is_some() && mark.is_none_or(|mark| mark.known.is_found()) {
            view.tense |= mark.is_none();
            let before = mark.map(|mark| mark.stuck);
            let threshold = shared.config.stall_threshold;
            if let Some(found) = poll.judge(thread, now, threshold, before) {
                if mark.is_none() {
                    remote.pace.mark_stuck();
                    shared
                        .backstop
                        .counters
                        .rescues
                        .add(remote.waiting() as u64);
                }
                remote.watch.accuse(tick, found, poll.since);
                mark = remote.watch.mark();
            }
        }
        if let Some(mark) = mark {
            poll.report(shared, remote.watch.task(), mark, now, view);
        }
        view.busy |= mark.is_none_or(|mark| mark.stuck == Stuck::Computing);
        self.polls[seat] = Some(poll);
        mark.map(|mark| mark.stuck)
    }
}

impl Poll {
    /// Whether the poll, which was seen before, has become a long one. `before`: what it was taken for so
    /// far.
    fn judge(
        &mut self,
        thread: u32,
        now: Instant,
        threshold: Duration,
        before: Option<Stuck>,
    ) -> Option<Mark> {
        let lasts = now.duration_since(self.since);
        if lasts < threshold / 4 {
            return None;
        }
        let cpu = sys::cpu_time(thread).map(|cpu| (cpu, now));
        let last = std::mem::replace(&mut self.cpu, cpu);
        // A look ago its processor time was that: it has computed for a quarter of the time, or not.
        let computed = last.zip(cpu).map(|((before, then), (cpu, now))| {
            4 * cpu.saturating_sub(before) >= now.duration_since(then)
        });
        let blocked = match computed {
            Some(true) => false,
            // It waits for a processor, or for something else, or has just been woken to look whether it
            // goes on waiting.
            Some(false) if before == Some(Stuck::Blocked) => true,
            _ => sys::is_asleep(thread).unwrap_or(computed == Some(false)),
        };
        if blocked {
            let (stuck, known) = (Stuck::Blocked, Known::Found);
            return Some(Mark { stuck, known });
        }
        let stuck = Stuck::Computing;
        // What it has used tells a poll that computes for long from a short one that was stopped in its midst.
        let used = self.cpu_since.zip(cpu);
        let used = used.map(|(before, (cpu, _))| cpu.saturating_sub(before));
        let known = match used {
            Some(used) if used < threshold / 2 => Known::Preempted,
            _ => Known::Found,
        };
        (lasts >= threshold).then_some(Mark { stuck, known })
    }

    /// Says on standard error that the poll lasts too long, once.
    fn report(&mut self, shared: &Shared, task: u64, mark: Mark, now: Instant, view: &mut View) {
        let Some(after) = shared.config.slow_poll_warning else {
            return;
        };
        if self.reported || mark.known == Known::Declared {
            return;
        }
        let due = self.since.saturating_add(after);
        if now < due {
            let earlier = view.report.is_none_or(|report| due < report);
            view.report = if earlier { Some(due) } else { view.report };
            return;
        }
        self.reported = true;
        let task = shared.registry.info(TaskId(task));
        let slow = SlowPoll {
            task: task.as_ref(),
            stuck: mark.stuck,
            lasts: now.duration_since(self.since),
        };
        if let Some(warning) = shared.slow_polls.warning(&slow, now) {
            eprintln!("{warning}");
        }
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
