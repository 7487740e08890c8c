//! The counting allocator of the bench binary: the system's allocator, plus counts per thread.
//!
//! Timed passes run with counting off, so that a runtime is charged for its allocations once (by the clock) and not
//! for our bookkeeping; one more pass runs with counting on. Each thread writes its own slot, so that counting adds
//! no shared cache line either. Called by [`crate::harness::plan`] and the memory rows.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The system's allocator with counters; see [`Counts::now`].
#[derive(Debug)]
pub(crate) struct Counting;

/// How many threads get a slot of their own; those beyond share the last one, which is exact too, but slower.
const SLOTS: usize = 256;

#[repr(align(128))]
struct Slot {
    allocations: AtomicU64,
    bytes: AtomicU64,
    live: AtomicI64,
}

/// How many sections want counting; none, usually.
static COUNTING: AtomicUsize = AtomicUsize::new(0);
static NEXT_SLOT: AtomicUsize = AtomicUsize::new(0);
static TABLE: [Slot; SLOTS] = [const {
    Slot {
        allocations: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        live: AtomicI64::new(0),
    }
}; SLOTS];

thread_local! {
    /// This thread's index into [`TABLE`], or `usize::MAX` before its first counted call.
    static SLOT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// What has been allocated while counting was on, all threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Calls that allocated or grew a block.
    pub(crate) allocations: u64,
    /// Bytes asked for by those calls.
    pub(crate) bytes: u64,
    /// Bytes allocated less bytes freed; negative if older blocks were freed.
    pub(crate) live: i64,
}

impl Counts {
    /// The sum over all threads. Exact once the threads that allocated have been synchronised with.
    pub(crate) fn now() -> Counts {
        TABLE.iter().fold(Counts::default(), |sum, slot| Counts {
            allocations: sum.allocations + slot.allocations.load(Relaxed),
            bytes: sum.bytes + slot.bytes.load(Relaxed),
            live: sum.live + slot.live.load(Relaxed),
        })
    }

    /// What was added since `before`.
    pub(crate) fn since(self, before: Counts) -> Counts {
        Counts {
            allocations: self.allocations - before.allocations,
            bytes: self.bytes - before.bytes,
            live: self.live - before.live,
        }
    }
}

/// Runs `body` with counting on and returns what it allocated.
pub(crate) fn counted<T>(body: impl FnOnce() -> T) -> (T, Counts) {
    let before = Counts::now();
    COUNTING.fetch_add(1, Relaxed);
    let value = body();
    COUNTING.fetch_sub(1, Relaxed);
    (value, Counts::now().since(before))
}

/// As [`counted`], while a future runs.
pub(crate) async fn counted_async<F: Future>(future: F) -> (F::Output, Counts) {
    let before = Counts::now();
    COUNTING.fetch_add(1, Relaxed);
    let value = future.await;
    COUNTING.fetch_sub(1, Relaxed);
    (value, Counts::now().since(before))
}

fn note(allocated: usize, freed: usize) {
    if COUNTING.load(Relaxed) == 0 {
        return;
    }
    // A thread that is being torn down has no thread-local left; it shares the last slot.
    let index = SLOT.try_with(own_index).unwrap_or(SLOTS - 1);
    let slot = &TABLE[index];
    if allocated > 0 {
        slot.allocations.fetch_add(1, Relaxed);
        slot.bytes.fetch_add(allocated as u64, Relaxed);
    }
    slot.live
        .fetch_add(allocated as i64 - freed as i64, Relaxed);
}

fn own_index(cell: &Cell<usize>) -> usize {
    if cell.get() == usize::MAX {
        cell.set(NEXT_SLOT.fetch_add(1, Relaxed).min(SLOTS - 1));
    }
    cell.get()
}

// SAFETY: every call is handed unchanged to the system's allocator, which upholds the contract; `note` neither
// allocates nor unwinds (its thread-local is const-initialised and has no destructor).
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: as above; `block` came from `System`, since every allocation does.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test, since counting is process-wide and tests run on several threads: other tests may add to the counts
    // while it is on, so it asserts lower bounds only.
    #[test]
    fn counts_what_the_body_allocates_and_keeps() {
        let (kept, counts) = counted(|| {
            drop(std::hint::black_box(Vec::<u8>::with_capacity(5000)));
            std::hint::black_box(Vec::<u8>::with_capacity(70_000))
        });
        assert!(counts.allocations >= 2, "{counts:?}");
        assert!(counts.bytes >= 75_000, "{counts:?}");
        assert_eq!(kept.capacity(), 70_000);
    }
}
