//! The permits of a [`Semaphore`], as their holders have them.
//!
//! This file and `semaphore.rs` import each other, as `guard.rs` and `mutex.rs` do.

use super::primitive::atomic::Ordering::Relaxed;
use super::semaphore::Semaphore;
use std::sync::Arc;

/// Permits of a [`Semaphore`], which go back when this is dropped.
#[derive(Debug)]
#[must_use = "the permits go back at once if this is dropped"]
pub struct SemaphorePermit<'a> {
    pub(super) semaphore: &'a Semaphore,
    pub(super) permits: u32,
}

/// Permits of a [`Semaphore`] that is kept alive; they go back when this is dropped.
#[derive(Debug)]
#[must_use = "the permits go back at once if this is dropped"]
pub struct OwnedSemaphorePermit {
    pub(super) semaphore: Arc<Semaphore>,
    pub(super) permits: u32,
}

/// What both kinds of permits do.
macro_rules! permit {
    ($permit:ty) => {
        impl $permit {
            /// Lets the permits not go back: the semaphore has so many fewer from now on.
            ///
            /// ```
            /// let semaphore = filch::sync::Semaphore::new(2);
            /// semaphore.try_acquire().unwrap().forget();
            /// assert_eq!(semaphore.available_permits(), 1);
            /// ```
            pub fn forget(mut self) {
                let gone = std::mem::take(&mut self.permits);
                self.semaphore.total.fetch_sub(gone as usize, Relaxed);
            }

            /// Adds the other's permits to these.
            ///
            /// # Panics
            /// If they are of different semaphores, or more than `u32::MAX` together.
            ///
            /// ```
            /// let semaphore = filch::sync::Semaphore::new(3);
            /// let mut permit = semaphore.try_acquire_many(2).unwrap();
            /// permit.merge(semaphore.try_acquire().unwrap());
            /// assert_eq!(permit.num_permits(), 3);
            /// ```
            #[track_caller]
            pub fn merge(&mut self, mut other: Self) {
                assert!(
                    std::ptr::eq::<Semaphore>(&*self.semaphore, &*other.semaphore),
                    "permits of different semaphores were merged"
                );
                let both = self.permits.checked_add(other.permits);
                self.permits = both.expect("merged permits are counted up to u32::MAX");
                other.permits = 0;
            }

            /// Takes so many of these permits apart. `None`, and nothing changes, if there are not so many.
            ///
            /// ```
            /// let semaphore = filch::sync::Semaphore::new(3);
            /// let mut permit = semaphore.try_acquire_many(3).unwrap();
            /// drop(permit.split(2));
            /// assert_eq!(semaphore.available_permits(), 2);
            /// assert_eq!(permit.num_permits(), 1);
            /// ```
            #[must_use = "the permits that were split off go back if they are dropped"]
            pub fn split(&mut self, permits: usize) -> Option<Self> {
                let permits = u32::try_from(permits).ok()?;
                self.permits = self.permits.checked_sub(permits)?;
                Some(Self {
                    semaphore: self.semaphore.clone(),
                    permits,
                })
            }

            /// How many permits these are.
            #[must_use]
            pub fn num_permits(&self) -> usize {
                self.permits as usize
            }
        }

        impl Drop for $permit {
            fn drop(&mut self) {
                match self.permits {
                    1 => self.semaphore.permits.give_one(),
                    more => self.semaphore.permits.give(more as usize),
                }
            }
        }
    };
}

permit!(SemaphorePermit<'_>);
permit!(OwnedSemaphorePermit);

impl OwnedSemaphorePermit {
    /// The semaphore that these are permits of.
    #[must_use]
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }
}
