//! Room for a value that is written once and read from then on without a lock.
//!
//! Rule: `value` is written by one at a time, whom the primitive around this has chosen, and before `filled` is stored;
//! after that it is only read, until somebody has `&mut`.
//!
//! Orderings: that store is Release and the readers' load Acquire, so that they see the whole value.

use super::primitive::atomic::AtomicBool;
use super::primitive::atomic::Ordering::{Acquire, Release};
use super::primitive::{UnsafeCell, const_fn};
use std::panic::{RefUnwindSafe, UnwindSafe};

/// See above.
#[derive(Debug)]
pub(super) struct Once<T> {
    filled: AtomicBool,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: readers on several threads share the value, and the writer may be any thread.
unsafe impl<T: Send + Sync> Sync for Once<T> {}
// A panic of whoever makes the value comes before it is written.
impl<T: UnwindSafe> UnwindSafe for Once<T> {}
impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for Once<T> {}

impl<T> Once<T> {
    const_fn! {
        pub(super) const fn new() -> Once<T> {
            Once {
                filled: AtomicBool::new(false),
                value: UnsafeCell::new(None),
            }
        }
    }

    const_fn! {
        pub(super) const fn with(value: T) -> Once<T> {
            Once {
                filled: AtomicBool::new(true),
                value: UnsafeCell::new(Some(value)),
            }
        }
    }

    #[inline]
    pub(super) fn get(&self) -> Option<&T> {
        if !self.filled.load(Acquire) {
            return None;
        }
        // SAFETY: by the rule it is only read from now on.
        self.value.with(|value| unsafe { (*value).as_ref() })
    }

    /// # Safety
    /// It is not filled, and the caller is the one who may.
    pub(super) unsafe fn fill(&self, value: T) {
        // SAFETY: the caller's promise, and nobody reads before the store.
        self.value.with_mut(|place| unsafe { *place = Some(value) });
        self.filled.store(true, Release);
    }

    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: `&mut self`; what was written came before it.
        self.value.with_mut(|value| unsafe { (*value).as_mut() })
    }

    pub(super) fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}
