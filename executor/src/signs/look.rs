//! How long to look around before a sleep, and whether.
//!
//! A sleep and the wake that ends it cost two switches and, where an idle processor has to be called back, much more.
//! Whoever finds by looking around what would have ended its sleep has saved that; whoever does not has wasted the
//! time. As with any choice between renting and buying, nobody should look for longer than a sleep costs ([`Price`]).
//! How often it pays shows only afterwards, so each look is paid from what earlier ones have saved:
//!
//! - a look that finds something earns the price, less the time that it took;
//! - one in vain costs one and a half times its time;
//! - a sleep that a look would have saved earns a fourth of what that would have earned;
//! - debts are bounded, so that a change for the better is noticed, and so are savings.
//!
//! So a worker with nothing to come sleeps at once, after few attempts in vain. (KVM does the same before it puts an
//! idle virtual processor to sleep: `halt_poll_ns`, Documentation/virt/kvm/halt-polling.rst.)
//!
//! # Trials
//!
//! An I/O event bears no time: of a sleep that it ended, nobody knows how much was waiting for the event and how much
//! was the wake. So now and then a few sleeps in a row begin with a look that is longer than the price. If these looks
//! find the event soon, regularly, where the sleeps took long, the difference is the price. If not, the next trial is
//! twice as far away. Where sleeps are so long that no look could find what ends them, there is none.
//!
//! Everything here is a number: the clock is the caller's, and whether others want the processor is `crowd.rs`'s.

use super::price::{Price, nanos};
use std::cell::Cell;
use std::time::Duration;

/// The shortest look for I/O events: so much a sleep costs wherever it is cheap.
pub(crate) const FOR_EVENTS: Duration = Duration::from_micros(20);
/// The shortest look at the own word, about as long as a wake takes where it is cheap.
pub(crate) const FOR_WORD: Duration = Duration::from_micros(10);
/// The longest look of either kind.
const LONGEST: Duration = Duration::from_micros(150);

/// What a look earns that finds something at once, and what one in vain costs, in hundredths of its longest time.
const EARNED_PERCENT: i64 = 100;
const LOST_PERCENT: i64 = 150;
/// A sleep that a look would have saved counts as much as this part of such a look.
const GUESSED_PART: i64 = 4;
/// Savings and debts of at most so many of the longest looks now.
const RESERVE: i64 = 4;

/// Looks in a row that make a trial. Three of them have to find something.
const TRIAL: u32 = 4;
/// How long they are at least; else twice the price.
const TRIAL_LENGTH: Duration = Duration::from_micros(100);
/// Sleeps from one trial to the next, and after trials in vain.
const TRIAL_EVERY: u32 = 16;
const TRIAL_RARELY: u32 = 1024;

/// The time between two looks: short, but it leaves the memory that others write, and a sibling processor, alone for a
/// while.
pub(crate) fn pause() {
    (0..20).for_each(|_| std::hint::spin_loop());
}

/// Whether a worker looks around before it sleeps. The choice between a little processor time and a little latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdleLook {
    /// Never: a worker that has nothing to do sleeps at once.
    Off,
    /// While it pays off: as long as a sleep costs on this machine, which is learnt, and only if looks of late have
    /// found something most of the time, and if nobody else wants the processor.
    #[default]
    Adaptive,
    /// For so long before each sleep, whether it pays off or not.
    For(Duration),
}

/// What looking around has brought lately, and so whether it goes on.
#[derive(Debug)]
pub(crate) struct Look {
    kind: IdleLook,
    shortest: Duration,
    /// In nanoseconds.
    savings: Cell<i64>,
    /// How long a sleep takes that an event ends, in nanoseconds: about the median.
    usual: Cell<u64>,
    trial: Cell<Trial>,
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    /// Sleeps until the next one.
    wait: u32,
    /// So many were waited for.
    every: u32,
    /// Looks left of this one.
    left: u32,
    found: u32,
    /// After how long, in all.
    time: Duration,
}

impl Look {
    pub(crate) fn new(kind: IdleLook, shortest: Duration) -> Look {
        let trial = Trial {
            wait: TRIAL_EVERY,
            every: TRIAL_EVERY,
            left: 0,
            found: 0,
            time: Duration::ZERO,
        };
        Look {
            kind,
            shortest,
            savings: Cell::new(0),
            usual: Cell::new(0),
            trial: Cell::new(trial),
        }
    }

