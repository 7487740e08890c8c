//! Memory for tasks. What ended tasks leave behind is kept, by size, for the tasks that are spawned next.
//!
//! An allocation and its end cost about as much as the rest of a short task's life (docs/architecture.md). So
//! a worker has a [`Store`], which it lends to its thread while it works. Whoever frees a task puts its memory
//! into the store of the thread that it is on, whichever worker it came from; a thread without one goes to the
//! allocator. A store keeps 128 KiB at most.

use std::alloc::{self, Layout, handle_alloc_error};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// Sizes are rounded up to a multiple of this, plus a word: as glibc's allocator does, whose blocks begin with a
/// word of its own.
const GRAIN: usize = 16;
const WORD: usize = 8;
/// Larger tasks are not kept.
const LARGEST: usize = 1024;
const SHELVES: usize = LARGEST / GRAIN + 1;
/// How many bytes a store keeps at most.
const ROOM: usize = 128 * 1024;

thread_local! {
    /// The store that is lent to this thread. Const-initialised and without a destructor: reading it is one
    /// instruction, at any time.
    static STORE: Cell<*const Store> = const { Cell::new(ptr::null()) };
}

/// Blocks of memory in which there is no task.
pub(crate) struct Store {
    /// By size, each the first of a list: what hangs here was allocated with the shelf's layout and belongs to
    /// the store alone.
    shelves: Box<[Cell<*mut Block>; SHELVES]>,
    /// Bytes that may still be put in.
    room: Cell<usize>,
}

/// What is written into a block while it is in a store.
struct Block {
    next: *mut Block,
}

// SAFETY: the blocks belong to the store, and memory may be used and freed on any thread.
unsafe impl Send for Store {}

impl Store {
    pub(crate) fn new() -> Store {
        Store {
            shelves: Box::new([const { Cell::new(ptr::null_mut()) }; SHELVES]),
            room: Cell::new(ROOM),
        }
    }

    /// Frees everything that is in it.
    pub(crate) fn clear(&self) {
        for shelf in 0..SHELVES {
            while let Some(block) = self.take(shelf) {
                // SAFETY: it was allocated with the shelf's layout, and the store had it.
                unsafe { alloc::dealloc(block.as_ptr(), layout_of(shelf)) };
            }
        }
    }

    #[inline]
    fn take(&self, shelf: usize) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.shelves[shelf].get())?;
        // SAFETY: what hangs on a shelf is a block that nobody else has.
        self.shelves[shelf].set(unsafe { block.as_ref() }.next);
        self.room.set(self.room.get() + layout_of(shelf).size());
        Some(block.cast())
    }

    /// `false`: there is no room.
    ///
    /// # Safety
    /// The memory was allocated with the shelf's layout and is the caller's alone.
    #[inline]
    unsafe fn put(&self, memory: NonNull<u8>, shelf: usize) -> bool {
        let Some(room) = self.room.get().checked_sub(layout_of(shelf).size()) else {
            return false;
        };
        self.room.set(room);
        let block = memory.cast::<Block>();
        let next = self.shelves[shelf].replace(block.as_ptr());
        // SAFETY: a block fits into every shelf's layout, and by the caller's promise it may be written.
        unsafe { block.write(Block { next }) };
        true
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

/// While it lives, this thread uses a store, or none.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    before: *const Store,
    lent: PhantomData<(&'a Store, *const ())>,
}

/// Lends a store to this thread until the guard is dropped.
pub(crate) fn lend(store: Option<&Store>) -> Lent<'_> {
    let store = store.map_or(ptr::null(), ptr::from_ref);
    Lent {
        before: STORE.replace(store),
        lent: PhantomData,
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        STORE.set(self.before);
    }
}

#[inline]
fn with_store<R>(f: impl FnOnce(&Store) -> R) -> Option<R> {
    // SAFETY: the guard that set the pointer borrows the store and resets it before it goes.
    STORE.with(|store| unsafe { store.get().as_ref() }).map(f)
}

