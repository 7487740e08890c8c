//! The guards of a lock for readers and writers.
//!
//! Rule: `data` points into the lock's value. A guard that has a [`Reading`] shares it with other readers, one that
//! has a [`Writing`] has it alone; both keep that as long as they live, and lend it as far as they are borrowed. What a
//! function of the user's has made of a reference into the value is such a reference again.
//!
//! The markers make a guard vary as the reference does that it stands for.

use super::RwLock;
use super::hold::{Core, Reading, Writing};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// A [`RwLock`] that is locked for reading; unlocks it when dropped.
#[must_use = "the lock is given back at once if the guard is dropped"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    hold: Reading<&'a Core>,
    data: NonNull<T>,
    _value: PhantomData<&'a T>,
}

/// A [`RwLock`] that is locked for writing; unlocks it when dropped.
#[must_use = "the lock is given back at once if the guard is dropped"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    hold: Writing<&'a Core>,
    data: NonNull<T>,
    _value: PhantomData<&'a mut T>,
}

/// A part of what a [`RwLock`] protects, which is locked for writing; unlocks it when dropped.
#[must_use = "the lock is given back at once if the guard is dropped"]
pub struct RwLockMappedWriteGuard<'a, T: ?Sized> {
    hold: Writing<&'a Core>,
    data: NonNull<T>,
    _value: PhantomData<&'a mut T>,
}

/// A [`RwLock`] that is kept alive and locked for reading, or a part `U` of what it protects; unlocks it when dropped.
#[must_use = "the lock is given back at once if the guard is dropped"]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T> {
    hold: Reading<Arc<RwLock<T>>>,
    data: NonNull<U>,
    _value: PhantomData<(Box<T>, *const U)>,
}

/// A [`RwLock`] that is kept alive and locked for writing; unlocks it when dropped.
#[must_use = "the lock is given back at once if the guard is dropped"]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    hold: Writing<Arc<RwLock<T>>>,
    data: NonNull<T>,
    _value: PhantomData<Box<T>>,
}

/// A part of what a [`RwLock`] protects, which is kept alive and locked for writing; unlocks it when dropped.
#[must_use = "the lock is given back at once if the guard is dropped"]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T> {
    hold: Writing<Arc<RwLock<T>>>,
    data: NonNull<U>,
    _value: PhantomData<(Box<T>, *mut U)>,
}

// SAFETY: as `&T`, which a reader's guard is; the permit may be given back on any thread.
unsafe impl<T: ?Sized + Sync> Send for RwLockReadGuard<'_, T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}
// SAFETY: as `&mut T`; it is sent together with the right to read, of which others may have one next.
unsafe impl<T: ?Sized + Send + Sync> Send for RwLockWriteGuard<'_, T> {}
// SAFETY: as `&mut T`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLockWriteGuard<'_, T> {}
// SAFETY: as for the guard of the whole.
unsafe impl<T: ?Sized + Send + Sync> Send for RwLockMappedWriteGuard<'_, T> {}
// SAFETY: as for the guard of the whole.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLockMappedWriteGuard<'_, T> {}
// SAFETY: as `&U` beside a shared lock of `T`, which it may be the last to drop.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Send for OwnedRwLockReadGuard<T, U> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Sync for OwnedRwLockReadGuard<T, U> {}
// SAFETY: as `&mut T` beside a shared lock of it.
unsafe impl<T: ?Sized + Send + Sync> Send for OwnedRwLockWriteGuard<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync> Sync for OwnedRwLockWriteGuard<T> {}
// SAFETY: as `&mut U` beside a shared lock of `T`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Send
    for OwnedRwLockMappedWriteGuard<T, U>
{
}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync
    for OwnedRwLockMappedWriteGuard<T, U>
{
}

