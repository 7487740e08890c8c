//! A lock for many readers or one writer, whose guards may be held across an `.await`.
//!
//! Permits ([`Core`]) and a value. A guard is made by whoever got its permits, so a writer is alone, and readers meet
//! readers only. The permits order what writers and readers do with the value.
//!
//! This file and `guard.rs` import each other, as `mutex.rs` and `sync/guard.rs` do.

mod guard;
mod hold;

pub use guard::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard,
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard,
};

use self::hold::{Core, HasCore, Reading, Writing};
use super::error::TryLockError;
use super::holder::Holder;
use super::permits::{HasPermits, Permits, Turn};
use super::primitive::const_fn;
use super::{Closed, blocking};
use filch_executor::leaf::{Wait, WaitKind};
use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::{Pin, pin};
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll};

const NEVER_CLOSED: &str = "the permits of a lock are never closed";

/// The most readers at a time, unless [`RwLock::with_max_readers`] says otherwise.
const MAX_READS: u32 = u32::MAX >> 3;

/// A value for many readers at a time, or one writer.
///
/// First come, first served: while a writer waits, readers that come later stand behind it, so a stream of readers
/// cannot keep it out. **So a task that holds a read guard must not ask for another one**: a writer may stand between
/// the two, and both wait for ever. A waiter that is dropped passes its turn on. Its `Debug` output names a task that
/// holds it. A panic with the lock held gives it back and leaves no mark: there is no poisoning.
///
/// If no guard ever lives across an `.await`, `std::sync::RwLock` is faster and just as good.
///
/// ```
/// use filch::sync::RwLock;
/// use std::sync::Arc;
///
/// # filch::run(async {
/// let settings = Arc::new(RwLock::new(String::from("quiet")));
/// {
///     let (one, other) = (settings.read().await, settings.try_read().unwrap());
///     assert_eq!(*one, *other);
/// }
/// let theirs = settings.clone();
/// filch::spawn(async move { theirs.write().await.push('!') }).await.unwrap();
/// assert_eq!(*settings.read().await, "quiet!");
/// # });
/// ```
pub struct RwLock<T: ?Sized> {
    core: Core,
    value: UnsafeCell<T>,
}

// SAFETY: readers on several threads share the value, and a writer has it alone and may move it out.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}
// As of a mutex: there is no poisoning that `catch_unwind` could be kept from going around.
impl<T: ?Sized> UnwindSafe for RwLock<T> {}
impl<T: ?Sized> RefUnwindSafe for RwLock<T> {}

impl<T: ?Sized> HasCore for RwLock<T> {
    #[inline]
    fn core(&self) -> &Core {
        &self.core
    }
}

impl<T: ?Sized> HasPermits for RwLock<T> {
    #[inline]
    fn permits(&self) -> &Permits {
        &self.core.permits
    }

    fn record(&self, wait: Wait) {
        self.core.holder.record(wait);
    }

    fn end_wait(&self) {
        self.core.holder.set_after_wait();
    }
}

impl<T> RwLock<T> {
    const_fn! {
        /// An unlocked lock around `value`, for up to `u32::MAX >> 3` readers at a time.
        pub const fn new(value: T) -> RwLock<T> {
            RwLock::with_max_readers(value, MAX_READS)
        }
    }

    const_fn! {
        /// As [`new`](RwLock::new): tokio's name for where a constant is wanted.
        pub const fn const_new(value: T) -> RwLock<T> {
            RwLock::new(value)
        }
    }

    const_fn! {
        /// An unlocked lock around `value`, for up to `readers` readers at a time; others wait for one of them.
        ///
        /// # Panics
        /// If those are more than `u32::MAX >> 3`, or none.
        pub const fn with_max_readers(value: T, readers: u32) -> RwLock<T> {
            assert!(
                readers > 0 && readers <= MAX_READS,
                "a lock has room for one reader at least, and u32::MAX >> 3 at most"
            );
            RwLock {
                core: Core {
                    permits: Permits::new(readers as usize),
                    holder: Holder::new(),
                    readers: readers as usize,
                },
                value: UnsafeCell::new(value),
            }
        }
    }

