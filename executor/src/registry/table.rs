//! The places in which the registry keeps its tasks: an array of pointers that only ever grows.
//!
//! ```text
//!   empty ──put──▶ task ──take──▶ empty          (the holder of the place's index)
//!                   │ ▲
//!               lend│ │give back                 (a reader, for a few instructions)
//!                   ▼ │
//!                  lent
//! ```
//!
//! A place belongs to whoever holds its index. Readers, who list the tasks for a shutdown or a dump,
//! hold none: a reader marks a place as lent, counts a reference on the task in it, and takes the
//! mark away. As long as it is there the task cannot be taken out, so the reference that the place
//! holds keeps the task's memory.

use crate::patience::Patience;
use crate::primitive::atomic::AtomicPtr;
use crate::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sys::standard_error::say;
use crate::task::{Header, TaskRef};
use std::ptr::{self, NonNull};
use std::sync::OnceLock;

/// The first bucket has so many places, each further one as many as all before it.
const FIRST: usize = if cfg!(all(test, filch_loom)) { 2 } else { 64 };

/// The place's task is being looked at. Headers are aligned to more than a byte.
const LENT: usize = 1;

/// All places, in buckets that never move.
#[derive(Debug)]
pub(crate) struct Table {
    buckets: [OnceLock<Box<[Place]>>; COUNT],
}

/// How many buckets there are: so many that every index of 32 bits has a place.
const COUNT: usize = 2 + (u32::MAX as usize / FIRST).ilog2() as usize;

#[derive(Debug)]
struct Place(AtomicPtr<Header>);

impl Table {
    pub(crate) fn new() -> Table {
        Table {
            buckets: [const { OnceLock::new() }; COUNT],
        }
    }

    /// Makes sure that the places up to `end` exist.
    pub(crate) fn grow(&self, end: usize) {
        let (last, _) = position(end.max(1) - 1);
        for (bucket, places) in self.buckets[..=last].iter().enumerate() {
            places.get_or_init(|| (0..size(bucket)).map(|_| Place::new()).collect());
        }
    }

    /// Puts a task's reference into an empty place, whose index the caller holds.
    #[inline]
    pub(crate) fn put(&self, index: u32, task: TaskRef) {
        self.place(index).0.store(task.into_raw(), Release);
    }

    /// Empties a place; its index, and the reference to the task that was in it, are the caller's.
    #[inline]
    pub(crate) fn take(&self, index: u32) -> TaskRef {
        self.place(index).take()
    }

    /// A counted reference to every task that is in the table during the whole call, and to some of
    /// those that come or go meanwhile.
    pub(crate) fn tasks(&self) -> Vec<TaskRef> {
        let buckets = self.buckets.iter().map_while(OnceLock::get);
        let places = buckets.flat_map(|places| places.iter());
        places.filter_map(Place::read).collect()
    }

    #[inline]
    fn place(&self, index: u32) -> &Place {
        let (bucket, offset) = position(index as usize);
        let places = self.buckets[bucket].get();
        &places.expect("an index is given out after its bucket exists")[offset]
    }
}

impl Drop for Table {
    /// Rule 5 of `task`: a runtime outlives its incomplete tasks. One that is still here has a future that would be
    /// freed without its drop, and perhaps a `Runnable` that leads to it.
    fn drop(&mut self) {
        if cfg!(test) && std::thread::panicking() {
            // A unit test or a model has failed with its tasks in here. The abort would hide what it has to say.
            return;
        }
        let places = self.buckets.iter().filter_map(OnceLock::get);
        let mut left = places.flat_map(|places| places.iter());
        if left.any(|place| !place.0.load(Relaxed).is_null()) {
            say(format_args!(
                "filch: a runtime is gone before its last task; this is a bug in filch"
            ));
            std::process::abort();
        }
    }
}

/// In which bucket the place with an index is, and where in it.
#[inline]
fn position(index: usize) -> (usize, usize) {
    if index < FIRST {
        return (0, index);
    }
    let bucket = (index / FIRST).ilog2() as usize;
    (bucket + 1, index - (FIRST << bucket))
}

fn size(bucket: usize) -> usize {
    FIRST << bucket.saturating_sub(1)
}

impl Place {
    fn new() -> Place {
        Place(AtomicPtr::new(ptr::null_mut()))
    }

    /// Orderings: Acquire pairs with the Release of a reader's giving back, so that its count of the
    /// reference comes before whatever the caller does with the task. Release hands the empty
    /// place, by way of its index, to nobody: the next `put` is ordered by how the index travels.
    #[inline]
    fn take(&self) -> TaskRef {
        let mut patience = Patience::new();
        loop {
            let task = self.0.load(Relaxed).map_addr(|address| address & !LENT);
            // Only what the exchange returns is used: it is the very pointer that was put here.
            if let Ok(task) = self
                .0
                .compare_exchange(task, ptr::null_mut(), Acquire, Relaxed)
            {
                let task = NonNull::new(task).expect("the place is taken");
                // SAFETY: `put` made it with `into_raw`, and the exchange took it out once.
                return unsafe { TaskRef::from_raw(task) };
            }
            // A reader is at it, for the time that counting a reference takes.
            patience.wait();
        }
    }

    /// Orderings: Acquire pairs with `put`'s Release; Release pairs with `take`'s Acquire.
    fn read(&self) -> Option<TaskRef> {
        let mut patience = Patience::new();
        loop {
            let seen = self.0.load(Relaxed);
            if seen.is_null() {
                return None;
            }
            if let Some(task) = self.lend(seen) {
                // SAFETY: the mark keeps the place's reference where it is; it is not dropped here.
                let lent = std::mem::ManuallyDrop::new(unsafe { TaskRef::from_raw(task) });
                let counted = TaskRef::clone(&lent);
                self.0.store(task.as_ptr(), Release);
                return Some(counted);
            }
            // Another reader is at it, or the place has just changed.
            patience.wait();
        }
    }

    /// Marks the place, and returns what the exchange has found in it. That may be another task than the one that was
    /// seen, in the same memory: the same address, but not the same allocation.
    fn lend(&self, seen: *mut Header) -> Option<NonNull<Header>> {
        if seen.addr() & LENT != 0 {
            return None;
        }
        let lent = seen.map_addr(|address| address | LENT);
        let task = self.0.compare_exchange(seen, lent, Acquire, Relaxed).ok()?;
        NonNull::new(task)
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_a_place_of_its_own() {
        let mut next = (0, 0);
        for index in 0..10 * FIRST {
            assert_eq!(position(index), next, "index {index}");
            next.1 += 1;
            if next.1 == size(next.0) {
                next = (next.0 + 1, 0);
            }
        }
        let (last, offset) = position(u32::MAX as usize);
        assert_eq!((last, offset), (COUNT - 1, size(COUNT - 1) - 1));
    }
}
