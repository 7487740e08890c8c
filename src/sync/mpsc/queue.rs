//! The values of a channel, in blocks of a few: a [`Tail`] that senders write at, a [`Head`] that receivers take from.
//!
//! Each end is behind a lock of its own (`core.rs`), so that the two can be used at a time. What keeps them apart is
//! counting, which is done there:
//!
//! 1. `push` is called by one thread at a time, and each call happens before the next; so is `pop`.
//! 2. The call of `pop` number n happens after the return of `push` number n.
//!
//! So a slot is read after it was written, once. A block is freed by the `pop` that goes on to the next one: that is
//! ordered after a `push` into the next one, and the tail had left the block before.

use crate::sync::primitive::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

/// Values per block. Two under loom, so that its short models come to the second block.
const SLOTS: usize = if cfg!(all(test, filch_loom)) { 2 } else { 32 };

struct Block<T> {
    slots: [UnsafeCell<MaybeUninit<T>>; SLOTS],
    /// Written by the `push` that goes on to the next block.
    next: UnsafeCell<*mut Block<T>>,
}

impl<T> Block<T> {
    fn allocate() -> NonNull<Block<T>> {
        let block = Block {
            slots: std::array::from_fn(|_| UnsafeCell::new(MaybeUninit::uninit())),
            next: UnsafeCell::new(ptr::null_mut()),
        };
        NonNull::from(Box::leak(Box::new(block)))
    }
}

/// The end to write at.
pub(super) struct Tail<T> {
    block: NonNull<Block<T>>,
    index: usize,
}

/// The end to take from. It owns the blocks: see [`Head::free`].
pub(super) struct Head<T> {
    block: NonNull<Block<T>>,
    index: usize,
}

// SAFETY: values go in through one end and out through the other; nobody gets a reference to one in between.
unsafe impl<T: Send> Send for Tail<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Head<T> {}

/// An empty queue.
pub(super) fn queue<T>() -> (Tail<T>, Head<T>) {
    let block = Block::allocate();
    (Tail { block, index: 0 }, Head { block, index: 0 })
}

impl<T> Tail<T> {
    /// Adds a value.
    ///
    /// # Safety
    /// Rules 1 and 2, and the head is not freed.
    #[inline]
    pub(super) unsafe fn push(&mut self, value: T) {
        if self.index == SLOTS {
            let next = Block::allocate();
            // SAFETY: the block lives: it is freed by a `pop` that is ordered after the push below (rule 2).
            let block = unsafe { self.block.as_ref() };
            // SAFETY: nobody reads it before then.
            block
                .next
                .with_mut(|place| unsafe { *place = next.as_ptr() });
            self.block = next;
            self.index = 0;
        }
        // SAFETY: as above.
        let block = unsafe { self.block.as_ref() };
        // SAFETY: the slot is read by a `pop` that is ordered after this (rule 2), and was not written before.
        block.slots[self.index].with_mut(|slot| unsafe { (*slot).write(value) });
        self.index += 1;
    }
}

impl<T> Head<T> {
    /// Takes the oldest value.
    ///
    /// # Safety
    /// Rules 1 and 2.
    #[inline]
    pub(super) unsafe fn pop(&mut self) -> T {
        if self.index == SLOTS {
            // SAFETY: the head's own block lives, and the push of this value has written the pointer before (rule 2).
            let next = unsafe { self.block.as_ref().next.with(|next| *next) };
            // SAFETY: that push has left the block for ever, and so does this.
            drop(unsafe { Box::from_raw(self.block.as_ptr()) });
            // SAFETY: it was written, from `allocate`.
            self.block = unsafe { NonNull::new_unchecked(next) };
            self.index = 0;
        }
        // SAFETY: the head's own block lives.
        let block = unsafe { self.block.as_ref() };
        // SAFETY: it was written before (rule 2) and is read this once.
        let value = block.slots[self.index].with(|slot| unsafe { (*slot).assume_init_read() });
        self.index += 1;
        value
    }

    /// Frees what is left of an empty queue.
    ///
    /// # Safety
    /// As many pops as pushes have been, and neither is called any more.
    pub(super) unsafe fn free(&mut self) {
        // SAFETY: without values there is one block: a push goes on to another one only when it has a value for it.
        drop(unsafe { Box::from_raw(self.block.as_ptr()) });
    }
}
