//! A lock that is waited for without blocking the thread, and whose guard may be held across an `.await`.
//!
//! One permit of [`Permits`] and a value. The permit is handed over as described there, which also orders what the
//! holders do with the value.

use super::blocking;
use super::error::TryLockError;
use super::guard::{MutexGuard, OwnedMutexGuard};
use super::holder::Holder;
use super::permits::{HasPermits, Permits, Turn};
use super::primitive::const_fn;
use filch_executor::leaf::{Wait, WaitKind};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;
use std::cell::UnsafeCell;
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

const NEVER_CLOSED: &str = "the permits of a mutex are never closed";

/// A value for one task at a time.
///
/// First come, first served: an unlock hands the lock to whoever has waited longest, and a newcomer waits behind them.
/// A waiter that is dropped passes its turn on. Its `Debug` output names the task that locked it. A panic with the lock
/// held unlocks it and leaves no mark: there is no poisoning.
///
/// If the guard never lives across an `.await`, `std::sync::Mutex` is faster and just as good.
///
/// ```
/// use filch::sync::Mutex;
/// use std::sync::Arc;
///
/// # filch::run(async {
/// let balance = Arc::new(Mutex::new(100));
/// let theirs = balance.clone();
/// let task = filch::spawn(async move {
///     let mut balance = theirs.lock().await;
///     filch::task::yield_now().await; // Others run, but not with the balance.
///     *balance -= 30;
/// });
/// task.await.unwrap();
/// assert_eq!(*balance.lock().await, 70);
/// # });
/// ```
pub struct Mutex<T: ?Sized> {
    /// Invariant: one permit; who has it has exclusive access to `value`.
    pub(super) permits: Permits,
    pub(super) holder: Holder,
    pub(super) value: UnsafeCell<T>,
}

// SAFETY: by the invariant one thread at a time reaches the value, which may be moved out through it.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
// A panic of a task that holds it is caught by the runtime, and others see the value as it was left: there is no
// poisoning that `catch_unwind` could be kept from going around.
impl<T: ?Sized> UnwindSafe for Mutex<T> {}
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

impl<T: ?Sized> HasPermits for Mutex<T> {
    #[inline]
    fn permits(&self) -> &Permits {
        &self.permits
    }

    fn record(&self, wait: Wait) {
        self.holder.record(wait);
    }

    fn end_wait(&self) {
        self.holder.set_after_wait();
    }
}

impl<T> Mutex<T> {
    const_fn! {
        /// An unlocked mutex around `value`.
        pub const fn new(value: T) -> Mutex<T> {
            Mutex {
                permits: Permits::new(1),
                holder: Holder::new(),
                value: UnsafeCell::new(value),
            }
        }
    }

    const_fn! {
        /// As [`new`](Mutex::new): tokio's name for where a constant is wanted.
        pub const fn const_new(value: T) -> Mutex<T> {
            Mutex::new(value)
        }
    }

    /// The value, when nobody shares the mutex any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock, which is held until the guard is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. A lock that it was handed meanwhile goes to the next.
    ///
    /// ```
    /// # filch::run(async {
    /// let mutex = filch::sync::Mutex::new(vec![1]);
    /// mutex.lock().await.push(2);
    /// assert_eq!(mutex.into_inner(), [1, 2]);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> Lock<'_, T> {
        Lock {
            turn: Turn::new(self, 1, Wait::here(WaitKind::Lock)),
        }
    }

    /// As [`lock`](Mutex::lock), with a guard that keeps the mutex alive and borrows nothing.
    ///
    /// ```
    /// use filch::sync::Mutex;
    /// use std::sync::Arc;
    ///
    /// # filch::run(async {
    /// let mutex = Arc::new(Mutex::new(1));
    /// let mut guard = mutex.clone().lock_owned().await;
    /// filch::spawn(async move { *guard += 1 }).await.unwrap();
    /// assert_eq!(*mutex.lock().await, 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> LockOwned<T> {
        LockOwned {
            turn: Turn::new(self, 1, Wait::here(WaitKind::Lock)),
        }
    }

    /// The lock, if it is free.
    ///
    /// # Errors
    /// If it is held, or on its way to somebody who waits.
    ///
    /// ```
    /// let mutex = filch::sync::Mutex::new(1);
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(mutex.try_lock().is_err());
    /// assert_eq!(*guard, 1);
    /// ```
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        match self.permits.try_take(1) {
            Ok(()) => Ok(MutexGuard::new(self)),
            Err(_) => Err(TryLockError),
        }
    }

    /// As [`try_lock`](Mutex::try_lock), with a guard that keeps the mutex alive.
    ///
    /// # Errors
    /// If it is held, or on its way to somebody who waits.
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        match self.permits.try_take(1) {
            Ok(()) => Ok(OwnedMutexGuard::new(self)),
            Err(_) => Err(TryLockError),
        }
    }

    /// Waits for the lock on a thread that is not async.
    ///
    /// In a task it blocks that task and whatever is joined with it. Others go on elsewhere, except on a
    /// `LocalRuntime`, where the holder may be among them and this would wait for ever.
    ///
    /// ```
    /// let mutex = filch::sync::Mutex::new(1);
    /// *mutex.blocking_lock() += 1;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        let mut lock = pin!(self.lock());
        blocking::wait(|cx| lock.as_mut().project().turn.poll_unbudgeted(cx).map(guard))
    }

    /// As [`blocking_lock`](Mutex::blocking_lock), with a guard that keeps the mutex alive.
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        let mut lock = pin!(self.lock_owned());
        let turn = blocking::wait(|cx| lock.as_mut().project().turn.poll_unbudgeted(cx));
        OwnedMutexGuard::new(turn.expect(NEVER_CLOSED))
    }

    /// The value, without locking: `&mut` says that nobody else has the mutex.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(value) => {
                debug.field("value", &&*value);
            }
            Err(TryLockError) => {
                debug.field("value", &format_args!("<locked>"));
                if let Some(task) = self.holder.get() {
                    debug.field("holder", &format_args!("task {task}"));
                }
                let (_, waiting, _) = self.permits.show();
                if waiting > 0 {
                    debug.field("waiting", &waiting);
                }
            }
        }
        debug.finish()
    }
}

fn guard<T: ?Sized>(turn: Result<&Mutex<T>, super::Closed>) -> MutexGuard<'_, T> {
    MutexGuard::new(turn.expect(NEVER_CLOSED))
}

pin_project! {
    /// The future of [`Mutex::lock`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Lock<'a, T: ?Sized> {
        #[pin]
        turn: Turn<&'a Mutex<T>>,
    }
}

impl<'a, T: ?Sized> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        self.project().turn.poll(cx).map(guard)
    }
}

impl<T: ?Sized> FusedFuture for Lock<'_, T> {
    fn is_terminated(&self) -> bool {
        self.turn.is_over()
    }
}

impl<T: ?Sized> fmt::Debug for Lock<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`Mutex::lock_owned`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct LockOwned<T: ?Sized> {
        #[pin]
        turn: Turn<Arc<Mutex<T>>>,
    }
}

impl<T: ?Sized> Future for LockOwned<T> {
    type Output = OwnedMutexGuard<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<OwnedMutexGuard<T>> {
        let turn = self.project().turn.poll(cx);
        turn.map(|turn| OwnedMutexGuard::new(turn.expect(NEVER_CLOSED)))
    }
}

impl<T: ?Sized> FusedFuture for LockOwned<T> {
    fn is_terminated(&self) -> bool {
        self.turn.is_over()
    }
}

impl<T: ?Sized> fmt::Debug for LockOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockOwned").finish_non_exhaustive()
    }
}
