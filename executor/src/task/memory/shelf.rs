//! Sizes, and the blocks that wait for tasks of them.

use std::alloc::{self, Layout};
use std::ptr::NonNull;

/// Sizes are rounded up to a multiple of this, plus a word: as glibc's allocator does, whose blocks begin with a
/// word of its own.
pub(super) const GRAIN: usize = 16;
pub(super) const WORD: usize = 8;
/// Larger tasks are not kept.
pub(super) const LARGEST: usize = 1024;
pub(super) const SHELVES: usize = LARGEST / GRAIN + 1;
/// About so many bytes are a bundle.
pub(super) const BUNDLE: usize = 8 * 1024;

/// What is written into a block while there is no task in it.
pub(super) struct Block {
    pub(super) next: *mut Block,
}

/// The shelf for a layout; `None`: such tasks are not kept.
#[inline]
pub(super) const fn shelf_for(layout: Layout) -> Option<usize> {
    if layout.align() > GRAIN || layout.size() > LARGEST {
        return None;
    }
    Some((layout.size() + GRAIN - 1 - WORD) / GRAIN)
}

/// What is allocated for a shelf.
#[inline]
pub(super) const fn layout_of(shelf: usize) -> Layout {
    match Layout::from_size_align(shelf * GRAIN + WORD, GRAIN) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    }
}

/// How many blocks of a shelf are a bundle. A constant where the task's type is known, which saves a division.
#[inline]
pub(super) const fn bundle_len(shelf: usize) -> usize {
    match BUNDLE / layout_of(shelf).size() {
        len @ 0..64 => len,
        _ => 64,
    }
}

/// How many bytes a bundle is.
pub(super) const fn bundle_bytes(shelf: usize) -> usize {
    bundle_len(shelf) * layout_of(shelf).size()
}

/// Gives a list of blocks back to the allocator.
///
/// # Safety
/// They were allocated with this shelf's layout and are the caller's alone.
pub(super) unsafe fn free_all(mut first: *mut Block, number: usize) {
    while let Some(block) = NonNull::new(first) {
        // SAFETY: the caller's promise.
        unsafe {
            first = block.as_ref().next;
            alloc::dealloc(block.as_ptr().cast(), layout_of(number));
        }
    }
}
