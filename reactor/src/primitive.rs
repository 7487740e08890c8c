//! The atomics and the lock that the rest of this crate is written with.
//!
//! Ordinarily these are std's atomics and parking_lot's mutex. Under `--cfg filch_loom` they are loom's, so that
//! `models.rs` can run the very code that ships through every interleaving. Reference counts stay std's in both worlds:
//! no protocol here depends on when a count reaches zero.

#[cfg(not(filch_loom))]
mod real {
    pub(crate) use parking_lot::{Mutex, MutexGuard};
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
}

#[cfg(filch_loom)]
mod modelled {
    pub(crate) use loom::sync::MutexGuard;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

    /// loom's mutex with parking_lot's signatures. A model that panics has failed, so poison is of no interest.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("a model panicked with the lock held")
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}

#[cfg(filch_loom)]
pub(crate) use modelled::*;
#[cfg(not(filch_loom))]
pub(crate) use real::*;
