//! How long a worker's polls typically take, lately.
//!
//! Fed by the clock readings that a worker does anyway, it costs nothing per poll. It decides whether
//! what waits at a worker is worth another worker's coming; a wrong guess costs time, never a task.

use crate::sys::{self, Usage};
use filch_timer::Instant;
use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

/// What a worker gets done by itself in that many nanoseconds is not worth a wake, wherever sleeps are cheap. It takes
/// a third of that until the woken one runs a task, and about as much processor time of both. With 10 µs here, tasks
/// that share a channel took twice the processor time (docs/architecture.md).
const WAKE_COST: u64 = 30_000;

/// Where a sleep costs more than half of that (`price.rs`), what is done in twice its price is not worth a wake either:
/// whoever is called comes when half of it is done.
const SLEEPS_PER_WAKE: u64 = 2;

/// Until a woken worker runs a task it takes about this long: enough where there seems to be no end to the work.
const WAKE_TIME: u64 = 10_000;

/// A poll shorter than this is not worth moving to another core. The move costs about 0.4 µs, as the
/// task, what it touches, its memory and the queue's lines change sides: two workers that share
/// tasks as short as that are slower than one. The limit has to be well above that cost, or polls
/// that are slow because two workers share them would keep them sharing (docs/architecture.md).
const MOVE_COST: u64 = 1_000;

/// So much waiting work is worth help all the same: there may be many helpers.
const LONG_BACKLOG: u64 = 10_000_000;

/// So is what waits at a worker that has not slept for this long: its tasks are many, or come back, and a task
/// that comes back moves once and is polled often. Not measured beyond that `wake/yield` gains by it.
const LONG_AWAKE: Duration = Duration::from_millis(3);

/// A worker's typical time per poll in nanoseconds. Written by its worker, and by the backstop when
/// the worker is stuck; read by everybody.
///
/// It follows the median of the measured spans, not their mean: one long poll among thousands of
/// short ones, such as that of the task that spawned them, says nothing about the short ones.
#[derive(Debug)]
pub(crate) struct Pace {
    typical: AtomicU64,
    /// The worker has not slept for long.
    saturated: AtomicBool,
    /// Between the last two beats of the backstop it used little processor time, since it waited for something.
    mostly_blocked: AtomicBool,
    /// What is not worth a wake, in nanoseconds.
    wake_cost: AtomicU64,
}

impl Pace {
    /// Before anything is known, two tasks are worth a wake.
    pub(crate) fn new() -> Pace {
        Pace {
            typical: AtomicU64::new(WAKE_COST),
            saturated: AtomicBool::new(false),
            mostly_blocked: AtomicBool::new(false),
            wake_cost: AtomicU64::new(WAKE_COST),
        }
    }

    /// What a sleep costs on this machine, as far as the worker knows.
    pub(crate) fn learn_price(&self, price: Duration) {
        let cost = SLEEPS_PER_WAKE * price.as_nanos() as u64;
        self.wake_cost.store(cost.max(WAKE_COST), Relaxed);
    }

    /// Whether so many waiting tasks are worth another worker's help: more than the one that the
    /// worker runs next anyway, together longer than a wake, and each longer than its move, unless there seems
    /// to be no end to them.
    #[inline]
    pub(crate) fn is_worth_help(&self, waiting: usize) -> bool {
        if waiting < 2 {
            return false;
        }
        let each = self.typical.load(Relaxed);
        let together = each.saturating_mul(waiting as u64);
        let is_saturated = self.saturated.load(Relaxed);
        let is_endless = is_saturated || together >= LONG_BACKLOG;
        let least = match is_saturated {
            true => WAKE_TIME,
            false => self.wake_cost.load(Relaxed),
        };
        together >= least && (each >= MOVE_COST || is_endless)
    }

    /// About how long so many tasks take.
    pub(crate) fn time_for(&self, waiting: usize) -> Duration {
        let each = self.typical.load(Relaxed);
        Duration::from_nanos(each.saturating_mul(waiting as u64))
    }

    /// Whether the worker leaves its processor unused for most of the time in which it is busy: its polls block.
    pub(crate) fn is_mostly_blocked(&self) -> bool {
        self.mostly_blocked.load(Relaxed)
    }

