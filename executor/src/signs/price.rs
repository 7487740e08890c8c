//! What a sleep costs on this machine: from the moment that something should have ended it to the sleeper's return.
//!
//! On bare metal that is a switch and little more; on a virtual machine an idle processor has to be called back by the
//! hypervisor, ten times as long. Nobody tells, so it is learnt where it can be seen: an unpark bears the time of its
//! call, a timed sleep knows when it should have ended, and of I/O, whose events bear no time, trial looks tell
//! (`look.rs`). The worker that sleeps writes and reads it, nobody else.

use std::cell::Cell;
use std::time::Duration;

/// What a sleep is taken to cost before anything is known.
const FIRST: Duration = Duration::from_micros(20);
/// A wake that took longer waited for something else, such as a processor.
const MOST: Duration = Duration::from_micros(250);
/// A sample moves the price by this part of it, or of the distance if that is less: a median, which outliers leave
/// alone.
const STEP: u64 = 8;

/// The price of a sleep, as far as a worker knows, in nanoseconds; 0 is nothing.
#[derive(Debug)]
pub(crate) struct Price(Cell<u64>);

impl Price {
    pub(crate) fn new() -> Price {
        Price(Cell::new(0))
    }

    pub(crate) fn get(&self) -> Duration {
        match self.0.get() {
            0 => FIRST,
            price => Duration::from_nanos(price),
        }
    }

    /// A sleep went on for so long after it should have ended.
    pub(crate) fn learn(&self, late: Duration) {
        let (price, late) = (nanos(self.get()), nanos(late.min(MOST)));
        let step = (price / STEP + 1).min(price.abs_diff(late));
        self.0.set(if late > price {
            price + step
        } else {
            price - step
        });
    }

    /// The same, out of several sleeps and looks: half of the way at once, as such news are rare, and all of it where
    /// nothing was known.
    pub(crate) fn learn_much(&self, late: Duration) {
        let late = nanos(late.min(MOST)).max(1);
        let moved = match self.0.get() {
            0 => late,
            price => (price + late) / 2,
        };
        self.0.set(moved);
    }
}

/// In nanoseconds, all of a second and more being the same here.
pub(super) fn nanos(time: Duration) -> u64 {
    time.min(Duration::from_secs(1)).as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(samples: impl IntoIterator<Item = u64>) -> u128 {
        let price = Price::new();
        for late in samples {
            price.learn(Duration::from_micros(late));
        }
        price.get().as_micros()
    }

    #[test]
    fn it_follows_what_sleeps_cost() {
        assert!((55..=65).contains(&after([60; 40])));
        assert!((4..=6).contains(&after([5; 40])));
    }

    #[test]
    fn a_wake_in_four_that_waits_for_a_processor_moves_it_little() {
        let samples = (0..200).map(|i| if i % 4 == 0 { 3000 } else { 60 });
        assert!((55..=75).contains(&after(samples)));
    }

    #[test]
    fn a_few_comparisons_are_enough() {
        let price = Price::new();
        (0..3).for_each(|_| price.learn_much(Duration::from_micros(80)));
        assert!((70..=80).contains(&price.get().as_micros()));
        (0..99).for_each(|_| price.learn_much(Duration::from_secs(9)));
        assert!(price.get() <= MOST);
    }
}
