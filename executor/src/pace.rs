//! How long a worker's polls typically take, lately.
//!
//! Fed by the clock readings that a worker does anyway, it costs nothing per poll. It decides whether
//! what waits at a worker is worth another worker's coming; a wrong guess costs time, never a task.

use filch_timer::Instant;
use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// About what it takes until a woken worker runs a task, in nanoseconds (docs/benchmarks.md). What a
/// worker gets done by itself in that time is not worth a wake.
const WAKE_COST: u64 = 10_000;

/// A poll shorter than this is not worth moving to another core. The move costs about 0.4 µs, as the
/// task, what it touches, its memory and the queue's lines change sides: two workers that share
/// tasks as short as that are slower than one. The limit has to be well above that cost, or polls
/// that are slow because two workers share them would keep them sharing (docs/architecture.md).
const MOVE_COST: u64 = 1_000;

/// So much waiting work is worth help all the same: there may be many helpers.
const LONG_BACKLOG: u64 = 10_000_000;

/// A worker's typical time per poll in nanoseconds. Written by its worker, and by the backstop when
/// the worker is stuck; read by everybody.
///
/// It follows the median of the measured spans, not their mean: one long poll among thousands of
/// short ones, such as that of the task that spawned them, says nothing about the short ones.
#[derive(Debug)]
pub(crate) struct Pace(AtomicU64);

impl Pace {
    /// Before anything is known, two tasks are worth a wake.
    pub(crate) fn new() -> Pace {
        Pace(AtomicU64::new(WAKE_COST))
    }

    /// Whether so many waiting tasks are worth another worker's help: more than the one that the
    /// worker runs next anyway, together longer than a wake, and each longer than its move.
    pub(crate) fn is_worth_help(&self, waiting: usize) -> bool {
        let each = self.0.load(Relaxed);
        let together = each.saturating_mul(waiting as u64);
        waiting >= 2 && together >= WAKE_COST && (each >= MOVE_COST || together >= LONG_BACKLOG)
    }

    /// The worker has been in one poll for so long that everything behind it is worth help.
    pub(crate) fn mark_stuck(&self) {
        self.0.store(WAKE_COST, Relaxed);
    }

    /// Steps towards a new measurement, by a factor of two at most: up after a longer span, down
    /// after a shorter one, and so to the median.
    fn add(&self, each: u64) {
        let typical = self.0.load(Relaxed);
        let next = each.clamp(typical / 2, 2 * typical + 1);
        self.0.store(next, Relaxed);
    }
}

/// The worker's last reading of the clock, and its count of polls then; none after a sleep.
#[derive(Debug)]
pub(crate) struct Stopwatch(Cell<Option<(Instant, u32)>>);

impl Stopwatch {
    pub(crate) fn new() -> Stopwatch {
        Stopwatch(Cell::new(None))
    }

    /// The clock was read after so many polls.
    pub(crate) fn read(&self, now: Instant, polls: u32, pace: &Pace) {
        if let Some((last, before)) = self.0.replace(Some((now, polls)))
            && let Some(polls) = NonZeroU32::new(polls.wrapping_sub(before))
        {
            pace.add(now.duration_since(last).as_nanos() as u64 / u64::from(polls.get()));
        }
    }

    /// The worker is about to sleep: the time until the next reading says nothing.
    pub(crate) fn pause(&self) {
        self.0.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_follows_the_polls_and_forgets_the_sleep() {
        let start = Instant::from_nanos(1 << 40);
        let (pace, watch) = (Pace::new(), Stopwatch::new());
        assert!(pace.is_worth_help(2) && !pace.is_worth_help(1));
        for i in 0..40 {
            watch.read(start + Duration::from_micros(64) * i, i * 32, &pace);
        }
        // Two microseconds each.
        assert!(!pace.is_worth_help(4) && pace.is_worth_help(5));
        watch.pause();
        watch.read(start + Duration::from_secs(9), 41 * 32, &pace);
        assert!(!pace.is_worth_help(4) && pace.is_worth_help(5));
        pace.mark_stuck();
        assert!(pace.is_worth_help(2));
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
