//! How long a worker's polls take, on average and lately.
//!
//! Fed by the clock readings that a worker does anyway, it costs nothing per poll. It decides whether
//! what waits at a worker is worth another worker's coming; a wrong guess costs time, never a task.

use filch_timer::Instant;
use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// About what it takes until a woken worker runs a task, in nanoseconds (docs/benchmarks.md). What a
/// worker gets done by itself in that time is not worth a wake, nor the cache misses of a steal.
const WAKE_COST: u64 = 10_000;

/// A worker's average time per poll in nanoseconds. Written by its worker, and by the backstop when
/// the worker is stuck; read by everybody.
#[derive(Debug)]
pub(crate) struct Pace(AtomicU64);

impl Pace {
    /// Before anything is known, two tasks are worth a wake.
    pub(crate) fn new() -> Pace {
        Pace(AtomicU64::new(WAKE_COST))
    }

    /// Whether so many waiting tasks are worth another worker's help: more than the one that the
    /// worker runs next anyway, and together longer than a wake.
    pub(crate) fn is_worth_help(&self, waiting: usize) -> bool {
        waiting >= 2 && self.0.load(Relaxed).saturating_mul(waiting as u64) >= WAKE_COST
    }

    /// The worker has been in one poll for so long that everything behind it is worth help.
    pub(crate) fn mark_stuck(&self) {
        self.0.store(WAKE_COST, Relaxed);
    }

    fn add(&self, each: u64) {
        self.0.store((3 * self.0.load(Relaxed) + each) / 4, Relaxed);
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
    fn the_average_follows_the_polls_and_forgets_the_sleep() {
        let start = Instant::from_nanos(1 << 40);
        let (pace, watch) = (Pace::new(), Stopwatch::new());
        assert!(pace.is_worth_help(2) && !pace.is_worth_help(1));
        for i in 0..40 {
            watch.read(start + Duration::from_micros(32) * i, i * 32, &pace);
        }
        // About a microsecond each.
        assert!(!pace.is_worth_help(8) && pace.is_worth_help(12));
        watch.pause();
        watch.read(start + Duration::from_secs(9), 41 * 32, &pace);
        assert!(!pace.is_worth_help(8) && pace.is_worth_help(12));
        pace.mark_stuck();
        assert!(pace.is_worth_help(2));
    }
}
