//! What only its one owner can reach.

use std::panic::{RefUnwindSafe, UnwindSafe};

/// A value behind which a shared reference finds nothing. So it may be shared whatever it is: a box of a future or of a
/// stream promises `Send` alone, and what users hold of this crate is `Sync`.
pub(super) struct Exclusive<T>(T);

// SAFETY: a shared reference leads to no part of the value: there is no method that takes one, and no trait.
unsafe impl<T> Sync for Exclusive<T> {}

// A shared reference sees nothing that a panic could have left half done. Whoever polls again after a panic gets what
// the future or the stream makes of that: this holds no data of users' own.
impl<T> RefUnwindSafe for Exclusive<T> {}
impl<T> UnwindSafe for Exclusive<T> {}

impl<T> Exclusive<T> {
    pub(super) fn new(value: T) -> Exclusive<T> {
        Exclusive(value)
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