    /// The worker has been in one poll for so long that everything behind it is worth help.
    pub(crate) fn mark_stuck(&self) {
        self.typical.store(self.wake_cost.load(Relaxed), Relaxed);
    }

    /// Steps towards a new measurement, by a factor of two at most: up after a longer span, down
    /// after a shorter one, and so to the median.
    fn add(&self, each: u64) {
        let typical = self.typical.load(Relaxed);
        let next = each.clamp(typical / 2, 2 * typical + 1);
        self.typical.store(next, Relaxed);
    }
}

/// The worker's readings of the clocks since it last slept; none after a sleep.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    readings: Cell<Option<Readings>>,
    /// The time of the backstop's last beat, and what the thread had used and waited by then.
    beat: Cell<Option<(Instant, Usage)>>,
}

#[derive(Clone, Copy, Debug)]
struct Readings {
    first: Instant,
    last: Instant,
    /// The worker's count of polls at the last.
    polls: u32,
}

impl Stopwatch {
    pub(crate) fn new() -> Stopwatch {
        let (readings, beat) = (Cell::new(None), Cell::new(None));
        Stopwatch { readings, beat }
    }

    /// The clock was read after so many polls.
    pub(crate) fn read(&self, now: Instant, polls: u32, pace: &Pace) {
        let before = self.readings.get();
        let first = before.map_or(now, |before| before.first);
        let last = now;
        self.readings.set(Some(Readings { first, last, polls }));
        let Some(before) = before else { return };
        if let Some(polls) = NonZeroU32::new(polls.wrapping_sub(before.polls)) {
            let span = now.duration_since(before.last).as_nanos() as u64;
            pace.add(span / u64::from(polls.get()));
        }
        if now.duration_since(first) >= LONG_AWAKE {
            pace.saturated.store(true, Relaxed);
        }
    }

    /// The worker is about to sleep, or begins to work: the time until the next reading says nothing.
    pub(crate) fn pause(&self, pace: &Pace) {
        self.readings.set(None);
        self.beat.set(None);
        pace.saturated.store(false, Relaxed);
        pace.mostly_blocked.store(false, Relaxed);
    }

    /// The backstop's beat has moved. `usage`: what the thread has used and waited so far. Who gets little processor
    /// time because others have it is preempted, and does not wait of its own accord.
    pub(crate) fn beat(&self, now: Instant, usage: Option<Usage>, pace: &Pace) {
        let before = self.beat.replace(usage.map(|usage| (now, usage)));
        if let (Some((last, before)), Some(usage)) = (before, usage) {
            let lately = usage.cpu.saturating_sub(before.cpu);
            let is_little = 4 * lately < now.duration_since(last);
            let waits = usage.waits.wrapping_sub(before.waits);
            let preemptions = usage.preemptions.wrapping_sub(before.preemptions);
            pace.mostly_blocked
                .store(is_little && waits > preemptions, Relaxed);
        }
    }
}

/// A measurement of one poll: of the first after each beat of the backstop. It finds out, within some beats, who
/// computes for about as long as a poll may, which the backstop's looks from outside do not: between two of them such a
/// poll has come and gone.
#[derive(Debug)]
pub(crate) struct Sample(
    /// The thread's processor time at the poll's start, in nanoseconds, plus one; 0: none is measured.
    Cell<u64>,
);

impl Sample {
    pub(crate) fn new() -> Sample {
        Sample(Cell::new(0))
    }

    /// The next poll is to be measured.
    pub(crate) fn start(&self) {
        let cpu = sys::own_cpu_time();
        self.0.set(cpu.map_or(0, |cpu| cpu.as_nanos() as u64 + 1));
    }

