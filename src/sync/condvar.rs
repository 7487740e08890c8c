//! Waiting for a change of what a mutex protects.
//!
//! Whoever waits queues up before it unlocks, so no notification that is given with the mutex held can be missed.

use super::blocking;
use super::guard::MutexGuard;
use super::lock::Lock;
use super::mutex::Mutex;
use super::permits::Turn;
use super::primitive::const_fn;
use super::wait_list::{MOST_SHOWN, Outcome, Stage, WaitList, Waiter};
use super::wakers::{keep, wake, wake_all};
use filch_executor::foreign::discard;
use filch_executor::leaf::{self, Wait, WaitKind};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

/// Waits, with a [`Mutex`] given back meanwhile, until somebody says that what it protects has changed.
///
/// A notification says only that; the condition itself is looked at again with the lock held, which
/// [`wait_while`](Condvar::wait_while) does.
///
/// ```
/// use filch::sync::{Condvar, Mutex};
/// use std::sync::Arc;
///
/// # filch::run(async {
/// let shared = Arc::new((Mutex::new(0), Condvar::new()));
/// let theirs = shared.clone();
/// let task = filch::spawn(async move {
///     let (number, changed) = &*theirs;
///     *changed.wait_while(number.lock().await, |number| *number < 3).await
/// });
/// let (number, changed) = &*shared;
/// for _ in 0..3 {
///     *number.lock().await += 1;
///     changed.notify_one();
/// }
/// assert_eq!(task.await.unwrap(), 3);
/// # });
/// ```
pub struct Condvar {
    waiters: Lock<WaitList>,
}

impl Condvar {
    const_fn! {
        /// With nobody waiting.
        #[must_use]
        pub const fn new() -> Condvar {
            Condvar {
                waiters: Lock::new(WaitList::new()),
            }
        }
    }

    /// Wakes whoever has waited longest. If nobody waits, nothing happens, and nothing is remembered.
    ///
    /// One that is dropped before it has the lock again passes the notification on.
    pub fn notify_one(&self) {
        let first = self.waiters.lock().pop(Outcome::Granted);
        if let Some(waker) = first {
            wake(waker);
        }
    }

    /// Wakes all that wait now.
    pub fn notify_all(&self) {
        let mut until = None;
        wake_all(|section| {
            let mut waiters = self.waiters.lock();
            let until = *until.get_or_insert(waiters.next_turn());
            section.fill(|| waiters.pop_before(until, Outcome::Released));
        });
    }

    /// Gives the lock back, waits for a notification, and takes the lock again. Without a loop around it, or
    /// [`wait_while`](Condvar::wait_while), it says little: somebody else may have had the lock in between.
    ///
    /// # Cancel safety
    /// If the future is dropped, the lock is not held; a notification that reached it is passed on. A future that was
    /// never polled holds the lock until it is dropped.
    #[track_caller]
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> WaitNotified<'_, 'a, T> {
        let never: fn(&mut T) -> bool = |_| false;
        WaitNotified {
            wait: Change::new(self, guard, never, false, Wait::here(WaitKind::Condition)),
        }
    }

    /// Waits as long as `condition` holds, and returns with the lock and the condition not met. It is asked with the
    /// lock held: at once, and after each notification.
    ///
    /// # Cancel safety
    /// As [`wait`](Condvar::wait).
    #[track_caller]
    pub fn wait_while<'a, T, F>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: F,
    ) -> WaitWhile<'_, 'a, T, F>
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        WaitWhile {
            wait: Change::new(
                self,
                guard,
                condition,
                true,
                Wait::here(WaitKind::Condition),
            ),
        }
    }

    /// As [`wait`](Condvar::wait), on a thread that is not async. In a task it blocks that task and whatever is joined
    /// with it.
    #[track_caller]
    pub fn blocking_wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mut wait = pin!(self.wait(guard));
        blocking::wait(|cx| wait.as_mut().project().wait.poll_unbudgeted(cx))
    }

    /// As [`wait_while`](Condvar::wait_while), on a thread that is not async. In a task it blocks that task and
    /// whatever is joined with it.
    ///
    /// ```
    /// use filch::sync::{Condvar, Mutex};
    ///
    /// let (ready, changed) = (Mutex::new(false), Condvar::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         *ready.blocking_lock() = true;
    ///         changed.notify_all();
    ///     });
    ///     let guard = changed.blocking_wait_while(ready.blocking_lock(), |ready| !*ready);
    ///     assert!(*guard);
    /// });
    /// ```
    #[track_caller]
    pub fn blocking_wait_while<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        let mut wait = pin!(self.wait_while(guard, condition));
        blocking::wait(|cx| wait.as_mut().project().wait.poll_unbudgeted(cx))
    }

    #[cold]
    fn give_up(&self, mut waiter: Pin<&mut Waiter>) {
        let removed = self.waiters.lock().remove(waiter.as_mut());
        discard(removed);
        if waiter.take_outcome() == Some(Outcome::Granted) {
            self.notify_one();
        }
    }
}

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}

