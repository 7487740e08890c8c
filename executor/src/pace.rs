//! How long a worker's polls take, on average and lately.
//!
//! Fed by the clock readings that a worker does anyway, it costs nothing per poll. It decides whether
//! waking another worker is worth it; a wrong guess costs time, never a task.

use filch_timer::Instant;
use std::cell::Cell;

/// What a poll is taken to cost before anything is known, in nanoseconds: eager to wake others.
const UNKNOWN: u64 = 10_000;

/// A running average over the last few readings of the clock.
#[derive(Debug)]
pub(crate) struct Pace {
    average: Cell<u64>,
    /// The last reading, and the count of polls then; none while the worker slept in between.
    last: Cell<Option<(Instant, u32)>>,
}

impl Pace {
    pub(crate) fn new() -> Pace {
        Pace { average: Cell::new(UNKNOWN), last: Cell::new(None) }
    }

    /// The clock was read after so many polls.
    pub(crate) fn read(&self, now: Instant, polls: u32) {
        if let Some((last, before)) = self.last.replace(Some((now, polls)))
            && let Some(polls) = std::num::NonZeroU32::new(polls.wrapping_sub(before))
        {
            let each = now.duration_since(last).as_nanos() as u64 / u64::from(polls.get());
            self.average.set((3 * self.average.get() + each) / 4);
        }
    }

    /// The worker is about to sleep: the time until the next reading says nothing.
    pub(crate) fn pause(&self) {
        self.last.set(None);
    }

    /// How long `polls` polls will take, in nanoseconds.
    pub(crate) fn time_for(&self, polls: usize) -> u64 {
        self.average.get().saturating_mul(polls as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_average_follows_the_polls_and_forgets_the_sleep() {
        let start = Instant::from_nanos(1 << 40);
        let pace = Pace::new();
        for i in 0..40 {
            pace.read(start + Duration::from_micros(32) * i, i * 32);
        }
        assert!((900..1200).contains(&pace.time_for(1)), "{}", pace.time_for(1));
        pace.pause();
        pace.read(start + Duration::from_secs(9), 41 * 32);
        assert!((900..1200).contains(&pace.time_for(1)), "{}", pace.time_for(1));
    }
}
