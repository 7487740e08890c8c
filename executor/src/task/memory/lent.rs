//! The store that the current thread uses, and what allocating and freeing are with it and without.

use super::shelf::{layout_of, shelf_for};
use super::store::Store;
use std::alloc::{self, Layout, handle_alloc_error};
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

thread_local! {
    /// The store that is lent to this thread. Const-initialised and without a destructor: reading it is one
    /// instruction, at any time.
    static STORE: Cell<*const Store> = const { Cell::new(ptr::null()) };
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

/// Memory for a task with this layout, to be given back with [`free`].
#[inline]
pub(in crate::task) fn allocate(layout: Layout) -> NonNull<u8> {
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
pub(in crate::task) unsafe fn free(memory: NonNull<u8>, layout: Layout) {
    let shelf = shelf_for(layout);
    // SAFETY: what has a shelf was allocated with that shelf's layout.
    let is_kept = |shelf| with_store(|store| unsafe { store.put(memory, shelf) }).is_some();
    if shelf.is_some_and(is_kept) {
        return;
    }
    // SAFETY: the caller's promise; `allocate` used this very layout.
    unsafe { alloc::dealloc(memory.as_ptr(), shelf.map_or(layout, layout_of)) };
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::task::memory::depot::{DEPOT_ROOM, Depot};
    use crate::task::memory::shelf::{BUNDLE, GRAIN, LARGEST, SHELVES, bundle_len};
    use std::sync::Arc;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).unwrap()
    }

    fn store() -> Store {
        Store::new(Arc::new(Depot::new()))
    }

    fn allocate_many(count: usize, size: usize) -> Vec<NonNull<u8>> {
        (0..count).map(|_| allocate(layout(size))).collect()
    }

    fn free_many(memory: Vec<NonNull<u8>>, size: usize) {
        for memory in memory {
            // SAFETY: allocated with this layout, and given back once.
            unsafe { free(memory, layout(size)) };
        }
    }

    /// How many blocks for this size are in the store, and how many bytes in its depot.
    fn kept(store: &Store, size: usize) -> (usize, usize) {
        let number = shelf_for(layout(size)).unwrap();
        (store.blocks(number), store.depot().bytes())
    }

    #[test]
    fn memory_is_used_again_for_the_same_size_only() {
        let store = store();
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
        assert_eq!((kept(&store, 100).0, kept(&store, 120).0), (1, 1));
        store.clear();
        assert_eq!((kept(&store, 100).0, kept(&store, 120).0), (0, 0));
    }

    #[test]
    fn what_a_store_has_too_much_of_others_find_in_the_depot() {
        let depot = Arc::new(Depot::new());
        let one = Store::new(Arc::clone(&depot));
        let other = Store::new(depot);
        let lent = lend(Some(&one));
        let memory = allocate_many(200, 500);
        free_many(memory.clone(), 500);
        let (in_store, in_depot) = kept(&one, 500);
        assert_eq!(in_store * 504 + in_depot, 200 * 504);
        assert!(in_store <= 2 * bundle_len(shelf_for(layout(500)).unwrap()));
        drop(lent);
        let _lent = lend(Some(&other));
        let again = allocate_many(in_depot / 504, 500);
        assert!(again.iter().all(|block| memory.contains(block)));
        assert_eq!(kept(&other, 500), (0, 0));
        free_many(again, 500);
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many tasks for Miri")]
    fn a_depot_keeps_no_more_than_it_has_room_for_until_it_is_cleared() {
        let store = store();
        let _lent = lend(Some(&store));
        free_many(allocate_many(2 * DEPOT_ROOM / 1000, 1000), 1000);
        let in_depot = kept(&store, 1000).1;
        assert!((DEPOT_ROOM - BUNDLE..=DEPOT_ROOM).contains(&in_depot));
        store.depot().clear();
        assert_eq!(kept(&store, 1000).1, 0);
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
        let store = store();
        let _lent = lend(Some(&store));
        let strict = Layout::from_size_align(128, 64).unwrap();
        for layout in [layout(LARGEST + 1), strict] {
            let memory = allocate(layout);
            assert!(memory.addr().get().is_multiple_of(layout.align()));
            // SAFETY: as above.
            unsafe { free(memory, layout) };
        }
        assert!((0..SHELVES).all(|shelf| store.blocks(shelf) == 0));
    }

    #[test]
    fn lending_ends_with_its_guard() {
        let store = store();
        let outer = lend(Some(&store));
        let inner = lend(None);
        assert!(with_store(|_| ()).is_none());
        drop(inner);
        assert!(with_store(|_| ()).is_some());
        drop(outer);
        assert!(with_store(|_| ()).is_none());
    }
}
