//! The one switch between the real world and loom, as in the executor: under `--cfg filch_loom` this crate's own unit
//! tests see loom's types, everything else std's.

#[cfg(not(all(test, filch_loom)))]
mod real {
    pub(crate) use std::hint::spin_loop as pause;
    pub(crate) use std::sync::atomic;
    pub(crate) use std::thread::{sleep, yield_now};

    /// `std::cell::UnsafeCell` with loom's closure interface, so that accesses can be checked.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> UnsafeCell<T> {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }

        pub(crate) fn into_inner(self) -> T {
            self.0.into_inner()
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
    pub(crate) use loom::sync::atomic;
    pub(crate) use loom::thread::yield_now;

    /// A model's other threads run only when this one yields.
    pub(crate) fn pause() {
        yield_now();
    }

    pub(crate) fn sleep(_: std::time::Duration) {
        yield_now();
    }
}

#[cfg(all(test, filch_loom))]
pub(crate) use model::*;
#[cfg(not(all(test, filch_loom)))]
pub(crate) use real::*;

/// A `const fn`, except under loom, whose types cannot be made in one.
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(all(test, filch_loom)))]
        $(#[$meta])*
        $vis const fn $($rest)*
        #[cfg(all(test, filch_loom))]
        $(#[$meta])*
        $vis fn $($rest)*
    };
}

pub(crate) use const_fn;