/// How a guard is made, and what it refers to.
macro_rules! guard {
    ([$($generics:tt)*] $guard:ty, $target:ty, $hold:ty) => {
        impl<$($generics)*> $guard {
            /// By the rule above: `data` is what `hold` has the right to.
            #[inline]
            pub(super) fn new(hold: $hold, data: NonNull<$target>) -> Self {
                Self {
                    hold,
                    data,
                    _value: PhantomData,
                }
            }
        }

        impl<$($generics)*> Deref for $guard {
            type Target = $target;

            #[inline]
            fn deref(&self) -> &$target {
                // SAFETY: the rule above.
                unsafe { self.data.as_ref() }
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

guard!(['a, T: ?Sized] RwLockReadGuard<'a, T>, T, Reading<&'a Core>);
guard!(['a, T: ?Sized] RwLockWriteGuard<'a, T>, T, Writing<&'a Core>);
guard!(['a, T: ?Sized] RwLockMappedWriteGuard<'a, T>, T, Writing<&'a Core>);
guard!([T: ?Sized, U: ?Sized] OwnedRwLockReadGuard<T, U>, U, Reading<Arc<RwLock<T>>>);
guard!([T: ?Sized] OwnedRwLockWriteGuard<T>, T, Writing<Arc<RwLock<T>>>);
guard!([T: ?Sized, U: ?Sized] OwnedRwLockMappedWriteGuard<T, U>, U, Writing<Arc<RwLock<T>>>);

/// What a writer's guard can do beside that.
macro_rules! write_guard {
    ([$($generics:tt)*] $guard:ty, $target:ty, $mapped:ty as $part_of:ident) => {
        impl<$($generics)*> DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut self) -> &mut $target {
                // SAFETY: the rule above.
                unsafe { self.data.as_mut() }
            }
        }

        impl<$($generics)*> $guard {
            /// A guard of a part of the value.
            ///
            /// It is an associated function, as are all of a guard's, so that it hides no method of the value's.
            pub fn map<$part_of: ?Sized>(
                mut guard: Self,
                part: impl FnOnce(&mut $target) -> &mut $part_of,
            ) -> $mapped {
                let data = NonNull::from(part(&mut *guard));
                <$mapped>::new(guard.hold, data)
            }

            /// A guard of a part of the value, if there is such a part.
            ///
            /// # Errors
            /// The guard as it was, if there is not.
            pub fn try_map<$part_of: ?Sized>(
                mut guard: Self,
                part: impl FnOnce(&mut $target) -> Option<&mut $part_of>,
            ) -> Result<$mapped, Self> {
                match part(&mut *guard).map(NonNull::from) {
                    Some(data) => Ok(<$mapped>::new(guard.hold, data)),
                    None => Err(guard),
                }
            }
        }
    };
}

write_guard!(['a, T: ?Sized] RwLockWriteGuard<'a, T>, T, RwLockMappedWriteGuard<'a, U> as U);
write_guard!(['a, T: ?Sized] RwLockMappedWriteGuard<'a, T>, T, RwLockMappedWriteGuard<'a, U> as U);
write_guard!([T: ?Sized] OwnedRwLockWriteGuard<T>, T, OwnedRwLockMappedWriteGuard<T, V> as V);
write_guard!(
    [T: ?Sized, U: ?Sized] OwnedRwLockMappedWriteGuard<T, U>, U, OwnedRwLockMappedWriteGuard<T, V> as V
);

/// How a writer of the whole becomes a reader.
macro_rules! downgrade {
    ([$($generics:tt)*] $guard:ty, $mapped:ty, $reader:ty, $part:ty as $part_of:ident) => {
        impl<$($generics)*> $guard {
            /// Goes on as a reader, without anybody writing in between. Readers that wait at the head of the queue come
            /// in at once.
            ///
            /// ```
            /// # filch::run(async {
            /// use filch::sync::{RwLock, RwLockWriteGuard};
            ///
            /// let lock = RwLock::new(1);
            /// let mut writer = lock.write().await;
            /// *writer = 2;
            /// let reader = RwLockWriteGuard::downgrade(writer);
            /// assert_eq!(*lock.read().await, *reader);
            /// # });
            /// ```
            pub fn downgrade(guard: Self) -> $reader {
                <$reader>::new(guard.hold.downgrade(), guard.data)
            }

            /// As [`downgrade`](Self::downgrade), with a guard of a part of the value.
            pub fn downgrade_map<$part_of: ?Sized>(
                guard: Self,
                part: impl FnOnce(&T) -> &$part_of,
            ) -> $part {
                let data = NonNull::from(part(&*guard));
                <$part>::new(guard.hold.downgrade(), data)
            }

            /// As [`downgrade_map`](Self::downgrade_map), if there is such a part.
            ///
            /// # Errors
            /// The guard as it was, if there is not.
            pub fn try_downgrade_map<$part_of: ?Sized>(
                guard: Self,
                part: impl FnOnce(&T) -> Option<&$part_of>,
            ) -> Result<$part, Self> {
                match part(&*guard).map(NonNull::from) {
                    Some(data) => Ok(<$part>::new(guard.hold.downgrade(), data)),
                    None => Err(guard),
                }
            }

            /// The type that parts have, for the whole.
            pub fn into_mapped(guard: Self) -> $mapped {
                <$mapped>::new(guard.hold, guard.data)
            }
        }
    };
}

downgrade!(
    ['a, T: ?Sized] RwLockWriteGuard<'a, T>,
    RwLockMappedWriteGuard<'a, T>,
    RwLockReadGuard<'a, T>,
    RwLockReadGuard<'a, U> as U
);
downgrade!(
    [T: ?Sized] OwnedRwLockWriteGuard<T>,
    OwnedRwLockMappedWriteGuard<T, T>,
    OwnedRwLockReadGuard<T, T>,
    OwnedRwLockReadGuard<T, U> as U
);

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// A guard of a part of the value.
    ///
    /// ```
    /// # filch::run(async {
    /// use filch::sync::{RwLock, RwLockReadGuard};
    ///
    /// let lock = RwLock::new((1, "one"));
    /// let word = RwLockReadGuard::map(lock.read().await, |pair| pair.1);
    /// assert_eq!(&*word, "one");
    /// # });
    /// ```
    pub fn map<U: ?Sized>(guard: Self, part: impl FnOnce(&T) -> &U) -> RwLockReadGuard<'a, U> {
        let data = NonNull::from(part(&*guard));
        RwLockReadGuard::new(guard.hold, data)
    }

    /// A guard of a part of the value, if there is such a part.
    ///
    /// # Errors
    /// The guard as it was, if there is not.
    pub fn try_map<U: ?Sized>(
        guard: Self,
        part: impl FnOnce(&T) -> Option<&U>,
    ) -> Result<RwLockReadGuard<'a, U>, Self> {
        match part(&*guard).map(NonNull::from) {
            Some(data) => Ok(RwLockReadGuard::new(guard.hold, data)),
            None => Err(guard),
        }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    /// A guard of a part of the value.
    pub fn map<V: ?Sized>(guard: Self, part: impl FnOnce(&U) -> &V) -> OwnedRwLockReadGuard<T, V> {
        let data = NonNull::from(part(&*guard));
        OwnedRwLockReadGuard::new(guard.hold, data)
    }

    /// A guard of a part of the value, if there is such a part.
    ///
    /// # Errors
    /// The guard as it was, if there is not.
    pub fn try_map<V: ?Sized>(
        guard: Self,
        part: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<OwnedRwLockReadGuard<T, V>, Self> {
        match part(&*guard).map(NonNull::from) {
            Some(data) => Ok(OwnedRwLockReadGuard::new(guard.hold, data)),
            None => Err(guard),
        }
    }

    /// The lock that it locks.
    pub fn rwlock(guard: &Self) -> &Arc<RwLock<T>> {
        &guard.hold.owner
    }
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// The lock that it locks.
    pub fn rwlock(guard: &Self) -> &Arc<RwLock<T>> {
        guard.hold.owner()
    }
}
