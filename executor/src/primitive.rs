//! The one switch between the real world and loom.
//!
//! Every protocol of this crate takes its atomics, cells and locks from here, so that a loom model
//! runs the very code that ships. Loom's types are used only by this crate's own unit tests under
//! `--cfg filch_loom`; everything else, benchmarks included, sees std and parking_lot.

#[cfg(not(all(test, filch_loom)))]
mod real {
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
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
    pub(crate) use loom::sync::atomic;
    pub(crate) use loom::thread::yield_now;
    use std::cell::Cell;
    use std::ops::{Deref, DerefMut};
    use std::time::Duration;

    /// loom's mutex with parking_lot's signatures. A model that panics has failed, so poison is of
    /// no interest.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    /// The right to what is in a mutex. Without it only while it waits.
    #[derive(Debug)]
    pub(crate) struct MutexGuard<'a, T> {
        mutex: &'a Mutex<T>,
        held: Option<loom::sync::MutexGuard<'a, T>>,
    }

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            let held = Some(self.0.lock().expect("a model panicked with the lock held"));
            MutexGuard { mutex: self, held }
        }
    }

    impl<T> MutexGuard<'_, T> {
        pub(crate) fn unlocked<R>(guard: &mut Self, f: impl FnOnce() -> R) -> R {
            guard.held = None;
            let output = f();
            guard.held = guard.mutex.lock().held;
            output
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.held.as_ref().expect("it waits")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.held.as_mut().expect("it waits")
        }
    }

    thread_local! {
        static TIMES_OUT: Cell<bool> = const { Cell::new(false) };
    }

    /// Whether waits with a timeout come to it: at once, or never. All threads of a model are this thread.
    pub(crate) fn let_waits_time_out(times_out: bool) {
        TIMES_OUT.set(times_out);
    }

    /// loom's condition variable with parking_lot's signatures.
    #[derive(Debug)]
    pub(crate) struct Condvar(loom::sync::Condvar);

    /// How a wait ended.
    #[derive(Debug)]
    pub(crate) struct Waited(bool);

    impl Waited {
        pub(crate) fn timed_out(&self) -> bool {
            self.0
        }
    }

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar(loom::sync::Condvar::new())
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let held = guard.held.take().expect("one wait at a time");
            let held = self.0.wait(held);
            guard.held = Some(held.expect("a model panicked with the lock held"));
        }

        pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) -> Waited {
            let times_out = TIMES_OUT.get();
            if times_out {
                MutexGuard::unlocked(guard, yield_now);
            } else {
                self.wait(guard);
            }
            Waited(times_out)
        }
    }
}

#[cfg(all(test, filch_loom))]
pub(crate) use model::*;
#[cfg(not(all(test, filch_loom)))]
pub(crate) use real::*;
