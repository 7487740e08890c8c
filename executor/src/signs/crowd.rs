//! Whether others want the processor of a thread that looks around instead of sleeping.
//!
//! Whoever never sleeps uses up its share of the processor and, on a machine that has more to do than processors,
//! waits in the end while others use theirs; and a thread that is woken is put on a processor that is free, while one
//! that was preempted waits where it is. So with company, sleeping is the better choice. A thread notices the company
//! by being preempted often: some 50 times a second by what a quiet machine does besides, and by the backstop, which
//! looks up to 250 times a second where workers never sleep; 1,500 times where a server and its load generator fill all
//! processors (docs/benchmarks.md).

use crate::sys;
use filch_timer::Instant;
use std::cell::Cell;
use std::time::Duration;

/// So often a thread looks, at most.
const EVERY: Duration = Duration::from_millis(10);
/// Preempted so many times in that time, it has company.
const MANY: u64 = 8;

/// What a thread knows about others on its processor.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// When it looked, and how often it had been preempted by then.
    last: Cell<Option<(Instant, u64)>>,
    is_crowded: Cell<bool>,
}

impl Crowd {
    pub(crate) fn new() -> Crowd {
        Crowd {
            last: Cell::new(None),
            is_crowded: Cell::new(true),
        }
    }

    /// Whether others want this processor, as far as the last look knows. Until the second one, and where the system
    /// does not tell, they may.
    pub(crate) fn is_there(&self, now: Instant) -> bool {
        let is_due = |(last, _): (Instant, u64)| now.duration_since(last) >= EVERY;
        if self.last.get().is_none_or(is_due) {
            if let Some(usage) = sys::own_usage() {
                self.look(now, usage.preemptions);
            }
        }
        self.is_crowded.get()
    }

    /// The same, without looking.
    pub(crate) fn was_there(&self) -> bool {
        self.is_crowded.get()
    }

    fn look(&self, now: Instant, preemptions: u64) {
        if let Some((last, before)) = self.last.replace(Some((now, preemptions))) {
            let spans = now.duration_since(last).as_nanos() / EVERY.as_nanos();
            let many = u128::from(MANY) * spans.max(1);
            // Another thread may have had this seat before.
            let times = u128::from(preemptions.wrapping_sub(before));
            self.is_crowded.set(times >= many);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn company_is_who_preempts_often() {
        let (crowd, start) = (Crowd::new(), Instant::from_nanos(1 << 40));
        let look = |ms, preemptions| {
            crowd.look(start + Duration::from_millis(ms), preemptions);
            crowd.is_crowded.get()
        };
        assert!(look(0, 100), "nothing is known yet");
        assert!(!look(10, 107));
        assert!(look(20, 115));
        assert!(!look(1020, 500), "over a second that is little");
        assert!(look(2020, 2000));
        assert!(look(2030, 3), "another thread");
    }
}
