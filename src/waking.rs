//! Waking others' wakers, where nobody is there to bear a panic of theirs.
//!
//! A waker is code of others and may panic. That ends here, as it does everywhere in the runtime: whoever wakes is
//! seldom whom the waker belongs to, has others to wake and a value to hand on, and is often inside a drop, where a
//! second panic would end the process. The panic hook has told of it. Used by `io`, `net` and `sync`, always after
//! their locks are released.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Wakes one waiter. It does not panic.
#[inline]
pub(crate) fn wake(waker: Waker) {
    quietly(|| waker.wake());
}

/// Wakes all of them, though some panic.
pub(crate) fn wake_each(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(wake);
}

/// Drops a waker that is done with, or none. It does not panic either.
#[inline]
pub(crate) fn forget(waker: Option<Waker>) {
    if let Some(waker) = waker {
        quietly(|| drop(waker));
    }
}

#[inline]
fn quietly(call: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
        forget_panic(panic);
    }
}

/// What was thrown is code of others too: its drop may panic, and so may the drop of what that throws, which is left
/// alone.
#[cold]
fn forget_panic(panic: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        mem::forget(another);
    }
}
