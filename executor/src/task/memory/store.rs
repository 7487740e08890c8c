//! What one worker keeps.

use super::depot::Depot;
use super::shelf::{Block, SHELVES, bundle_len, free_all};
use std::cell::Cell;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// Blocks of memory in which there is no task: one worker's.
pub(crate) struct Store {
    /// By size: what hangs here was allocated with the shelf's layout and belongs to the store alone.
    shelves: Box<[Shelf; SHELVES]>,
    depot: Arc<Depot>,
}

struct Shelf {
    open: Cell<List>,
    /// A whole bundle, or null.
    full: Cell<*mut Block>,
}

/// So many blocks, of which the first is this; null if there are none.
#[derive(Clone, Copy)]
struct List {
    first: *mut Block,
    len: usize,
}

// SAFETY: the blocks belong to the store, and memory may be used and freed on any thread.
unsafe impl Send for Store {}

impl Shelf {
    const fn new() -> Shelf {
        Shelf {
            open: Cell::new(List::EMPTY),
            full: Cell::new(ptr::null_mut()),
        }
    }
}

impl List {
    const EMPTY: List = List {
        first: ptr::null_mut(),
        len: 0,
    };
}

impl Default for List {
    fn default() -> List {
        List::EMPTY
    }
}

impl Store {
    pub(crate) fn new(depot: Arc<Depot>) -> Store {
        Store {
            shelves: Box::new([const { Shelf::new() }; SHELVES]),
            depot,
        }
    }

    /// Frees everything that is in it.
    pub(crate) fn clear(&self) {
        for (number, shelf) in self.shelves.iter().enumerate() {
            let (open, full) = (shelf.open.take(), shelf.full.replace(ptr::null_mut()));
            // SAFETY: what hung on a shelf was allocated with its layout and is the store's alone.
            unsafe {
                free_all(open.first, number);
                free_all(full, number);
            }
        }
    }

    #[inline]
    pub(super) fn take(&self, number: usize) -> Option<NonNull<u8>> {
        let shelf = &self.shelves[number];
        let mut list = shelf.open.get();
        if list.first.is_null() {
            list = self.restock(number)?;
        }
        let block = NonNull::new(list.first)?;
        shelf.open.set(List {
            // SAFETY: what hangs on a shelf is a block that nobody else has.
            first: unsafe { block.as_ref() }.next,
            len: list.len - 1,
        });
        Some(block.cast())
    }

    #[cold]
    fn restock(&self, number: usize) -> Option<List> {
        let kept = NonNull::new(self.shelves[number].full.replace(ptr::null_mut()));
        let first = kept.or_else(|| self.depot.take(number))?.as_ptr();
        let len = bundle_len(number);
        Some(List { first, len })
    }

    /// # Safety
    /// The memory was allocated with the shelf's layout and is the caller's alone.
    #[inline]
    pub(super) unsafe fn put(&self, memory: NonNull<u8>, number: usize) {
        let shelf = &self.shelves[number];
        if shelf.open.get().len == bundle_len(number) {
            self.make_room(number);
        }
        let block = memory.cast::<Block>();
        let List { first: next, len } = shelf.open.get();
        // SAFETY: a block fits into every shelf's layout, and by the caller's promise it may be written.
        unsafe { block.write(Block { next }) };
        shelf.open.set(List {
            first: block.as_ptr(),
            len: len + 1,
        });
    }

    #[cold]
    fn make_room(&self, number: usize) {
        let shelf = &self.shelves[number];
        let before = shelf.full.replace(shelf.open.take().first);
        if let Some(bundle) = NonNull::new(before) {
            self.depot.put(bundle, number);
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(filch_loom)))]
impl Store {
    pub(super) fn depot(&self) -> &Depot {
        &self.depot
    }

    /// How many blocks are on a shelf.
    pub(super) fn blocks(&self, number: usize) -> usize {
        let shelf = &self.shelves[number];
        let full = usize::from(!shelf.full.get().is_null()) * bundle_len(number);
        shelf.open.get().len + full
    }
}
