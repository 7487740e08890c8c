//! A task's wakers: each is a counted reference, or, during a poll, a borrowed one.
//!
//! A waker's data is the pointer to the [`Header`], whatever the future's type.

use super::header::{Header, enqueue, release};
use crate::task::state::Wake;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

/// The one vtable of all tasks' wakers, so that `will_wake` can compare.
static WAKER: RawWakerVTable =
    RawWakerVTable::new(waker_clone, waker_wake, waker_wake_by_ref, waker_drop);

/// A waker that holds no reference: for use during a poll, inside `ManuallyDrop`.
pub(super) fn borrowed_waker(task: NonNull<Header>) -> Waker {
    // SAFETY: the vtable's functions keep RawWaker's contract; a clone takes its own reference.
    unsafe { Waker::from_raw(RawWaker::new(task.as_ptr().cast_const().cast(), &WAKER)) }
}

/// Whether a waker is a task's own, of whatever runtime: its clone only counts a reference, so it may be made with a
/// lock held.
#[inline]
#[must_use]
pub fn is_task_waker(waker: &Waker) -> bool {
    std::ptr::eq(waker.vtable(), &WAKER)
}

fn waker_task(data: *const ()) -> NonNull<Header> {
    // SAFETY: every waker is made from a non-null task pointer.
    unsafe { NonNull::new_unchecked(data.cast_mut().cast()) }
}

unsafe fn waker_clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned keeps the header.
    unsafe { waker_task(data).as_ref() }.state.add_ref();
    RawWaker::new(data, &WAKER)
}

unsafe fn waker_wake(data: *const ()) {
    let task = waker_task(data);
    // SAFETY: the waker's reference keeps the header; the action says what it turned into.
    unsafe {
        match task.as_ref().state.wake_by_value() {
            Wake::Nothing => {}
            Wake::Enqueue => enqueue(task),
            Wake::Dealloc => (task.as_ref().vtable.dealloc)(task),
        }
    }
}

unsafe fn waker_wake_by_ref(data: *const ()) {
    let task = waker_task(data);
    // SAFETY: the waker's reference keeps the header.
    unsafe {
        if task.as_ref().state.wake_by_ref() == Wake::Enqueue {
            enqueue(task);
        }
    }
}

unsafe fn waker_drop(data: *const ()) {
    // SAFETY: the waker's reference ends here.
    unsafe { release(waker_task(data)) }
}

impl Header {
    /// Whether a waker is this task's own, so that waking it would schedule this very task.
    pub(crate) fn is_waker(&self, waker: &Waker) -> bool {
        std::ptr::eq(waker.data(), std::ptr::from_ref(self).cast()) && is_task_waker(waker)
    }
}
