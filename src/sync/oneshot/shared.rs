//! What the two ends share, and the rules for it.

// Both ends share one allocation, all of which is behind the `Lock`: a section each for a send and for a receiver that
// begins to wait. The receiver that finds the sender gone needs none.
//
// The rules that the unsafe code here relies on:
//
// 1. The allocation lives until both ends are gone. Each end says so once, in its last section of the lock; who finds
//    the other one gone already frees it, after the section.
// 2. `sender_done` is stored in the sender's last section. Whoever sees it knows that nobody but the receiver will
//    begin another.
//
// Orderings: that store is Release and the receiver's load Acquire, so that the load cannot see it before the section
// has begun. That the section has ended, and what was written in it, comes through `Lock::after_last`.

use crate::sync::lock::Lock;
use crate::sync::primitive::atomic::AtomicBool;
use filch_executor::foreign::discard;
use std::ptr::NonNull;
use std::task::Waker;

/// What both ends share.
pub(super) struct Shared<T> {
    pub(super) sender_done: AtomicBool,
    pub(super) state: Lock<State<T>>,
}

pub(super) struct State<T> {
    pub(super) value: Option<T>,
    /// Who waits for the value.
    pub(super) receiver: Option<Waker>,
    /// Who waits for the receiver's end.
    pub(super) sender: Option<Waker>,
    /// The receiver wants nothing any more. Set when it is gone, too.
    pub(super) closed: bool,
    pub(super) sender_gone: bool,
    pub(super) receiver_gone: bool,
}

impl<T> Shared<T> {
    /// For two ends, of which the second one frees it.
    pub(super) fn leak() -> NonNull<Shared<T>> {
        let shared = Box::new(Shared {
            sender_done: AtomicBool::new(false),
            state: Lock::new(State {
                value: None,
                receiver: None,
                sender: None,
                closed: false,
                sender_gone: false,
                receiver_gone: false,
            }),
        });
        NonNull::from(Box::leak(shared))
    }
}

/// Frees what both ends shared. A value that was not received is dropped here; its panic ends here, too.
///
/// # Safety
/// Both ends are gone, and this is the second one's last access: rule 1.
pub(super) unsafe fn free<T>(shared: NonNull<Shared<T>>) {
    // SAFETY: the pointer came from `leak`, and by the caller's promise nobody has another one.
    discard(unsafe { Box::from_raw(shared.as_ptr()) });
}
