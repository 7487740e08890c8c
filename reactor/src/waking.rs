//! Wakers outside of all locks: code of others, whose panics end here. Who has to wake or to drop one here is mostly
//! inside a drop or in the midst of a poll of somebody else's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Wakes one waiter. It does not panic.
pub(crate) fn wake(waker: Waker) {
    quietly(|| waker.wake());
}

/// Drops a waker that is done with, if there is one. It does not panic.
#[inline]
pub(crate) fn forget(waker: Option<Waker>) {
    if let Some(waker) = waker {
        quietly(|| drop(waker));
    }
}

fn quietly(call: impl FnOnce()) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(call)) else {
        return;
    };
    // What was thrown may panic when it is dropped; what that throws is left alone.
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(another);
    }
}
