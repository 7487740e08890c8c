//! Guards of a part of what a [`Mutex`] protects.
//!
//! Rule: `data` points into the mutex's value, to what a function of the user's has made of the exclusive reference
//! that the guard stood for. The mapped guard is the only one that is left, and unlocks when it is dropped.

use super::guard::{MutexGuard, OwnedMutexGuard};
use super::holder::Holder;
use super::mutex::Mutex;
use super::permits::Permits;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// A locked mutex without its value, which unlocks it when dropped.
struct Locked<'a> {
    permits: &'a Permits,
    holder: &'a Holder,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.holder.clear();
        self.permits.give_one();
    }
}

/// The same, and it keeps the mutex alive.
struct OwnedLocked<T: ?Sized>(Arc<Mutex<T>>);

impl<T: ?Sized> Drop for OwnedLocked<T> {
    fn drop(&mut self) {
        self.0.holder.clear();
        self.0.permits.give_one();
    }
}

/// A part of what a locked [`Mutex`] protects; unlocks it when dropped. [`MutexGuard::map`] makes one.
#[must_use = "the mutex is unlocked at once if the guard is dropped"]
pub struct MappedMutexGuard<'a, T: ?Sized> {
    locked: Locked<'a>,
    data: NonNull<T>,
    _value: PhantomData<&'a mut T>,
}

/// A part of what a locked [`Mutex`] protects, which is kept alive; unlocks it when dropped. [`OwnedMutexGuard::map`]
/// makes one.
#[must_use = "the mutex is unlocked at once if the guard is dropped"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    locked: OwnedLocked<T>,
    data: NonNull<U>,
    _value: PhantomData<(Box<T>, *mut U)>,
}

// SAFETY: as `&mut T`, which it stands for; the mutex may be unlocked on any thread.
unsafe impl<T: ?Sized + Send> Send for MappedMutexGuard<'_, T> {}
// SAFETY: as `&mut T`.
unsafe impl<T: ?Sized + Sync> Sync for MappedMutexGuard<'_, T> {}
// SAFETY: as `&mut U` beside a shared mutex of `T`.
unsafe impl<T: ?Sized + Send, U: ?Sized + Send> Send for OwnedMappedMutexGuard<T, U> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send, U: ?Sized + Sync> Sync for OwnedMappedMutexGuard<T, U> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// A guard of a part of the value.
    ///
    /// It is an associated function, as are all of a guard's, so that it hides no method of the value's.
    ///
    /// ```
    /// # filch::run(async {
    /// use filch::sync::{Mutex, MutexGuard};
    ///
    /// let mutex = Mutex::new((1, "one"));
    /// let mut number = MutexGuard::map(mutex.lock().await, |pair| &mut pair.0);
    /// *number = 2;
    /// drop(number);
    /// assert_eq!(mutex.into_inner(), (2, "one"));
    /// # });
    /// ```
    pub fn map<U: ?Sized>(
        mut guard: Self,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> MappedMutexGuard<'a, U> {
        let data = NonNull::from(part(&mut *guard));
        MappedMutexGuard::new(locked(guard), data)
    }

    /// A guard of a part of the value, if there is such a part.
    ///
    /// # Errors
    /// The guard as it was, if there is not.
    pub fn try_map<U: ?Sized>(
        mut guard: Self,
        part: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedMutexGuard<'a, U>, Self> {
        match part(&mut *guard).map(NonNull::from) {
            Some(data) => Ok(MappedMutexGuard::new(locked(guard), data)),
            None => Err(guard),
        }
    }
}

/// The guard goes on as the lock that it is.
fn locked<T: ?Sized>(guard: MutexGuard<'_, T>) -> Locked<'_> {
    let mutex = MutexGuard::mutex(&guard);
    std::mem::forget(guard);
    Locked {
        permits: &mutex.permits,
        holder: &mutex.holder,
    }
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    /// A guard of a part of the value.
    pub fn map<U: ?Sized>(
        mut guard: Self,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> OwnedMappedMutexGuard<T, U> {
        let data = NonNull::from(part(&mut *guard));
        OwnedMappedMutexGuard::new(OwnedLocked(guard.into_locked()), data)
    }

    /// A guard of a part of the value, if there is such a part.
    ///
    /// # Errors
    /// The guard as it was, if there is not.
    pub fn try_map<U: ?Sized>(
        mut guard: Self,
        part: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<OwnedMappedMutexGuard<T, U>, Self> {
        match part(&mut *guard).map(NonNull::from) {
            Some(data) => Ok(OwnedMappedMutexGuard::new(
                OwnedLocked(guard.into_locked()),
                data,
            )),
            None => Err(guard),
        }
    }
}

/// What both guards do. A guard of a part can be made one of a part of that.
macro_rules! mapped {
    ([$($generics:tt)*] $guard:ty, $target:ident, $locked:ty, $mapped:ty as $part:ident) => {
        impl<$($generics)*> $guard {
            /// By the rule above.
            fn new(locked: $locked, data: NonNull<$target>) -> Self {
                Self {
                    locked,
                    data,
                    _value: PhantomData,
                }
            }

            /// A guard of a part of this part.
            pub fn map<$part: ?Sized>(
                mut guard: Self,
                part: impl FnOnce(&mut $target) -> &mut $part,
            ) -> $mapped {
                let data = NonNull::from(part(&mut *guard));
                <$mapped>::new(guard.locked, data)
            }

            /// A guard of a part of this part, if there is such a part.
            ///
            /// # Errors
            /// The guard as it was, if there is not.
            pub fn try_map<$part: ?Sized>(
                mut guard: Self,
                part: impl FnOnce(&mut $target) -> Option<&mut $part>,
            ) -> Result<$mapped, Self> {
                match part(&mut *guard).map(NonNull::from) {
                    Some(data) => Ok(<$mapped>::new(guard.locked, data)),
                    None => Err(guard),
                }
            }
        }

        impl<$($generics)*> Deref for $guard {
            type Target = $target;

            fn deref(&self) -> &$target {
                // SAFETY: exclusive access, by the rule above.
                unsafe { self.data.as_ref() }
            }
        }

        impl<$($generics)*> DerefMut for $guard {
            fn deref_mut(&mut self) -> &mut $target {
                // SAFETY: as for `deref`.
                unsafe { self.data.as_mut() }
            }
        }

        impl<$($generics)*> fmt::Debug for $guard
        where
            $target: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<$($generics)*> fmt::Display for $guard
        where
            $target: fmt::Display,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

mapped!(['a, T: ?Sized] MappedMutexGuard<'a, T>, T, Locked<'a>, MappedMutexGuard<'a, V> as V);
mapped!(
    [T: ?Sized, U: ?Sized] OwnedMappedMutexGuard<T, U>, U, OwnedLocked<T>, OwnedMappedMutexGuard<T, V> as V
);
