//! One poll, as the monitor sees it from look to look: whether it has become a long one, and in what way.

use super::View;
use crate::figures::slow_polls::Warning;
use crate::queues::lane::Seen;
use crate::seats::remotes::Remote;
use crate::seats::shared::{NewThread, Shared};
use crate::signs::watch::{Known, Mark, Stuck};
use crate::sys;
use crate::task::TaskId;
use filch_timer::Instant;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::fence;
use std::time::Duration;

/// So often it is asked whether a poll that was announced to compute does. In a shorter time it may not have had a
/// processor, and what that is then waiting for takes several system calls to find out. It is worth these if others
/// like it block, and the lane waits for its permit.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(8);

/// What a clock says about a shorter time than this says little.
const SHORTEST_SPAN: Duration = Duration::from_micros(200);

/// A poll is judged from this part of the stall threshold on: a fourth.
const JUDGED_PART: u32 = 4;

/// A thread that had a processor for this part of the time since the last look runs: a fourth.
const RUNNING_PART: u32 = 4;

/// A poll that had a processor for this part of the stall threshold, or of the time since it was first seen, computes:
/// half.
const COMPUTING_PART: u32 = 2;

/// A poll that goes on for so long is named again, whatever was said of others meanwhile.
const AGAIN: Duration = Duration::from_secs(1);

/// And once more.
const ONCE_MORE: Duration = Duration::from_secs(10);

/// A poll that was seen to go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Poll {
    pub(super) tick: u32,
    /// When it was first seen.
    since: Instant,
    /// The thread's processor time at the first look that asked for it, and at the last one.
    clocks: Option<(Reading, Reading)>,
    /// At the last look it waited for a processor.
    starved: bool,
    reports: Reports,
    /// The worker announced that it computes, and was found to be blocked.
    corrected: bool,
}

/// What was said of the poll.
#[derive(Clone, Copy, Debug, Default)]
struct Reports {
    /// How often.
    count: u8,
    /// The thread's processor time when it was last said.
    cpu: Option<Duration>,
    /// It is not asked before, whether something is to be said.
    not_before: Option<Instant>,
}

impl Reports {
    /// How long a poll lasts that is due to be named; `first` is what the builder says.
    fn next_due(&self, first: Duration) -> Option<Duration> {
        let again = [AGAIN, ONCE_MORE]
            .into_iter()
            .filter(|after| *after > first);
        [first]
            .into_iter()
            .chain(again)
            .nth(usize::from(self.count))
    }
}

/// A thread's processor time at some moment.
#[derive(Clone, Copy, Debug)]
struct Reading {
    cpu: Duration,
    at: Instant,
}

/// The processor time that was used over some time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    cpu: Duration,
    over: Duration,
}

impl Reading {
    /// If the system says.
    fn of(thread: u32, at: Instant) -> Option<Reading> {
        let cpu = sys::cpu_time(thread)?;
        Some(Reading { cpu, at })
    }

