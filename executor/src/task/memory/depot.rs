//! What all stores of a runtime share.

use super::shelf::{Block, SHELVES, bundle_bytes, free_all};
use parking_lot::Mutex;
use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// How many bytes a depot keeps at most.
pub(super) const DEPOT_ROOM: usize = 4 << 20;

/// Bundles that one store had too many of, for others: a runtime's.
pub(crate) struct Depot {
    /// How many there are, by size; a hint.
    counts: [AtomicUsize; SHELVES],
    bundles: Mutex<Bundles>,
}

struct Bundles {
    /// By size: a bundle's first block.
    shelves: Box<[Vec<*mut Block>; SHELVES]>,
    /// Bytes that may still be put in.
    room: usize,
}

// SAFETY: the blocks belong to the depot, and memory may be used and freed on any thread.
unsafe impl Send for Bundles {}

impl Depot {
    pub(crate) fn new() -> Depot {
        Depot {
            counts: [const { AtomicUsize::new(0) }; SHELVES],
            bundles: Mutex::new(Bundles {
                shelves: Box::new([const { Vec::new() }; SHELVES]),
                room: DEPOT_ROOM,
            }),
        }
    }

    /// Whether there is nothing in it; a hint.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| count.load(Relaxed) == 0)
    }

    pub(super) fn take(&self, number: usize) -> Option<NonNull<Block>> {
        if self.counts[number].load(Relaxed) == 0 {
            return None;
        }
        let mut bundles = self.bundles.lock();
        let bundle = bundles.shelves[number].pop()?;
        bundles.room += bundle_bytes(number);
        self.counts[number].store(bundles.shelves[number].len(), Relaxed);
        NonNull::new(bundle)
    }

    /// Keeps a bundle, or frees it if there is no room.
    pub(super) fn put(&self, bundle: NonNull<Block>, number: usize) {
        let mut bundles = self.bundles.lock();
        if let Some(room) = bundles.room.checked_sub(bundle_bytes(number)) {
            bundles.room = room;
            bundles.shelves[number].push(bundle.as_ptr());
            self.counts[number].store(bundles.shelves[number].len(), Relaxed);
            return;
        }
        drop(bundles);
        // SAFETY: a store gave it, from this shelf.
        unsafe { free_all(bundle.as_ptr(), number) };
    }

    /// Frees everything that is in it.
    pub(crate) fn clear(&self) {
        for number in 0..SHELVES {
            while let Some(bundle) = self.take(number) {
                // SAFETY: as in `put`.
                unsafe { free_all(bundle.as_ptr(), number) };
            }
        }
    }
}

impl Drop for Depot {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Depot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Depot")
            .field("room", &self.bundles.lock().room)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(filch_loom)))]
impl Depot {
    /// How many bytes are in it.
    pub(super) fn bytes(&self) -> usize {
        DEPOT_ROOM - self.bundles.lock().room
    }
}
