//! Whether a task's polls tend to be long: learnt from those that were, and forgotten after enough
//! short ones.
//!
//! One long poll is an incident, as when a task starts up, and others are rescued from it when it is found
//! to be long. A second one soon after it is a habit: from then on the next poll is expected to be long.

use crate::signs::watch::{Known, Mark, Stuck};
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

/// The weight of a long poll, in short ones: so many make up for it. Not measured. Few, since every short one of
/// a task with the habit is treated as if it were long.
const LONG: u8 = 8;

/// What there is to make up for, in short polls. It is a habit if that is more than one long poll's.
const COUNT: u8 = 0x0f;
const COMPUTES: u8 = 0x10;
const BLOCKS: u8 = 0x20;
const DECLARED: u8 = 0x40;
const APART: u8 = 0x80;

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

    /// Whether the program has said so.
    pub(crate) fn is_declared(&self) -> bool {
        self.0.load(Relaxed) & DECLARED != 0
    }

    /// It is a closure for a thread of its own: no worker polls it.
    pub(crate) fn declare_apart(&self) {
        self.0.store(APART, Relaxed);
    }

    /// Whether it is one.
    pub(crate) fn is_apart(&self) -> bool {
        self.0.load(Relaxed) & APART != 0
    }

    /// Whether there is nothing to be known: its polls have been short for long.
    #[inline]
    pub(crate) fn is_short(&self) -> bool {
        self.0.load(Relaxed) == 0
    }

    /// What its next poll is expected to be like; `None`: short.
    pub(crate) fn expected(&self) -> Option<Mark> {
        let habit = self.0.load(Relaxed);
        let known = match habit {
            _ if habit & DECLARED != 0 => Known::Declared,
            _ if habit & COUNT > LONG => Known::Expected,
            _ => return None,
        };
        let stuck = if habit & BLOCKS == 0 {
            Stuck::Computing
        } else {
            Stuck::Blocked
        };
        Some(Mark { stuck, known })
    }

    /// One more poll was long, in that way.
    pub(crate) fn learn_long(&self, stuck: Stuck) {
        let habit = self.0.load(Relaxed);
        let kind = match stuck {
            Stuck::Computing => COMPUTES,
            Stuck::Blocked => BLOCKS,
            Stuck::Preempted => return,
        };
        let count = COUNT.min((habit & COUNT) + LONG);
        self.0.store(habit & DECLARED | kind | count, Relaxed);
    }

    /// One more poll is, or was, short.
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
    fn two_long_polls_are_a_habit_until_there_are_enough_short_ones() {
        let habit = Habit::new();
        habit.learn_short();
        assert!(habit.is_short());
        for stuck in [Stuck::Computing, Stuck::Blocked] {
            habit.learn_long(stuck);
            assert_eq!(habit.expected(), None, "one is an incident");
            habit.learn_long(stuck);
            for _ in 0..COUNT - LONG {
                assert_eq!(habit.expected().map(|mark| mark.stuck), Some(stuck));
                habit.learn_short();
            }
            assert_eq!(habit.expected(), None);
            for _ in 0..LONG {
                assert!(!habit.is_short());
                habit.learn_short();
            }
            assert!(habit.is_short());
        }
    }

    #[test]
    fn incidents_far_apart_are_no_habit() {
        let habit = Habit::new();
        for _ in 0..10 {
            habit.learn_long(Stuck::Computing);
            assert_eq!(habit.expected(), None);
            (0..LONG).for_each(|_| habit.learn_short());
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