    fn since(self, before: Reading) -> Spent {
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

    /// Has it said on standard error that the poll lasts too long, and again when it still does.
    pub(super) fn report(
        &mut self,
        shared: &Shared,
        remote: &Remote,
        mark: Mark,
        now: Instant,
        view: &mut View,
    ) {
        let Some(first) = shared.config.slow_poll_warning else {
            return;
        };
        if mark.known == Known::Declared || !mark.stuck.needs_substitute() {
            return;
        }
        let thread = remote.thread.load(Relaxed);
        while let Some(due) = self.reports.next_due(first) {
            let not_before = self.since.saturating_add(due);
            let not_before = not_before.max(self.reports.not_before.unwrap_or(not_before));
            let lacks = match now < not_before {
                true => Some(not_before.duration_since(now)),
                false => self.lacks(mark.stuck, due, || sys::is_asleep(thread)),
            };
            if let Some(lacks) = lacks {
                let ask = now.saturating_add(lacks);
                self.reports.not_before = Some(ask);
                view.report_at(ask);
                return;
            }
            let task = TaskId(remote.watch.task());
            let warning = self.warning(task, mark.stuck, thread, now);
            say(shared, warning, now);
            // Should this thread have come late, the next time still says something new.
            let pause = self.reports.next_due(first).map(|next| next / 2);
            self.reports.not_before = pause.map(|pause| now.saturating_add(pause));
        }
    }

    /// Of a poll that lasts for `due`: how much later it may deserve to be named. `None`: now.
    ///
    /// Time that its thread waited for a processor is held against nobody. So one that computes has to have had a
    /// processor for as long as is due. One that was found to be blocked may have been woken since and wait for a
    /// processor: its thread has to be asleep.
    fn lacks(
        &self,
        stuck: Stuck,
        due: Duration,
        is_asleep: impl FnOnce() -> Option<bool>,
    ) -> Option<Duration> {
        let lacks = match (stuck, self.clocks) {
            (Stuck::Blocked, _) if is_asleep() == Some(false) => FOLLOW_INTERVAL,
            (Stuck::Blocked, _) => return None,
            (_, Some((first, last))) => due.saturating_sub(last.since(first).cpu),
            (_, None) if sys::TELLS_CPU_TIME => FOLLOW_INTERVAL,
            (_, None) => return None,
        };
        (!lacks.is_zero()).then_some(lacks)
    }

    /// What is said of it now, which is noted.
    fn warning(&mut self, task: TaskId, stuck: Stuck, thread: u32, now: Instant) -> Warning {
        let cpu = sys::cpu_time(thread);
        let did_nothing = cpu.is_some() && self.reports.cpu == cpu;
        let clocks = self.clocks.filter(|_| stuck == Stuck::Computing);
        let warning = Warning {
            task,
            stuck,
            lasts: now.duration_since(self.since),
            computed: clocks.map(|(first, last)| last.since(first).cpu),
            is_repeated: self.reports.count > 0,
            still: did_nothing.then_some(thread),
        };
        self.reports.count += 1;
        self.reports.cpu = cpu;
        warning
    }
}

/// Has it said by a thread, which is started if none is there.
fn say(shared: &Shared, warning: Warning, now: Instant) {
    let start = match warning.is_repeated {
        false => shared.slow_polls.warn(warning, now),
        true => shared.slow_polls.warn_again(warning),
    };
    if start {
        shared.start_thread(NewThread::Warning);
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

    /// A poll whose thread had a processor for so many of that many milliseconds.
    fn ran(cpu: u64, of: u64) -> Poll {
        let reading = |cpu, at| Reading {
            cpu: Duration::from_millis(cpu),
            at: START + Duration::from_millis(at),
        };
        let mut poll = Poll::first_seen(1, START);
        poll.clocks = Some((reading(5, 0), reading(5 + cpu, of)));
        poll
    }

    #[test]
    fn a_poll_that_waited_for_a_processor_is_not_said_to_have_computed() {
        let due = Duration::from_millis(100);
        let lacks = |cpu, of| ran(cpu, of).lacks(Stuck::Computing, due, || unreachable!());
        assert_eq!(lacks(2, 382), Some(Duration::from_millis(98)));
        assert_eq!(lacks(99, 10_000), Some(Duration::from_millis(1)));
        assert_eq!(lacks(100, 10_000), None);
        assert_eq!(lacks(130, 130), None);
    }

    #[test]
    fn nor_to_be_blocked_when_it_was_woken_since() {
        let due = Duration::from_millis(100);
        let lacks = |asleep| ran(1, 382).lacks(Stuck::Blocked, due, || asleep);
        assert_eq!(lacks(Some(false)), Some(FOLLOW_INTERVAL));
        assert_eq!(lacks(Some(true)), None);
        assert_eq!(lacks(None), None, "the system does not say");
    }

    #[test]
    fn a_poll_is_named_three_times_or_as_often_as_is_later_than_the_first() {
        let dues = |first: Duration| {
            let reports = |count| Reports {
                count,
                ..Reports::default()
            };
            let dues = (0..4).map_while(|count| reports(count).next_due(first));
            dues.map(|due| due.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(dues(Duration::from_millis(100)), [100, 1000, 10_000]);
        assert_eq!(dues(Duration::from_secs(1)), [1000, 10_000]);
        assert_eq!(dues(Duration::from_secs(60)), [60_000]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows of no processor time")]
    fn a_thread_that_has_done_nothing_between_two_warnings_is_asked_what_it_waits_for() {
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
        for (thread, still) in [(asleep, Some(asleep)), (sys::thread_number(), None)] {
            let mut poll = Poll::first_seen(1, START);
            let mut warn = || poll.warning(TaskId(1), Stuck::Blocked, thread, micros(1_000_000));
            let first = warn();
            assert!(!first.is_repeated && first.still.is_none());
            compute();
            let second = warn();
            assert!(second.is_repeated);
            assert_eq!(second.still, still);
        }
        drop(stop);
        sleeper.join().unwrap();
    }
}
