//! The turn of the poll that runs on this thread: how much it may still do while it is never short of work.
//!
//! A poll starts with a budget. When that is used up, or the time slice, every leaf that it asks is refused until the
//! poll ends, which ends it soon: nothing in it is ready any more. But a poll need not end for that. Another library's
//! `block_on` in a task polls its future again and again, and so does a loop in a hand-written `poll`. There the budget
//! is renewed, or the poll would never get on.
//!
//! Whether a poll goes on in spite of the refusals, or is still on its way through 10,000 futures that it polls once
//! each, the leaves tell: if one comes again, the poll has gone round. Then it is renewed once it has gone on for a
//! slice since the first refusal. (By time alone, `join_all` of many would get one budget after the other; by a count
//! of refusals, too.) A poll that asks with a new leaf each time, and never ends, is renewed as well, but late.
//!
//! What an operation costs, and what being refused means, is in `leaf/budget.rs`.

use filch_timer::{Instant, system_now};
use std::cell::Cell;
use std::time::Duration;

/// Operations that a task may do in one poll before its leaves make it yield: tokio's value. Those that make a system
/// call cost several.
const BUDGET: u8 = 128;

/// How long one poll may keep doing operations that are ready: well below half of the stall threshold, from which on a
/// poll counts as long. At 500 µs, and as many operations on sockets as others, a busy UDP server was taken for a task
/// that computes (docs/architecture.md).
const TIME_SLICE: Duration = Duration::from_micros(250);

/// After so long a poll goes on with a renewed budget though no leaf has come twice.
const LONG_REFUSED: Duration = Duration::from_millis(100);

/// As long as no leaf has come twice, the clock is read once in this many refusals: a thread that is preempted on its
/// way through fewer is not taken for one that goes on and on.
const REFUSALS_PER_LOOK: u32 = 16_384;

/// See the module. All times are in nanoseconds, and 0 means: not yet.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Operations left in this poll.
    pub(crate) left: Cell<u8>,
    /// When this poll first asked for the time.
    asked: Cell<u64>,
    /// When the budget was renewed, or else as `asked`.
    since: Cell<u64>,
    /// When a leaf was first refused since the poll began, or the budget was renewed.
    refused: Cell<u64>,
    /// What was refused since then; nothing while `refused` is 0.
    refusals: Cell<Refusals>,
    /// What runs now is no poll whose end would let others go on: nothing is refused.
    is_free: Cell<bool>,
}

impl Turn {
    pub(crate) const fn new() -> Turn {
        Turn {
            left: Cell::new(BUDGET),
            asked: Cell::new(0),
            since: Cell::new(0),
            refused: Cell::new(0),
            refusals: Cell::new(Refusals::NONE),
            is_free: Cell::new(false),
        }
    }

    /// A poll starts.
    #[inline]
    pub(crate) fn reset(&self) {
        self.left.set(BUDGET);
        self.asked.set(0);
        self.refused.set(0);
    }

    /// Another turn begins within this one; the caller puts this one back at its end.
    pub(crate) fn replace(&self, turn: Turn) -> Turn {
        Turn {
            left: Cell::new(self.left.replace(turn.left.get())),
            asked: Cell::new(self.asked.replace(turn.asked.get())),
            since: Cell::new(self.since.replace(turn.since.get())),
            refused: Cell::new(self.refused.replace(turn.refused.get())),
            refusals: Cell::new(self.refusals.replace(turn.refusals.get())),
            is_free: Cell::new(self.is_free.replace(turn.is_free.get())),
        }
    }

    /// Whether nothing is to be refused.
    pub(crate) fn is_free(&self) -> bool {
        self.is_free.get()
    }

    /// Sets whether nothing is to be refused, and tells how it was.
    pub(crate) fn set_free(&self, is_free: bool) -> bool {
        self.is_free.replace(is_free)
    }

    /// Whether the current poll has gone on for longer than its slice. The first question of a poll
    /// starts the measurement, so that polls that never ask pay nothing. A renewal changes nothing about it.
    pub(crate) fn slice_is_over(&self) -> bool {
        let now = self.ask();
        now.duration_since(Instant::from_nanos(self.asked.get())) >= TIME_SLICE
    }

    /// The same for the budget, which has a slice of its own after each renewal.
    pub(crate) fn is_used_up(&self) -> bool {
        let now = self.ask();
        now.duration_since(Instant::from_nanos(self.since.get())) >= TIME_SLICE
    }

    fn ask(&self) -> Instant {
        let now = system_now();
        if self.asked.get() == 0 {
            self.asked.set(now.as_nanos());
            self.since.set(now.as_nanos());
        }
        now
    }

