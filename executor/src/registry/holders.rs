//! Which task holds a lock that others wait for: for dumps, nothing depends on it.
//!
//! A waiting task's record says which lock it waits for. The lock itself may be gone by the time somebody reads
//! that, so who holds it is written here: by whoever begins to wait, of the holder of that moment, and by whoever
//! is handed the lock, of itself. In between nobody else can get it, as locks are fair. A lock without waiters
//! never comes here.
//!
//! A table of fixed size: a lock has one place, by its address, and of two that share it the one that was written
//! last is known. The word carries a part of the address, so of the other one nothing wrong is said.
//!
//! Orderings: Relaxed. Readers see some state of a moment ago anyhow.

use crate::task::TaskId;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// So many locks with waiters are told apart.
const LOCKS: usize = 256;

/// The bits of a word that hold the task's number; a number that needs more is not kept. Above them is the tag.
const ID_BITS: u32 = 40;

/// The holders of locks that are waited for.
#[derive(Debug)]
pub(crate) struct Holders(Box<[AtomicU64; LOCKS]>);

/// A lock's place in the table.
pub(crate) struct Entry<'a> {
    word: &'a AtomicU64,
    tag: u64,
}

impl Holders {
    pub(crate) fn new() -> Holders {
        Holders(Box::new([const { AtomicU64::new(0) }; LOCKS]))
    }

    #[inline]
    pub(crate) fn entry(&self, lock: u64) -> Entry<'_> {
        let (place, tag) = place(lock);
        Entry {
            word: &self.0[place],
            tag,
        }
    }

    /// Which task holds the lock, as far as is known.
    pub(crate) fn get(&self, lock: u64) -> Option<TaskId> {
        let (place, tag) = place(lock);
        let word = self.0[place].load(Relaxed);
        let task = word & ((1 << ID_BITS) - 1);
        (word >> ID_BITS == tag && task != 0).then_some(TaskId(task))
    }
}

impl Entry<'_> {
    /// That task holds the lock; 0: nobody knows who.
    ///
    /// Of many that wait for one lock each says the same, and whoever only reads leaves the line to the others.
    #[inline]
    pub(crate) fn set(&self, task: u64) {
        let known = if task >> ID_BITS == 0 { task } else { 0 };
        let word = self.tag << ID_BITS | known;
        if self.word.load(Relaxed) != word {
            self.word.store(word, Relaxed);
        }
    }
}

/// A lock's place, and its tag there. Fibonacci hashing: the upper bits of the product depend on all of the address.
#[inline]
fn place(lock: u64) -> (usize, u64) {
    let mixed = lock.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let place = (mixed >> 32) as usize % LOCKS;
    (place, mixed >> ID_BITS)
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_about_a_lock_counts() {
        let holders = Holders::new();
        assert_eq!(holders.get(0x1000), None);
        holders.entry(0x1000).set(7);
        holders.entry(0x1000).set(8);
        assert_eq!(holders.get(0x1000), Some(TaskId(8)));
        holders.entry(0x1000).set(0);
        assert_eq!(holders.get(0x1000), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many locks for Miri")]
    fn of_locks_that_share_a_place_nothing_wrong_is_said() {
        let holders = Holders::new();
        for lock in 1..=100_000_u64 {
            holders.entry(16 * lock).set(lock);
        }
        let known = (1..=100_000).filter(|lock| match holders.get(16 * lock) {
            Some(task) => {
                assert_eq!(task, TaskId(*lock));
                true
            }
            None => false,
        });
        assert_eq!(known.count(), LOCKS, "the last one in each place");
    }

    #[test]
    fn a_number_that_does_not_fit_is_not_cut() {
        let holders = Holders::new();
        holders.entry(64).set(1 << ID_BITS | 5);
        assert_eq!(holders.get(64), None);
    }
}
