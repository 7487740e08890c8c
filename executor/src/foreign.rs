//! Code of others that the runtime calls in passing: wakers, and the drops of values, outputs and panics' payloads.
//!
//! Any of it may panic. Whoever calls it here is seldom whom it belongs to, has others to wake or drop, and is often
//! inside a drop itself, where a second panic would end the process. So a panic ends here; the panic hook has told
//! of it. What is polled is another matter: its panic goes to whoever awaits it.
//!
//! Any of it may also come back in, to the very object that called it. So nobody calls it with a lock held. A task's
//! own waker is no code of others: its clone counts a reference, and is allowed there
//! ([`is_task_waker`](crate::is_task_waker)).
//!
//! # What is forgotten
//!
//! What a panic throws is a value of others too, and its drop may panic; so may the drop of what *that* throws, and
//! so on without end. So a payload is dropped, and what its drop throws is forgotten: that memory leaks, here and
//! nowhere else ([`dispose`]).

use parking_lot::Mutex;
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;

/// What a panic has thrown.
pub type Payload = Box<dyn Any + Send>;

/// Calls code of others; its panic comes back as an error.
#[inline]
pub fn attempt<R>(call: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(call))
}

/// Calls code of others whose panic is nobody's business.
#[inline]
pub fn quietly(call: impl FnOnce()) {
    if let Err(payload) = attempt(call) {
        dispose(payload);
    }
}

/// Drops a value of others. It does not panic.
#[inline]
pub fn discard<T>(value: T) {
    if std::mem::needs_drop::<T>() {
        quietly(|| drop(value));
    }
}

/// Drops what was thrown. If that throws again, the second payload is forgotten.
#[cold]
pub fn dispose(payload: Payload) {
    if let Err(another) = attempt(|| drop(payload)) {
        std::mem::forget(another);
    }
}

/// What helps against a panic of another crate.
pub(crate) fn hint(message: &str) -> &'static str {
    match message.contains("must be called from the context of a Tokio 1.x runtime") {
        true => {
            "; start filch by #[filch::main(tokio)], with its feature `tokio`, for crates that need tokio"
        }
        false => "",
    }
}

/// The text of a panic's payload, if it has one.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> Option<&str> {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}

/// Wakes. It does not panic.
#[inline]
pub fn wake(waker: Waker) {
    quietly(|| waker.wake());
}

/// Wakes by reference. It does not panic.
#[inline]
pub fn wake_by_ref(waker: &Waker) {
    quietly(|| waker.wake_by_ref());
}

/// Wakes one after the other, whatever they do.
#[inline]
pub fn wake_batch(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(wake);
}

/// Room for the waker of one who waits, for whoever wakes to find.
///
/// Whoever waits registers, and then looks; whoever changes something does so, and then wakes. Whichever comes first
/// under the lock, either the waker is found, or the change is seen.
pub struct WakerCell {
    waker: Mutex<Option<Waker>>,
    /// Whether it has none: written under the lock. A hint, which saves whoever waits a look in vain.
    is_empty: AtomicBool,
}

// Wakers are cloned, woken and dropped outside of the lock, so a panic of one leaves nothing half changed.
impl UnwindSafe for WakerCell {}
impl RefUnwindSafe for WakerCell {}

impl WakerCell {
    /// Without a waker.
    #[must_use]
    pub const fn new() -> WakerCell {
        WakerCell {
            waker: Mutex::new(None),
            is_empty: AtomicBool::new(true),
        }
    }

    /// Keeps a clone in the place of the last one. If the clone panics, that one stays.
    pub fn register(&self, waker: &Waker) {
        let same = |kept: &Waker| kept.will_wake(waker);
        // Relaxed: whatever it says, the waker is in the cell in the end, put there or found there under the lock.
        if !self.is_empty.load(Relaxed) && self.waker.lock().as_ref().is_some_and(same) {
            return;
        }
        let clone = waker.clone();
        let replaced = self.put(Some(clone));
        discard(replaced);
    }

    /// Takes the waker out and wakes it.
    pub fn wake(&self) {
        let taken = self.put(None);
        if let Some(waker) = taken {
            wake(waker);
        }
    }

    /// Puts that in the place of what is there.
    fn put(&self, waker: Option<Waker>) -> Option<Waker> {
        let mut kept = self.waker.lock();
        self.is_empty.store(waker.is_none(), Relaxed);
        std::mem::replace(&mut kept, waker)
    }
}

impl Drop for WakerCell {
    fn drop(&mut self) {
        discard(self.waker.get_mut().take());
    }
}

impl Default for WakerCell {
    fn default() -> WakerCell {
        WakerCell::new()
    }
}

impl fmt::Debug for WakerCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakerCell").finish_non_exhaustive()
    }
}
