//! Whether a task's polls tend to be long: learnt from those that were, and forgotten after enough
//! short ones.

use crate::watch::{Known, Mark, Stuck};
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

/// So many short polls in a row, and a task counts as one with short polls again: not measured. Few,
/// since every one of them is treated as if it were long.
const FORGIVEN: u8 = 15;

const COUNT: u8 = 0x0f;
const COMPUTES: u8 = 0x10;
const BLOCKS: u8 = 0x20;
const DECLARED: u8 = 0x40;

/// A task's habit. Written by whoever polls it.
#[derive(Debug)]
pub(crate) struct Habit(AtomicU8);

impl Habit {
    /// Short polls, until something else is known.
    pub(crate) fn new() -> Habit {
        Habit(AtomicU8::new(0))
    }

    /// The program says that it computes.
    pub(crate) fn declare_computing(&self) {
        self.0.store(COMPUTES | DECLARED, Relaxed);
    }

    /// What its next poll is expected to be like; `None`: short.
    #[inline]
    pub(crate) fn expected(&self) -> Option<Mark> {
        match self.0.load(Relaxed) {
            0 => None,
            habit => Some(Habit::mark(habit)),
        }
    }

    fn mark(habit: u8) -> Mark {
        let stuck = if habit & BLOCKS == 0 {
            Stuck::Computing
        } else {
            Stuck::Blocked
        };
        let known = if habit & DECLARED == 0 {
            Known::Expected
        } else {
            Known::Declared
        };
        Mark { stuck, known }
    }

    /// One more poll was long, in that way.
    pub(crate) fn learn_long(&self, stuck: Stuck) {
        let declared = self.0.load(Relaxed) & DECLARED;
        let kind = match stuck {
            Stuck::Computing => COMPUTES,
            Stuck::Blocked => BLOCKS,
        };
        self.0.store(declared | kind | FORGIVEN, Relaxed);
    }

    /// A poll that was expected to be long was short.
    pub(crate) fn learn_short(&self) {
        let habit = self.0.load(Relaxed);
        let next = match habit & COUNT {
            _ if habit & DECLARED != 0 => habit,
            0 | 1 => 0,
            _ => habit - 1,
        };
        self.0.store(next, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_poll_is_remembered_for_some_short_ones() {
        let habit = Habit::new();
        habit.learn_short();
        assert_eq!(habit.expected(), None);
        for stuck in [Stuck::Computing, Stuck::Blocked] {
            habit.learn_long(stuck);
            for _ in 0..FORGIVEN {
                assert_eq!(habit.expected().map(|mark| mark.stuck), Some(stuck));
                habit.learn_short();
            }
            assert_eq!(habit.expected(), None);
        }
    }

    #[test]
    fn what_the_program_says_is_not_forgotten() {
        let habit = Habit::new();
        habit.declare_computing();
        (0..100).for_each(|_| habit.learn_short());
        let declared = Mark {
            stuck: Stuck::Computing,
            known: Known::Declared,
        };
        assert_eq!(habit.expected(), Some(declared));
    }
}
