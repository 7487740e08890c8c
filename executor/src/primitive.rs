//! The one switch between the real world and loom.
//!
//! Every protocol of this crate takes its atomics, cells and locks from here, so that a loom model
//! runs the very code that ships. Loom's types are used only by this crate's own unit tests under
//! `--cfg filch_loom`; everything else, benchmarks included, sees std and parking_lot.

#[cfg(not(all(test, filch_loom)))]
mod real {
    pub(crate) use parking_lot::Mutex;
    pub(crate) use std::sync::atomic;
    pub(crate) use std::thread::yield_now;

    /// `std::cell::UnsafeCell` with loom's closure interface, so that accesses can be checked.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> UnsafeCell<T> {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

#[cfg(all(test, filch_loom))]
mod model {
    pub(crate) use loom::cell::UnsafeCell;
    use loom::sync::MutexGuard;
    pub(crate) use loom::sync::atomic;
    pub(crate) use loom::thread::yield_now;

    /// loom's mutex with parking_lot's signatures. A model that panics has failed, so poison is of
    /// no interest.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("a model panicked with the lock held")
        }
    }
}

#[cfg(all(test, filch_loom))]
pub(crate) use model::*;
#[cfg(not(all(test, filch_loom)))]
pub(crate) use real::*;
