//! One poll, as the monitor sees it from look to look: whether it has become a long one, and in what way.

use super::View;
use super::report::Reports;
use crate::queues::lane::Seen;
use crate::seats::remotes::Remote;
use crate::seats::shared::Shared;
use crate::signs::watch::{Known, Mark, Stuck};
use crate::sys;
use filch_timer::Instant;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::fence;
use std::time::Duration;

/// So often it is asked whether a poll that was announced to compute does. In a shorter time it may not have had a
/// processor, and what that is then waiting for takes several system calls to find out. It is worth these if others
/// like it block, and the lane waits for its permit.
pub(super) const FOLLOW_INTERVAL: Duration = Duration::from_millis(8);

/// What a clock says about a shorter time than this says little.
const SHORTEST_SPAN: Duration = Duration::from_micros(200);

/// A poll is judged from this part of the stall threshold on: a fourth.
const JUDGED_PART: u32 = 4;

/// A thread that had a processor for this part of the time since the last look runs: a fourth.
const RUNNING_PART: u32 = 4;

/// A poll that had a processor for this part of the stall threshold, or of the time since it was first seen, computes:
/// half.
const COMPUTING_PART: u32 = 2;

/// A poll that was seen to go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Poll {
    pub(super) tick: u32,
    /// When it was first seen.
    pub(super) since: Instant,
    /// The thread's processor time at the first look that asked for it, and at the last one.
    pub(super) clocks: Option<(Reading, Reading)>,
    /// At the last look it waited for a processor.
    starved: bool,
    pub(super) reports: Reports,
    /// The worker announced that it computes, and was found to be blocked.
    corrected: bool,
}

/// A thread's processor time at some moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) cpu: Duration,
    pub(super) at: Instant,
}

/// The processor time that was used over some time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    pub(super) cpu: Duration,
    over: Duration,
}

impl Reading {
    /// If the system says.
    fn of(thread: u32, at: Instant) -> Option<Reading> {
        let cpu = sys::cpu_time(thread)?;
        Some(Reading { cpu, at })
    }

    pub(super) fn since(self, before: Reading) -> Spent {
        Spent {
            cpu: self.cpu.saturating_sub(before.cpu),
            over: self.at.duration_since(before.at),
        }
    }
}

impl Poll {
    /// A poll that is seen for the first time.
    pub(super) fn first_seen(tick: u32, now: Instant) -> Poll {
        Poll {
            tick,
            since: now,
            clocks: None,
            starved: false,
            reports: Reports::default(),
            corrected: false,
        }
    }

    /// Reads the thread's clock, if the system tells it: what it has used since the first reading, and since the last
    /// one.
    pub(super) fn read_clock(&mut self, thread: u32, now: Instant) -> Option<(Spent, Spent)> {
        let new = Reading::of(thread, now)?;
        let (first, last) = self.clocks.unwrap_or((new, new));
        self.clocks = Some((first, new));
        Some((new.since(first), new.since(last)))
    }

    /// Whether there was one reading only, so that nothing is known yet.
    fn is_undecided(&self) -> bool {
        self.clocks.is_some_and(|(first, last)| first.at == last.at)
    }

    /// Whether the poll, which was seen before, has become a long one. `before`: what it was taken for so
    /// far.
    fn judge(
        &mut self,
        thread: u32,
        now: Instant,
        threshold: Duration,
        before: Option<Stuck>,
    ) -> Option<Stuck> {
        let lasts = now.duration_since(self.since);
        if lasts < threshold / JUDGED_PART {
            return None;
        }
        let last = self.clocks.map(|(_, last)| last.at);
        if last.is_some_and(|last| now.duration_since(last) < SHORTEST_SPAN) {
            return before;
        }
        let is_long = lasts >= threshold;
        let Some((used, lately)) = self.read_clock(thread, now) else {
            return is_long.then_some(Stuck::Computing);
        };
        if self.is_undecided() {
            // What waits behind it goes to others all the same.
            return is_long.then_some(Stuck::Preempted);
        }
        let runs = RUNNING_PART * lately.cpu >= lately.over;
        // A blocked one may have been woken just to look whether it goes on waiting.
        let is_blocked = || before == Some(Stuck::Blocked) || sys::is_asleep(thread) == Some(true);
        if !runs && is_blocked() {
            self.starved = false;
            return Some(Stuck::Blocked);
        }
        self.starved = !runs;
        let enough = threshold.min(used.over).max(threshold / JUDGED_PART);
        let computes = COMPUTING_PART * used.cpu >= enough;
        is_long.then_some(if computes {
            Stuck::Computing
        } else {
            Stuck::Preempted
        })
    }

