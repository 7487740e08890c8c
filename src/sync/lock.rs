//! The lock inside every primitive of this module: for a handful of instructions at a time, never across a call into
//! code of others.
//!
//! Taking it is one read-modify-write, giving it back one store. That is half of what a lock costs on which a thread
//! can sleep, and since a channel or a mutex does nothing else on its fast path, it is half of what an operation costs.
//! The price is that a thread which finds it taken has to wait by itself. It spins for as long as a section takes, then
//! yields: the holder may have been preempted. Should that not help, it sleeps, so that a thread of real-time priority
//! cannot keep the holder from running for ever.
//!
//! What may be done with the lock held: read and write plain fields, clone a task's own waker. Not: clone any other
//! waker, wake or drop one, drop a user's value, block, take another lock. Any other waker's clone is code of others,
//! which may come back here: it is made between two sections (`wakers::keep`).

use super::primitive::atomic::AtomicBool;
use super::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use super::primitive::{UnsafeCell, const_fn, pause, sleep, yield_now};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::time::Duration;

/// A waiter looks less and less often, up to so many pauses apart, before it yields. Not measured.
const MOST_PAUSES: u32 = 64;
/// How often it yields before it sleeps.
const YIELDS: u32 = 64;
/// How long it sleeps then, each time.
const NAP: Duration = Duration::from_micros(50);

/// A value behind the lock.
///
/// Invariant: whoever changed `taken` from false to true has exclusive access to `value` until it stores false.
#[repr(C)]
pub(super) struct Lock<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: by the invariant one thread at a time reaches the value, which may move between threads.
unsafe impl<T: Send> Sync for Lock<T> {}
// By what may be done with it held, nothing in between panics but a waker's clone, before which nothing is changed.
impl<T> UnwindSafe for Lock<T> {}
impl<T> RefUnwindSafe for Lock<T> {}

impl<T> Lock<T> {
    const_fn! {
        pub(super) const fn new(value: T) -> Lock<T> {
            Lock {
                taken: AtomicBool::new(false),
                value: UnsafeCell::new(value),
            }
        }
    }

    /// Waits for the lock.
    ///
    /// Orderings: Acquire pairs with the Release of the guard's drop, so that this holder sees what the last one wrote.
    #[inline]
    pub(super) fn lock(&self) -> Guard<'_, T> {
        if !self.try_take() {
            self.lock_taken();
        }
        Guard {
            lock: NonNull::from(self),
            borrows: PhantomData,
        }
    }

    #[cold]
    fn lock_taken(&self) {
        let mut patience = Patience::new();
        loop {
            patience.wait();
            // Only a hint that the exchange, which orders, is worth while.
            if !self.taken.load(Relaxed) && self.try_take() {
                return;
            }
        }
    }

    /// An exchange that writes nothing when it fails: models of locks that swap do not end.
    #[inline]
    fn try_take(&self) -> bool {
        self.taken
            .compare_exchange(false, true, Acquire, Relaxed)
            .is_ok()
    }

    /// Reaches the value without a read-modify-write.
    ///
    /// # Safety
    /// Nobody else begins to lock, now or later, until the caller has done so again. A last holder may still be on its
    /// way out: it is waited for.
    ///
    /// Orderings: Acquire pairs with the Release of that holder's drop.
    #[inline]
    pub(super) unsafe fn after_last<R>(&self, with: impl FnOnce(&mut T) -> R) -> R {
        let mut patience = Patience::new();
        while self.taken.load(Acquire) {
            patience.wait();
        }
        // SAFETY: the caller's promise leaves nobody else with access.
        self.value.with_mut(|value| with(unsafe { &mut *value }))
    }
}

/// How long whoever found the lock taken stays away from it.
struct Patience {
    pauses: u32,
    yields: u32,
}

impl Patience {
    fn new() -> Patience {
        Patience {
            pauses: 1,
            yields: 0,
        }
    }

    /// Each time longer. In a model others run when this one yields, so that is all it does.
    fn wait(&mut self) {
        if cfg!(all(test, filch_loom)) {
            return yield_now();
        }
        if self.pauses <= MOST_PAUSES {
            (0..self.pauses).for_each(|_| pause());
            self.pauses *= 2;
        } else if self.yields < YIELDS {
            yield_now();
            self.yields += 1;
        } else {
            sleep(NAP);
        }
    }
}

impl<T> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

/// The lock, taken. It is given back where this is dropped, in a panic too.
///
/// It holds a pointer and not a reference: with a oneshot, whoever takes the lock next may free it while `drop(guard)`
/// has not quite returned, and a reference in a function's argument promises that what it refers to stays until then.
pub(super) struct Guard<'a, T> {
    lock: NonNull<Lock<T>>,
    /// The lock lives as long as it is taken. A section ends on the thread that began it, so a guard is not Send, as no
    /// pointer is.
    borrows: PhantomData<&'a Lock<T>>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock lives as long as its guard, until that is dropped.
        let lock = unsafe { self.lock.as_ref() };
        // SAFETY: by the lock's invariant the guard has exclusive access, which it lends as far as itself is borrowed.
        lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`.
        let lock = unsafe { self.lock.as_ref() };
        // SAFETY: as for `deref`.
        lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for Guard<'_, T> {
    /// Orderings: Release hands the value to the next holder.
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the lock lives until this store, which is the last access: the reference is to the flag alone, which
        // is a cell through and through, so it does not matter that the lock may be gone before the store returns.
        unsafe { (*self.lock.as_ptr()).taken.store(false, Release) };
    }
}