    /// Refuses a leaf, and with it whatever else this poll asks; `leaf` is where it lies, or null. `false`: the poll
    /// has gone on for so long after refusals that its budget is renewed instead.
    pub(crate) fn refuse(&self, leaf: *const ()) -> bool {
        let first = self.refused.get();
        if first == 0 {
            self.left.set(0);
            self.refused.set(system_now().as_nanos());
            self.refusals.set(Refusals::NONE.and(leaf));
            return true;
        }
        let refusals = self.refusals.get().and(leaf);
        self.refusals.set(refusals);
        let Some(patience) = refusals.patience() else {
            return true;
        };
        let now = system_now();
        if now.duration_since(Instant::from_nanos(first)) < patience {
            return true;
        }
        self.left.set(BUDGET);
        self.refused.set(0);
        if self.asked.get() == 0 {
            self.asked.set(first);
        }
        self.since.set(now.as_nanos());
        false
    }
}

/// The leaves that were refused, one after the other, and whether one has come twice.
///
/// One of them is remembered: the first, the second, the fourth, and so on. So whoever goes round among k leaves is
/// found out after about 2k refusals more than it took before it began to.
#[derive(Clone, Copy, Debug)]
struct Refusals {
    count: u32,
    remembered: *const (),
    has_gone_round: bool,
}

impl Refusals {
    const NONE: Refusals = Refusals {
        count: 0,
        remembered: std::ptr::null(),
        has_gone_round: false,
    };

    /// With another one. One that does not say which it is may be the same again.
    fn and(self, leaf: *const ()) -> Refusals {
        let count = self.count.saturating_add(1);
        Refusals {
            count,
            remembered: match count.is_power_of_two() {
                true => leaf,
                false => self.remembered,
            },
            has_gone_round: self.has_gone_round || leaf.is_null() || leaf == self.remembered,
        }
    }

    /// How long they may have lasted by now; `None`: not to be looked at.
    fn patience(&self) -> Option<Duration> {
        if self.has_gone_round {
            Some(TIME_SLICE)
        } else {
            (self.count % REFUSALS_PER_LOOK == 0).then_some(LONG_REFUSED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::without_provenance;

    /// Asks with each leaf in turn until the budget is renewed, which has to be after `least`.
    fn refuse_until_renewed(turn: &Turn, least: Duration, mut leaf: impl FnMut() -> usize) {
        let start = system_now();
        while turn.refuse(without_provenance(leaf())) {
            assert_eq!(turn.left.get(), 0);
        }
        assert!(system_now().duration_since(start) >= least);
        assert_eq!(turn.left.get(), BUDGET);
    }

    #[test]
    fn who_goes_round_is_renewed_after_a_slice() {
        for leaves in [1, 2, 3, 100] {
            let mut asked = 0;
            refuse_until_renewed(&Turn::new(), TIME_SLICE, || {
                asked += 1;
                // Some before it goes round.
                if asked < 50 {
                    1000 + asked
                } else {
                    1 + asked % leaves
                }
            });
        }
        refuse_until_renewed(&Turn::new(), TIME_SLICE, || 0);
    }

    #[test]
    #[cfg_attr(miri, ignore = "it computes too long for Miri")]
    fn who_goes_on_with_ever_new_leaves_is_renewed_late() {
        let mut asked = 0;
        refuse_until_renewed(&Turn::new(), LONG_REFUSED, || {
            asked += 1;
            asked
        });
    }

    #[test]
    fn a_renewal_does_not_forget_that_the_slice_is_over() {
        let turn = Turn::new();
        assert!(!turn.slice_is_over() && !turn.is_used_up());
        refuse_until_renewed(&turn, TIME_SLICE, || 1);
        assert!(turn.slice_is_over());
        assert!(turn.refuse(without_provenance(1)), "it counts anew");
        turn.reset();
        assert!(!turn.slice_is_over());
        let turn = Turn::new();
        refuse_until_renewed(&turn, TIME_SLICE, || 1);
        assert!(turn.slice_is_over(), "though nobody had asked before");
    }

    #[test]
    fn a_turn_within_another_leaves_that_as_it_was() {
        let turn = Turn::new();
        turn.left.set(7);
        let outer = turn.replace(Turn::new());
        assert_eq!((turn.left.get(), turn.set_free(true)), (BUDGET, false));
        assert!(turn.is_free());
        turn.replace(outer);
        assert_eq!((turn.left.get(), turn.is_free()), (7, false));
    }
}
