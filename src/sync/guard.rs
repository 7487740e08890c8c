//! The guards of a [`Mutex`].
//!
//! This file and `mutex.rs` import each other: a guard gives back what its mutex has, and a mutex makes guards. Each is
//! half of one thing, and what neither could do without the other is one call in either direction.
//!
//! Rule: a guard is made by whoever got the mutex's permit, and gives it back when it is dropped; in between the mutex
//! names the task that made it. So it has exclusive access to the value, which it lends as far as itself is borrowed.
//! The markers make a guard `Sync` only if the value is, as it lends out `&T`.

use super::mutex::Mutex;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A locked [`Mutex`]; unlocks it when dropped.
#[must_use = "the mutex is unlocked at once if the guard is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    _value: PhantomData<&'a mut T>,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    #[inline]
    pub(super) fn new(mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        mutex.holder.set();
        MutexGuard {
            mutex,
            _value: PhantomData,
        }
    }

    /// The mutex that it locks.
    pub fn mutex(guard: &MutexGuard<'a, T>) -> &'a Mutex<T> {
        guard.mutex
    }
}

/// A locked [`Mutex`] that is kept alive; unlocks it when dropped.
#[must_use = "the mutex is unlocked at once if the guard is dropped"]
pub struct OwnedMutexGuard<T: ?Sized> {
    mutex: Arc<Mutex<T>>,
    _value: PhantomData<Box<T>>,
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    pub(super) fn new(mutex: Arc<Mutex<T>>) -> OwnedMutexGuard<T> {
        mutex.holder.set();
        OwnedMutexGuard {
            mutex,
            _value: PhantomData,
        }
    }

    /// The mutex that it locks.
    pub fn mutex(guard: &OwnedMutexGuard<T>) -> &Arc<Mutex<T>> {
        &guard.mutex
    }

    /// The mutex, which stays locked.
    pub(super) fn into_locked(self) -> Arc<Mutex<T>> {
        let guard = ManuallyDrop::new(self);
        // SAFETY: the guard is not used or dropped any more.
        unsafe { std::ptr::read(&raw const guard.mutex) }
    }
}

/// What both guards do.
macro_rules! locked {
    ($guard:ty) => {
        impl<T: ?Sized> Deref for $guard {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                // SAFETY: exclusive access, by the rule above.
                unsafe { &*self.mutex.value.get() }
            }
        }

        impl<T: ?Sized> DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                // SAFETY: as for `deref`.
                unsafe { &mut *self.mutex.value.get() }
            }
        }

        impl<T: ?Sized> Drop for $guard {
            #[inline]
            fn drop(&mut self) {
                self.mutex.holder.clear();
                self.mutex.permits.give_one();
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $guard {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $guard {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

locked!(MutexGuard<'_, T>);
locked!(OwnedMutexGuard<T>);
