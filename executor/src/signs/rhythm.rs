//! When a local runtime looks after timers and I/O: by time, as a large one does.
//!
//! A large runtime's workers look every so many polls, and when the backstop's beat says that time has passed. A local
//! runtime has no backstop, so its one thread beats by itself: after each poll it asks the coarse clock, which costs
//! about 5 ns and says that some milliseconds have passed. Within these the last look tells how long polls take, and so
//! how many may pass until the next.

use filch_timer::Instant;
use std::cell::Cell;
use std::time::Duration;

/// So long between two looks, as far as the polls since the last tell, or the coarse clock.
const BETWEEN_LOOKS: Duration = Duration::from_micros(100);

/// The last look.
#[derive(Debug)]
pub(crate) struct Rhythm {
    looked: Cell<Instant>,
    /// The worker's count of polls by then.
    tick: Cell<u32>,
    /// So many more until the next. Where polls are short the worker looks sooner, by its own count.
    polls: Cell<u32>,
}

impl Rhythm {
    pub(crate) fn new() -> Rhythm {
        Rhythm {
            looked: Cell::new(Instant::from_nanos(0)),
            tick: Cell::new(0),
            polls: Cell::new(1),
        }
    }

    /// Whether to look again. `coarse` reads the coarse clock.
    #[inline]
    pub(crate) fn is_due(&self, tick: u32, coarse: impl FnOnce() -> Instant) -> bool {
        tick.wrapping_sub(self.tick.get()) >= self.polls.get()
            || coarse().duration_since(self.looked.get()) >= BETWEEN_LOOKS
    }

    /// The worker has looked.
    pub(crate) fn looked(&self, now: Instant, tick: u32) {
        let span = now.duration_since(self.looked.replace(now)).as_nanos() as u64;
        let polls = u64::from(tick.wrapping_sub(self.tick.replace(tick)));
        let fitting = BETWEEN_LOOKS.as_nanos() as u64 * polls / span.max(1);
        // A short poll or two say little of the next: no more than twice as many as were seen.
        let most = polls.max(u64::from(self.polls.get())).saturating_mul(2);
        self.polls
            .set(fitting.clamp(1, most.min(u64::from(u32::MAX))) as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_after_some_polls_or_some_time() {
        let start = Instant::from_nanos(1 << 40);
        let after = |micros| start + Duration::from_micros(micros);
        let rhythm = Rhythm::new();
        assert!(rhythm.is_due(1, || start), "nothing is known of the polls");
        rhythm.looked(start, 1);
        // Ten polls of 10 µs.
        rhythm.looked(after(100), 11);
        assert!(!rhythm.is_due(20, || after(199)) && rhythm.is_due(21, || after(199)));
        assert!(rhythm.is_due(12, || after(200)), "the eleventh was long");
        rhythm.looked(after(20_100), 12);
        assert!(rhythm.is_due(13, || start), "and so may be the next");
        // Many short ones.
        rhythm.looked(after(20_101), 42);
        assert!(!rhythm.is_due(101, || start) && rhythm.is_due(102, || start));
        // A short one after a long one.
        rhythm.looked(after(40_101), 43);
        rhythm.looked(after(40_102), 44);
        assert!(!rhythm.is_due(45, || start) && rhythm.is_due(46, || start));
    }
}
