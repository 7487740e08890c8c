//! What a thread spawns with that holds a seat, or a guest's place: ids, places in the registry, and memory, none of
//! which it has to ask others for. Any other thread uses what all share.

use crate::registry::tasks::Desk;
use crate::task::memory::{Depot, Store};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Task ids are taken from the runtime's counter this many at a time.
const ID_BLOCK: u64 = 256;

/// One thread's at a time.
#[derive(Debug)]
pub(crate) struct Kit {
    /// Where it registers tasks.
    pub(crate) desk: Desk,
    /// Memory for tasks.
    pub(crate) memory: Store,
    next_id: Cell<u64>,
    end_id: Cell<u64>,
}

impl Kit {
    pub(crate) fn new(desk: Desk, depot: Arc<Depot>) -> Kit {
        Kit {
            desk,
            memory: Store::new(depot),
            next_id: Cell::new(0),
            end_id: Cell::new(0),
        }
    }

    /// A fresh task id.
    #[inline]
    pub(crate) fn next_id(&self, counter: &AtomicU64) -> u64 {
        if self.next_id.get() == self.end_id.get() {
            self.take_ids(counter);
        }
        self.next_id.replace(self.next_id.get() + 1)
    }

    #[cold]
    fn take_ids(&self, counter: &AtomicU64) {
        let start = counter.fetch_add(ID_BLOCK, Relaxed);
        self.next_id.set(start);
        self.end_id.set(start + ID_BLOCK);
    }
}
