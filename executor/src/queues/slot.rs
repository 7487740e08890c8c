//! The next-task slot: the task that was woken last, to be run next while its data is warm.
//!
//! Only its worker fills it. Anybody may take from it: the worker when it is free for the next
//! task, or, when the worker is stuck in a poll, whoever rescues the task.

use crate::primitive::atomic::AtomicPtr;
use crate::primitive::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::task::{Header, Runnable};
use std::ptr::{self, NonNull};

/// Room for one runnable.
#[derive(Debug)]
pub(crate) struct Slot(AtomicPtr<Header>);

impl Slot {
    pub(crate) fn new() -> Slot {
        Slot(AtomicPtr::new(ptr::null_mut()))
    }

    /// Puts a task in and returns the one it displaces. Called by the slot's worker only.
    ///
    /// Orderings: Release hands the task over to whoever takes it. An empty slot stays empty until
    /// its worker fills it, so filling it needs no read-modify-write.
    pub(crate) fn put(&self, task: Runnable) -> Option<Runnable> {
        let task = task.into_raw();
        if self.0.load(Relaxed).is_null() {
            self.0.store(task, Release);
            return None;
        }
        into_runnable(self.0.swap(task, AcqRel))
    }

    /// Takes the task out. Called by anybody.
    ///
    /// Orderings: Acquire pairs with the Release in `put`.
    pub(crate) fn take(&self) -> Option<Runnable> {
        if !self.is_occupied() {
            return None;
        }
        into_runnable(self.0.swap(ptr::null_mut(), Acquire))
    }

    /// Whether a task is in it; a hint for everybody but its worker.
    pub(crate) fn is_occupied(&self) -> bool {
        !self.0.load(Relaxed).is_null()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.take());
    }
}

fn into_runnable(raw: *mut Header) -> Option<Runnable> {
    // SAFETY: what is in the slot came from `into_raw`, and a swap takes it out once.
    NonNull::new(raw).map(|raw| unsafe { Runnable::from_raw(raw) })
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::testing::{World, poll_join};
    use std::task::Waker;

    #[test]
    fn the_latest_task_displaces_the_one_before() {
        let world = World::new();
        let slot = Slot::new();
        let [(first, a), (second, b)] = [world.spawn(async {}), world.spawn(async {})];
        assert!(slot.put(first).is_none());
        assert!(slot.is_occupied());
        world.run(slot.put(second).expect("the first"));
        assert!(poll_join::<()>(&a, Waker::noop()).is_some());
        world.run(slot.take().expect("the second"));
        assert!(poll_join::<()>(&b, Waker::noop()).is_some());
        assert!(slot.take().is_none() && !slot.is_occupied());
    }

    #[test]
    fn a_task_that_is_dropped_with_its_slot_is_cancelled() {
        let world = World::new();
        let slot = Slot::new();
        let (task, joined) = world.spawn(async {});
        assert!(slot.put(task).is_none());
        drop(slot);
        let output = poll_join::<()>(&joined, Waker::noop()).expect("complete");
        assert!(output.is_err_and(|error| error.is_cancelled()));
    }
}
