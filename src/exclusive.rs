//! What only its one owner can reach.

use std::panic::{RefUnwindSafe, UnwindSafe};

/// A value behind which a shared reference finds nothing. So it may be shared whatever it is: what users hold of this
/// crate is `Sync`, though what is in it, such as a box of a future or of a stream, promises `Send` alone.
pub(crate) struct Exclusive<T>(T);

// SAFETY: a shared reference leads to no part of the value: there is no method that takes one, and no trait.
unsafe impl<T> Sync for Exclusive<T> {}

// A shared reference sees nothing that a panic could have left half done. By value it is a future, a stream, or what a
// future has gathered: polled again after a panic, it gives what it makes of that.
impl<T> RefUnwindSafe for Exclusive<T> {}
impl<T> UnwindSafe for Exclusive<T> {}

impl<T> Exclusive<T> {
    pub(crate) fn new(value: T) -> Exclusive<T> {
        Exclusive(value)
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