    /// How long to look around before the sleep that begins now; `None`: not at all.
    pub(crate) fn length(&self, price: &Price) -> Option<Duration> {
        match self.kind {
            IdleLook::Off => None,
            IdleLook::For(time) => Some(time).filter(|time| !time.is_zero()),
            IdleLook::Adaptive if self.trial.get().left > 0 => Some(trial_length(price)),
            IdleLook::Adaptive => {
                let longest = self.longest(price);
                (self.savings.get() >= signed(longest)).then_some(longest)
            }
        }
    }

    /// Whether company forbids it: else it was asked for, company or not.
    pub(crate) fn is_adaptive(&self) -> bool {
        self.kind == IdleLook::Adaptive
    }

    /// The look has found something.
    pub(crate) fn found(&self, after: Duration, price: &Price) {
        let longest = self.longest(price);
        self.save(earned(longest) - signed(after), longest);
        self.count_trial(Some(after), price);
    }

    /// The look has found nothing.
    pub(crate) fn looked_in_vain(&self, for_time: Duration, price: &Price) {
        self.save(-signed(for_time) * LOST_PERCENT / 100, self.longest(price));
        self.count_trial(None, price);
    }

    /// A sleep, without a look before it, was to end after this time, and an unpark said so.
    pub(crate) fn slept(&self, gap: Duration, price: &Price) {
        let longest = self.longest(price);
        if gap < longest {
            let gain = earned(longest) - signed(gap);
            self.save(gain.max(0) / GUESSED_PART, longest);
        }
    }

    /// A sleep, without a look before it, has ended for an event after this time.
    pub(crate) fn slept_for_event(&self, took: Duration, price: &Price) {
        let (usual, took_nanos) = (self.usual.get(), nanos(took));
        let step = match usual {
            0 => took_nanos,
            _ => (usual / 8 + 1000).min(usual.abs_diff(took_nanos)),
        };
        self.usual.set(if took_nanos > usual {
            usual + step
        } else {
            usual - step
        });
        self.slept(took.saturating_sub(price.get()), price);
        let mut trial = self.trial.get();
        trial.wait = trial.wait.saturating_sub(1);
        let could_find = Duration::from_nanos(self.usual.get()) < trial_length(price) + LONGEST;
        if trial.wait == 0 && could_find {
            (trial.left, trial.found, trial.time) = (TRIAL, 0, Duration::ZERO);
        }
        self.trial.set(trial);
    }

    fn longest(&self, price: &Price) -> Duration {
        price.get().clamp(self.shortest, LONGEST)
    }

    fn save(&self, gain: i64, longest: Duration) {
        let most = RESERVE * signed(longest);
        self.savings
            .set((self.savings.get() + gain).clamp(-most, most));
    }

    fn count_trial(&self, found: Option<Duration>, price: &Price) {
        let mut trial = self.trial.get();
        if trial.left == 0 {
            return;
        }
        trial.left -= 1;
        if let Some(after) = found {
            trial.found += 1;
            trial.time += after;
        }
        // One in four may fail.
        if trial.found + trial.left < TRIAL - 1 {
            trial.left = 0;
        }
        if trial.left == 0 {
            self.end_trial(&mut trial, price);
        }
        self.trial.set(trial);
    }

    fn end_trial(&self, trial: &mut Trial, price: &Price) {
        let mut pays = false;
        if trial.found >= TRIAL - 1 {
            let after = trial.time / trial.found;
            let late = Duration::from_nanos(self.usual.get()).checked_sub(after);
            late.into_iter().for_each(|late| price.learn_much(late));
            let longest = self.longest(price);
            // What the trial has shown need not be earned again.
            pays = signed(after) < earned(longest);
            if pays {
                self.savings
                    .set(self.savings.get().max(2 * signed(longest)));
            }
        }
        trial.every = match pays {
            true => TRIAL_EVERY,
            false => (2 * trial.every).min(TRIAL_RARELY),
        };
        trial.wait = trial.every;
    }
}

fn trial_length(price: &Price) -> Duration {
    TRIAL_LENGTH.max(2 * price.get()).min(2 * LONGEST)
}

/// What a look earns that finds something at once.
fn earned(longest: Duration) -> i64 {
    signed(longest) * EARNED_PERCENT / 100
}

fn signed(time: Duration) -> i64 {
    nanos(time) as i64
}

#[cfg(test)]
mod tests;
