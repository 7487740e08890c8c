//! Which task holds a [`Mutex`](super::Mutex): for whoever looks from outside, nothing depends on it.
//!
//! It is written by whoever has the permit: a guard says who made it, and takes that back before the permit goes on. So
//! a mutex that was handed to a task which has not run since names nobody, rather than the one that is done with it.
//!
//! While others wait, the runtime is told as well (`leaf::record_lock`), as only that can be read when the mutex may be
//! gone.
//!
//! Orderings: Relaxed. The permit orders the writes, and a reader sees some state of a moment ago anyhow.

use super::primitive::atomic::AtomicU64;
use super::primitive::atomic::Ordering::Relaxed;
use super::primitive::const_fn;
use filch_executor::leaf::{self, Wait};

/// Models leave out what only dumps read: every look at an atomic multiplies their states.
const MODELLED: bool = cfg!(all(test, filch_loom));

/// A task's number, or 0: tasks are numbered from 1.
#[derive(Debug)]
pub(super) struct Holder(AtomicU64);

impl Holder {
    const_fn! {
        pub(super) const fn new() -> Holder {
            Holder(AtomicU64::new(0))
        }
    }

    /// The current task holds it, or somebody outside tasks. Returns what was written.
    #[inline]
    pub(super) fn set(&self) -> u64 {
        let task = leaf::task_id().map_or(0, |task| task.as_u64());
        self.0.store(task, Relaxed);
        task
    }

    /// One of several holders leaves: its name goes, if it is the one that stands here.
    #[inline]
    pub(super) fn clear_if(&self, task: u64) {
        if task != 0 && self.0.load(Relaxed) == task {
            self.clear();
        }
    }

    /// As `set`, by a task that has waited, as perhaps others do.
    #[inline]
    pub(super) fn set_after_wait(&self) {
        if MODELLED {
            return;
        }
        leaf::record_holder(self.place(), |task| self.0.store(task, Relaxed));
    }

    /// The current task waits for the mutex, which somebody holds.
    #[inline]
    pub(super) fn record(&self, wait: Wait) {
        if MODELLED {
            return;
        }
        let wait = wait.with_resource(self.place());
        leaf::record_lock(wait, || self.0.load(Relaxed));
    }

    /// A number that tells this mutex from all others that there are.
    fn place(&self) -> u64 {
        std::ptr::from_ref(self).addr() as u64
    }

    #[inline]
    pub(super) fn clear(&self) {
        self.0.store(0, Relaxed);
    }

    /// The number of the task that made the guard, in its runtime, wherever the guard is now.
    pub(super) fn get(&self) -> Option<u64> {
        Some(self.0.load(Relaxed)).filter(|task| *task != 0)
    }
}