    /// Whether this poll is being measured.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.0.get() != 0
    }

    /// Something else has measured it.
    pub(crate) fn cancel(&self) {
        self.0.set(0);
    }

    /// The poll has ended: the processor time that it has used.
    pub(crate) fn end(&self) -> Duration {
        let start = Duration::from_nanos(self.0.replace(0).saturating_sub(1));
        let end = sys::own_cpu_time();
        end.map_or(Duration::ZERO, |end| end.saturating_sub(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_polls_and_forgets_the_sleep() {
        let start = Instant::from_nanos(1 << 40);
        let (pace, watch) = (Pace::new(), Stopwatch::new());
        assert!(pace.is_worth_help(2) && !pace.is_worth_help(1));
        for i in 0..40 {
            watch.read(start + Duration::from_micros(64) * i, i * 32, &pace);
        }
        // Two microseconds each.
        assert!(!pace.is_worth_help(14) && pace.is_worth_help(15));
        watch.pause(&pace);
        watch.read(start + Duration::from_secs(9), 41 * 32, &pace);
        assert!(!pace.is_worth_help(14) && pace.is_worth_help(15));
        pace.mark_stuck();
        assert!(pace.is_worth_help(2));
    }

    #[test]
    fn who_blocks_uses_little_processor_time() {
        let (start, ms) = (Instant::from_nanos(1 << 40), Duration::from_millis);
        let (pace, watch) = (Pace::new(), Stopwatch::new());
        let beat = |at, used, waits, preemptions| {
            let cpu = ms(used);
            let usage = Usage {
                cpu,
                waits,
                preemptions,
            };
            watch.beat(start + ms(at), Some(usage), &pace);
            pace.is_mostly_blocked()
        };
        assert!(!beat(0, 50, 7, 7));
        assert!(!beat(4, 52, 8, 7) && beat(8, 52, 9, 7) && beat(12, 52, 10, 7));
        assert!(!beat(16, 55, 11, 7), "it used what there was");
        assert!(!beat(20, 55, 12, 8), "others used it");
        assert!(beat(24, 55, 13, 8));
        watch.pause(&pace);
        assert!(!beat(99, 55, 14, 8), "it slept in between");
    }

    #[test]
    fn what_waits_at_a_worker_that_never_sleeps_is_worth_help_however_short() {
        let start = Instant::from_nanos(1 << 40);
        let (pace, watch) = (Pace::new(), Stopwatch::new());
        let read = |span: Duration| watch.read(start + span, (span.as_nanos() / 100) as u32, &pace);
        (0..100).for_each(|i| read(Duration::from_micros(10) * i));
        assert!(!pace.is_worth_help(400), "so far they may be few");
        read(LONG_AWAKE);
        assert!(pace.is_worth_help(400) && !pace.is_worth_help(2));
        watch.pause(&pace);
        assert!(!pace.is_worth_help(400));
    }

    #[test]
    fn where_a_sleep_is_dear_more_has_to_wait() {
        let pace = Pace::new();
        (0..40).for_each(|_| pace.add(15_000));
        assert!(pace.is_worth_help(2));
        pace.learn_price(Duration::from_micros(60));
        assert!(!pace.is_worth_help(7) && pace.is_worth_help(8));
        pace.mark_stuck();
        assert!(pace.is_worth_help(2), "behind a long poll");
        pace.learn_price(Duration::from_micros(5));
        (0..40).for_each(|_| pace.add(15_000));
        assert!(pace.is_worth_help(2));
    }

    #[cfg(all(target_os = "linux", not(filch_loom)))]
    #[test]
    #[cfg_attr(miri, ignore = "Miri knows of no processor time")]
    fn a_sample_is_of_one_poll() {
        let sample = Sample::new();
        assert!(!sample.is_on());
        sample.start();
        assert!(sample.is_on());
        let before = sys::own_cpu_time().expect("Linux says");
        while sys::own_cpu_time().expect("Linux says") < before + Duration::from_millis(1) {}
        assert!(sample.end() >= Duration::from_millis(1) && !sample.is_on());
        sample.start();
        sample.cancel();
        assert!(!sample.is_on());
    }

    #[test]
    fn one_long_poll_among_short_ones_changes_little() {
        let pace = Pace::new();
        (0..10).for_each(|_| pace.add(100));
        assert!(!pace.is_worth_help(1000), "they are shorter than a move");
        pace.add(1_000_000);
        assert!(!pace.is_worth_help(1000));
        assert!(pace.is_worth_help(60_000), "a backlog of 10 ms");
        (0..20).for_each(|_| pace.add(1_000_000));
        assert!(pace.is_worth_help(2));
    }
}