    /// Finds out whether a poll that the worker has not announced has become a long one, and says so.
    pub(super) fn find_out(
        &mut self,
        shared: &Shared,
        remote: &Remote,
        now: Instant,
        view: &mut View,
    ) {
        let thread = remote.thread.load(Relaxed);
        let threshold = shared.config.stall_threshold;
        let said = remote.watch.mark();
        let before = said
            .filter(|mark| mark.known == Known::Found)
            .map(|mark| mark.stuck);
        let judged = self.judge(thread, now, threshold, before);
        view.starved |= self.starved;
        let Some(stuck) = judged else { return };
        view.undecided |= self.is_undecided();
        if before.is_none_or(|before| before == Stuck::Preempted) {
            view.tense |= stuck.needs_substitute();
        }
        if before.is_none() {
            remote.pace.mark_stuck();
            let rescues = &shared.backstop.counters.rescues;
            rescues.add(remote.waiting() as u64);
        }
        remote.watch.accuse(self.tick, stuck, self.since);
        if stuck == Stuck::Computing && before != Some(stuck) {
            sys::set_prompt(thread, false);
            if remote.watch.tick() != Some(self.tick) {
                // The poll is over, and its worker may have asked for this before.
                sys::set_prompt(thread, true);
            }
        }
    }

    /// Looks after a poll that the worker has announced: it may block although it was to compute.
    pub(super) fn follow(
        &mut self,
        shared: &Shared,
        remote: &Remote,
        announced: Mark,
        now: Instant,
    ) {
        let is_to_compute = announced.stuck == Stuck::Computing || self.corrected;
        if !is_to_compute {
            return;
        }
        let threshold = shared.config.stall_threshold;
        let interval = match self.is_undecided() || shared.lanes.is_pressed(&remote.permit) {
            true => threshold.min(FOLLOW_INTERVAL),
            false => FOLLOW_INTERVAL,
        };
        let last = self.clocks.map_or(self.since, |(_, last)| last.at);
        if now.duration_since(last) >= interval {
            let thread = remote.thread.load(Relaxed);
            let judged = self.judge(thread, now, threshold, Some(announced.stuck));
            // It has given up its short slice, so it waits for a processor as it should.
            self.starved = false;
            match judged {
                Some(stuck @ (Stuck::Computing | Stuck::Blocked)) if stuck != announced.stuck => {
                    remote.watch.correct(self.tick, announced, stuck);
                    self.corrected = stuck == Stuck::Blocked;
                }
                _ => {}
            }
        }
    }

    /// A poll of the slow lane should not keep others there waiting for long.
    pub(super) fn make_way(
        &self,
        shared: &Shared,
        remote: &Remote,
        mark: Option<Mark>,
        now: Instant,
    ) {
        let seen = Seen {
            is_blocked: mark.is_some_and(|mark| mark.stuck == Stuck::Blocked),
            since: self.since,
        };
        // Another poll has its own time. If it comes just now, it makes way too early, and goes on as one that blocked.
        let is_current = remote.watch.tick() == Some(self.tick);
        if is_current && shared.lanes.settle(&remote.permit, seen, now) {
            // As if what waits there had just been published.
            fence(SeqCst); // [idle-pub], pairs with [idle-sub]
            if shared.lanes.has_work() {
                shared.notify_anyhow();
            }
        }
    }
}

#[cfg(all(test, target_os = "linux", not(filch_loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const START: Instant = Instant::from_nanos(1 << 40);
    const THRESHOLD: Duration = Duration::from_millis(1);

    fn micros(n: u64) -> Instant {
        START + Duration::from_micros(n)
    }

    fn compute() {
        let own = || sys::own_cpu_time().unwrap();
        let start = own();
        while own() < start + THRESHOLD {}
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows of no processor time")]
    fn who_computes_is_told_by_the_clock() {
        let own = sys::thread_number();
        let mut poll = Poll::first_seen(1, START);
        poll.read_clock(own, START);
        compute();
        assert_eq!(poll.judge(own, micros(500), THRESHOLD, None), None);
        let judged = poll.judge(own, micros(1000), THRESHOLD, None);
        assert_eq!(judged, Some(Stuck::Computing));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows of no processor time")]
    fn without_a_first_reading_the_second_look_tells_that_it_is_long_and_the_third_why() {
        let own = sys::thread_number();
        let (number, numbers) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let sleeper = std::thread::spawn(move || {
            number.send(sys::thread_number()).unwrap();
            let _ = stopped.recv();
        });
        let asleep = numbers.recv().unwrap();
        while sys::is_asleep(asleep) != Some(true) {
            std::thread::yield_now();
        }
        for (thread, reason) in [(own, Stuck::Computing), (asleep, Stuck::Blocked)] {
            let mut poll = Poll::first_seen(1, START);
            let judged = poll.judge(thread, micros(4000), THRESHOLD, None);
            assert_eq!(judged, Some(Stuck::Preempted));
            assert!(poll.is_undecided());
            compute();
            let judged = poll.judge(thread, micros(4500), THRESHOLD, judged);
            assert_eq!(judged, Some(reason));
            assert!(!poll.is_undecided());
        }
        drop(stop);
        sleeper.join().unwrap();
    }
}
