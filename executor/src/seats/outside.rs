//! Kits for threads that have no seat and no guest's place, and spawn all the same: shared, each behind a lock.

use crate::registry::tasks::{Desk, OUTSIDE_KITS};
use crate::seats::kit::Kit;
use crate::task::memory::Depot;
use crossbeam_utils::CachePadded;
use parking_lot::{Mutex, MutexGuard};
use std::cell::Cell;
use std::sync::Arc;

/// Each has a desk of its own in the registry.
#[derive(Debug)]
pub(crate) struct Outside {
    kits: [CachePadded<Mutex<Kit>>; OUTSIDE_KITS],
}

impl Outside {
    pub(crate) fn new(depot: &Arc<Depot>) -> Outside {
        Outside {
            kits: std::array::from_fn(|number| {
                let kit = Kit::new(Desk::of_outside(number), Arc::clone(depot));
                CachePadded::new(Mutex::new(kit))
            }),
        }
    }

    /// A kit for a thread, which remembers which it was: the same as last time if that is free. No code of users runs
    /// under the lock.
    #[inline]
    pub(crate) fn lock(&self, last: &Cell<usize>) -> MutexGuard<'_, Kit> {
        match self.kits[last.get()].try_lock() {
            Some(kit) => kit,
            None => self.lock_another(last),
        }
    }

    /// Threads that meet at one kit part.
    #[cold]
    fn lock_another(&self, last: &Cell<usize>) -> MutexGuard<'_, Kit> {
        let first = last.get();
        let others = (1..OUTSIDE_KITS).map(|further| (first + further) % OUTSIDE_KITS);
        for number in others {
            if let Some(kit) = self.kits[number].try_lock() {
                last.set(number);
                return kit;
            }
        }
        self.kits[first].lock()
    }
}