    /// The value, when nobody shares the lock any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits to read, beside other readers, until the guard is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. What it was given meanwhile goes to the next.
    ///
    /// ```
    /// # filch::run(async {
    /// let lock = filch::sync::RwLock::new(1);
    /// assert_eq!(*lock.read().await, 1);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn read(&self) -> Read<'_, T> {
        Read {
            turn: Turn::new(self, 1, Wait::here(WaitKind::Lock)),
        }
    }

    /// Waits to write, alone, until the guard is dropped.
    ///
    /// # Cancel safety
    /// As [`read`](RwLock::read).
    ///
    /// ```
    /// # filch::run(async {
    /// let lock = filch::sync::RwLock::new(1);
    /// *lock.write().await += 1;
    /// assert_eq!(lock.into_inner(), 2);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn write(&self) -> Write<'_, T> {
        Write {
            turn: Turn::new(self, self.core.readers, Wait::here(WaitKind::Lock)),
        }
    }

    /// As [`read`](RwLock::read), with a guard that keeps the lock alive and borrows nothing.
    #[track_caller]
    pub fn read_owned(self: Arc<Self>) -> ReadOwned<T> {
        ReadOwned {
            turn: Turn::new(self, 1, Wait::here(WaitKind::Lock)),
        }
    }

    /// As [`write`](RwLock::write), with a guard that keeps the lock alive and borrows nothing.
    #[track_caller]
    pub fn write_owned(self: Arc<Self>) -> WriteOwned<T> {
        let all = self.core.readers;
        WriteOwned {
            turn: Turn::new(self, all, Wait::here(WaitKind::Lock)),
        }
    }

    /// The lock for reading, if nobody writes, and nobody waits.
    ///
    /// # Errors
    /// If somebody does.
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        self.try_take(1)?;
        Ok(reader(self))
    }

    /// The lock for writing, if nobody has it, and nobody waits.
    ///
    /// # Errors
    /// If somebody does.
    ///
    /// ```
    /// let lock = filch::sync::RwLock::new(1);
    /// let reader = lock.try_read().unwrap();
    /// assert!(lock.try_write().is_err());
    /// drop(reader);
    /// assert!(lock.try_write().is_ok());
    /// ```
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        self.try_take(self.core.readers)?;
        Ok(writer(self))
    }

    /// As [`try_read`](RwLock::try_read), with a guard that keeps the lock alive.
    ///
    /// # Errors
    /// If somebody writes or waits.
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        self.try_take(1)?;
        Ok(owned_reader(self))
    }

    /// As [`try_write`](RwLock::try_write), with a guard that keeps the lock alive.
    ///
    /// # Errors
    /// If somebody has the lock or waits.
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        self.try_take(self.core.readers)?;
        Ok(owned_writer(self))
    }

    fn try_take(&self, amount: usize) -> Result<(), TryLockError> {
        self.core.permits.try_take(amount).map_err(|_| TryLockError)
    }

    /// Waits to read on a thread that is not async. In a task it blocks that task and whatever is joined with it.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        let mut read = pin!(self.read());
        let turn = blocking::wait(|cx| read.as_mut().project().turn.poll_unbudgeted(cx));
        reader(turn.expect(NEVER_CLOSED))
    }

    /// Waits to write on a thread that is not async. In a task it blocks that task and whatever is joined with it.
    ///
    /// ```
    /// let lock = filch::sync::RwLock::new(1);
    /// *lock.blocking_write() += 1;
    /// assert_eq!(*lock.blocking_read(), 2);
    /// ```
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        let mut write = pin!(self.write());
        let turn = blocking::wait(|cx| write.as_mut().project().turn.poll_unbudgeted(cx));
        writer(turn.expect(NEVER_CLOSED))
    }

    /// The value, without locking: `&mut` says that nobody else has the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    fn data(&self) -> NonNull<T> {
        // SAFETY: the address of a field is not null.
        unsafe { NonNull::new_unchecked(self.value.get()) }
    }
}

#[inline]
fn reader<T: ?Sized>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    RwLockReadGuard::new(Reading::new(&lock.core), lock.data())
}

#[inline]
fn writer<T: ?Sized>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    RwLockWriteGuard::new(Writing::new(&lock.core), lock.data())
}

fn owned_reader<T: ?Sized>(lock: Arc<RwLock<T>>) -> OwnedRwLockReadGuard<T> {
    let data = lock.data();
    OwnedRwLockReadGuard::new(Reading::new(lock), data)
}

fn owned_writer<T: ?Sized>(lock: Arc<RwLock<T>>) -> OwnedRwLockWriteGuard<T> {
    let data = lock.data();
    OwnedRwLockWriteGuard::new(Writing::new(lock), data)
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(value) => {
                debug.field("value", &&*value);
            }
            Err(TryLockError) => {
                debug.field("value", &format_args!("<locked>"));
                if let Some(task) = self.core.holder.get() {
                    debug.field("holder", &format_args!("task {task}"));
                }
                let (_, waiting, _) = self.core.permits.show();
                if waiting > 0 {
                    debug.field("waiting", &waiting);
                }
            }
        }
        debug.finish()
    }
}

/// A future of a turn: the guard is made of the lock.
macro_rules! turn {
    ($(#[$meta:meta])* $name:ident [$($generics:tt)*] [$($used:tt)*] of $lock:ty => $guard:ty, $make:expr) => {
        pin_project_lite::pin_project! {
            $(#[$meta])*
            #[must_use = "futures do nothing unless awaited"]
            pub struct $name<$($generics)*> {
                #[pin]
                turn: Turn<$lock>,
            }
        }

        impl<$($generics)*> Future for $name<$($used)*> {
            type Output = $guard;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<$guard> {
                let make = |turn: Result<$lock, Closed>| $make(turn.expect(NEVER_CLOSED));
                self.project().turn.poll(cx).map(make)
            }
        }

        impl<$($generics)*> futures_core::FusedFuture for $name<$($used)*> {
            fn is_terminated(&self) -> bool {
                self.turn.is_over()
            }
        }

        impl<$($generics)*> fmt::Debug for $name<$($used)*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

turn! {
    /// The future of [`RwLock::read`].
    Read ['a, T: ?Sized] ['a, T] of &'a RwLock<T> => RwLockReadGuard<'a, T>, reader
}
turn! {
    /// The future of [`RwLock::write`].
    Write ['a, T: ?Sized] ['a, T] of &'a RwLock<T> => RwLockWriteGuard<'a, T>, writer
}
turn! {
    /// The future of [`RwLock::read_owned`].
    ReadOwned [T: ?Sized] [T] of Arc<RwLock<T>> => OwnedRwLockReadGuard<T>, owned_reader
}
turn! {
    /// The future of [`RwLock::write_owned`].
    WriteOwned [T: ?Sized] [T] of Arc<RwLock<T>> => OwnedRwLockWriteGuard<T>, owned_writer
}
