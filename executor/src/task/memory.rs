//! Memory for tasks. What ended tasks leave behind is kept, by size, for the tasks that are spawned next.
//!
//! An allocation and its end cost about as much as the rest of a short task's life (docs/architecture.md). So
//! a worker has a [`Store`], which it lends to its thread while it works. Whoever frees a task puts its memory
//! into the store of the thread that it is on, whichever worker it came from; a thread without one goes to the
//! allocator.
//!
//! A store keeps two bundles of each size, and what is beyond goes to the runtime's [`Depot`], a whole bundle at a time. There
//! stores that have run out find it: where one worker spawns and others end the tasks, memory goes back without a
//! lock, here or in the allocator, for each of them. Bonwick and Adams, "Magazines and Vmem", USENIX 2001, have the idea.

use parking_lot::Mutex;
use std::alloc::{self, Layout, handle_alloc_error};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Sizes are rounded up to a multiple of this, plus a word: as glibc's allocator does, whose blocks begin with a
/// word of its own.
const GRAIN: usize = 16;
const WORD: usize = 8;
/// Larger tasks are not kept.
const LARGEST: usize = 1024;
const SHELVES: usize = LARGEST / GRAIN + 1;
/// About so many bytes are a bundle.
const BUNDLE: usize = 8 * 1024;
/// How many bytes a depot keeps at most.
const DEPOT_ROOM: usize = 4 << 20;

thread_local! {
    /// The store that is lent to this thread. Const-initialised and without a destructor: reading it is one
    /// instruction, at any time.
    static STORE: Cell<*const Store> = const { Cell::new(ptr::null()) };
}

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

/// What is written into a block while there is no task in it.
struct Block {
    next: *mut Block,
}

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

// SAFETY: the blocks belong to the store, and memory may be used and freed on any thread.
unsafe impl Send for Store {}
// SAFETY: the same.
unsafe impl Send for Bundles {}

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
    fn take(&self, number: usize) -> Option<NonNull<u8>> {
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
    unsafe fn put(&self, memory: NonNull<u8>, number: usize) {
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

    fn take(&self, number: usize) -> Option<NonNull<Block>> {
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
    fn put(&self, bundle: NonNull<Block>, number: usize) {
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

/// Gives a list of blocks back to the allocator.
///
/// # Safety
/// They were allocated with this shelf's layout and are the caller's alone.
unsafe fn free_all(mut first: *mut Block, number: usize) {
    while let Some(block) = NonNull::new(first) {
        // SAFETY: the caller's promise.
        unsafe {
            first = block.as_ref().next;
            alloc::dealloc(block.as_ptr().cast(), layout_of(number));
        }
    }
}

impl fmt::Debug for Depot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Depot")
            .field("room", &self.bundles.lock().room)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
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

/// How many blocks of a shelf are a bundle.
const fn bundle_len(shelf: usize) -> usize {
    match BUNDLE / layout_of(shelf).size() {
        len @ 0..64 => len,
        _ => 64,
    }
}

const fn bundle_bytes(shelf: usize) -> usize {
    bundle_len(shelf) * layout_of(shelf).size()
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
        let shelf = &store.shelves[number];
        let full = usize::from(!shelf.full.get().is_null()) * bundle_len(number);
        let in_depot = DEPOT_ROOM - store.depot.bundles.lock().room;
        (shelf.open.get().len + full, in_depot)
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
        let one = store();
        let other = Store::new(one.depot.clone());
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
    fn a_depot_keeps_no_more_than_it_has_room_for_until_it_is_cleared() {
        let store = store();
        let _lent = lend(Some(&store));
        free_many(allocate_many(2 * DEPOT_ROOM / 1000, 1000), 1000);
        let in_depot = kept(&store, 1000).1;
        assert!((DEPOT_ROOM - BUNDLE..=DEPOT_ROOM).contains(&in_depot));
        store.depot.clear();
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
        assert!(store.shelves.iter().all(|shelf| shelf.open.get().len == 0));
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