impl fmt::Debug for Condvar {
    /// `Condvar { waiting: 2 }`; of very many waiters the first thousand are counted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.waiters.lock().count(MOST_SHOWN);
        f.debug_struct("Condvar")
            .field("waiting", &waiting)
            .finish()
    }
}

pin_project! {
    /// What both futures do.
    struct Change<'c, 'a, T, F>
    where
        T: ?Sized,
    {
        condvar: &'c Condvar,
        mutex: &'a Mutex<T>,
        condition: F,
        // There before it waits.
        guard: Option<MutexGuard<'a, T>>,
        // Whether the condition is asked before the first wait.
        asks: bool,
        // How its wait ended; it wants the lock now.
        notified: Option<Outcome>,
        over: bool,
        wait: Wait,
        #[pin]
        waiter: Waiter,
        #[pin]
        turn: Turn<&'a Mutex<T>>,
    }

    impl<T: ?Sized, F> PinnedDrop for Change<'_, '_, T, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.waiter.is_idle() {
                this.condvar.give_up(this.waiter);
                leaf::take_back(|| *this.wait);
            } else if *this.notified == Some(Outcome::Granted) {
                this.condvar.notify_one();
            }
        }
    }
}

impl<'c, 'a, T: ?Sized, F: FnMut(&mut T) -> bool> Change<'c, 'a, T, F> {
    fn new(
        condvar: &'c Condvar,
        guard: MutexGuard<'a, T>,
        condition: F,
        asks: bool,
        wait: Wait,
    ) -> Change<'c, 'a, T, F> {
        let mutex = MutexGuard::mutex(&guard);
        Change {
            condvar,
            mutex,
            condition,
            guard: Some(guard),
            asks,
            notified: None,
            over: false,
            wait,
            waiter: Waiter::new(),
            turn: Turn::new(mutex, 1, wait),
        }
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        self.poll_unbudgeted(cx)
    }

    fn poll_unbudgeted(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        loop {
            let mut this = self.as_mut().project();
            if let Some(mut guard) = this.guard.take() {
                if *this.asks && !(this.condition)(&mut guard) {
                    *this.over = true;
                    return Poll::Ready(guard);
                }
                keep(cx.waker(), |kept| {
                    this.condvar
                        .waiters
                        .lock()
                        .wait(this.waiter.as_mut(), kept, 1);
                });
            }
            ready!(self.as_mut().poll_notified(cx));
            let mut this = self.as_mut().project();
            let Ok(mutex) = ready!(this.turn.as_mut().poll_unbudgeted(cx)) else {
                unreachable!("the permits of a mutex are never closed");
            };
            let mut guard = MutexGuard::new(mutex);
            *this.notified = None;
            if !(this.condition)(&mut guard) {
                *this.over = true;
                return Poll::Ready(guard);
            }
            *this.asks = false;
            *this.guard = Some(guard);
            this.turn.set(Turn::new(mutex, 1, *this.wait));
        }
    }

    /// Waits for the notification, unless it was there.
    fn poll_notified(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let mut waiter = this.waiter;
        if this.notified.is_some() {
            return Poll::Ready(());
        }
        if waiter.stage() == Stage::Waiting {
            keep(cx.waker(), |kept| {
                this.condvar.waiters.lock().update(waiter.as_mut(), kept);
            });
        }
        *this.notified = waiter.as_mut().take_outcome();
        if this.notified.is_some() {
            return Poll::Ready(());
        }
        assert_eq!(
            waiter.stage(),
            Stage::Waiting,
            "a future that was made at {} was polled after it was ready",
            this.wait.at
        );
        leaf::record(*this.wait);
        Poll::Pending
    }
}

pin_project! {
    /// The future of [`Condvar::wait`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct WaitNotified<'c, 'a, T>
    where
        T: ?Sized,
    {
        #[pin]
        wait: Change<'c, 'a, T, fn(&mut T) -> bool>,
    }
}

impl<'a, T: ?Sized> Future for WaitNotified<'_, 'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        self.project().wait.poll(cx)
    }
}

impl<T: ?Sized> FusedFuture for WaitNotified<'_, '_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.over
    }
}

impl<T: ?Sized> fmt::Debug for WaitNotified<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitNotified").finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`Condvar::wait_while`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct WaitWhile<'c, 'a, T, F>
    where
        T: ?Sized,
    {
        #[pin]
        wait: Change<'c, 'a, T, F>,
    }
}

impl<'a, T: ?Sized, F: FnMut(&mut T) -> bool> Future for WaitWhile<'_, 'a, T, F> {
    type Output = MutexGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        self.project().wait.poll(cx)
    }
}

impl<T: ?Sized, F: FnMut(&mut T) -> bool> FusedFuture for WaitWhile<'_, '_, T, F> {
    fn is_terminated(&self) -> bool {
        self.wait.over
    }
}

impl<T: ?Sized, F> fmt::Debug for WaitWhile<'_, '_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitWhile").finish_non_exhaustive()
    }
}