/// The shelf for a layout; `None`: such tasks are not kept.
const fn shelf_for(layout: Layout) -> Option<usize> {
    if layout.align() > GRAIN || layout.size() > LARGEST {
        return None;
    }
    Some((layout.size() + GRAIN - 1 - WORD) / GRAIN)
}

/// What is allocated for a shelf.
const fn layout_of(shelf: usize) -> Layout {
    match Layout::from_size_align(shelf * GRAIN + WORD, GRAIN) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    }
}

/// Memory for a task with this layout, to be given back with [`free`].
#[inline]
pub(super) fn allocate(layout: Layout) -> NonNull<u8> {
    let shelf = shelf_for(layout);
    let kept = shelf.and_then(|shelf| with_store(|store| store.take(shelf))?);
    kept.unwrap_or_else(|| allocate_afresh(shelf.map_or(layout, layout_of)))
}

fn allocate_afresh(layout: Layout) -> NonNull<u8> {
    // SAFETY: a task has a header, so the size is not zero.
    let memory = unsafe { alloc::alloc(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives memory back.
///
/// # Safety
/// It came from [`allocate`] with this layout, and is not used again.
#[inline]
pub(super) unsafe fn free(memory: NonNull<u8>, layout: Layout) {
    let shelf = shelf_for(layout);
    // SAFETY: what has a shelf was allocated with that shelf's layout.
    let is_kept = |shelf| with_store(|store| unsafe { store.put(memory, shelf) }) == Some(true);
    if shelf.is_some_and(is_kept) {
        return;
    }
    // SAFETY: the caller's promise; `allocate` used this very layout.
    unsafe { alloc::dealloc(memory.as_ptr(), shelf.map_or(layout, layout_of)) };
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).unwrap()
    }

    #[test]
    fn memory_is_used_again_for_the_same_size_only() {
        let store = Store::new();
        let _lent = lend(Some(&store));
        let first = allocate(layout(100));
        // SAFETY: allocated with these layouts, and given back once each.
        unsafe {
            free(first, layout(100));
            let other = allocate(layout(120));
            assert_ne!(first, other);
            let again = allocate(layout(89));
            assert_eq!(first, again, "both are rounded up to 104");
            free(again, layout(89));
            free(other, layout(120));
        }
        assert_eq!(store.room.get(), ROOM - 104 - 120);
        store.clear();
        assert_eq!(store.room.get(), ROOM);
    }

    #[test]
    fn a_store_keeps_no_more_than_it_has_room_for() {
        let store = Store::new();
        let _lent = lend(Some(&store));
        let all: Vec<_> = (0..2 * ROOM / 500).map(|_| allocate(layout(500))).collect();
        for memory in all {
            // SAFETY: as above.
            unsafe { free(memory, layout(500)) };
        }
        assert!(store.room.get() < 504);
    }

    #[test]
    fn a_shelf_has_room_for_what_belongs_on_it_and_hardly_more() {
        for size in 1..=LARGEST {
            let shelf = shelf_for(layout(size)).expect("not too large");
            let room = layout_of(shelf).size();
            assert!((size..size + GRAIN).contains(&room), "{room} for {size}");
        }
    }

    #[test]
    fn large_and_strictly_aligned_tasks_go_to_the_allocator() {
        let store = Store::new();
        let _lent = lend(Some(&store));
        let strict = Layout::from_size_align(128, 64).unwrap();
        for layout in [layout(LARGEST + 1), strict] {
            let memory = allocate(layout);
            assert!(memory.addr().get().is_multiple_of(layout.align()));
            // SAFETY: as above.
            unsafe { free(memory, layout) };
        }
        assert_eq!(store.room.get(), ROOM);
    }

    #[test]
    fn lending_ends_with_its_guard() {
        let store = Store::new();
        let outer = lend(Some(&store));
        let inner = lend(None);
        assert!(with_store(|_| ()).is_none());
        drop(inner);
        assert!(with_store(|_| ()).is_some());
        drop(outer);
        assert!(with_store(|_| ()).is_none());
    }
}
