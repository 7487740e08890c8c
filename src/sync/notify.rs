//! A signal without a value, to one waiter or to all.
//!
//! Everything is behind the [`Lock`] but `sweeps`, which counts the calls of `notify_waiters`: a future remembers the
//! count of the time when it was made, and any change means that it was notified. The count is changed under the lock,
//! so a future that found it unchanged there and queued up is in the list that the sweep goes through.
//!
//! Invariant: nobody waits while a permit is stored.

use super::lock::Lock;
use super::primitive::atomic::AtomicUsize;
use super::primitive::atomic::Ordering::{Acquire, Release};
use super::primitive::const_fn;
use super::wait_list::{MOST_SHOWN, Outcome, Stage, WaitList, Waiter};
use super::wakers::{Kept, keep, wake, wake_all};
use filch_executor::foreign::discard;
use filch_executor::leaf::{self, Wait, WaitKind};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// Wakes tasks that wait for something to have happened.
///
/// It says that something happened, not what: the state itself is elsewhere, and is looked at after each notification.
/// A channel carries values.
///
/// ```
/// use filch::sync::Notify;
/// use std::sync::Arc;
///
/// # filch::run(async {
/// let ready = Arc::new(Notify::new());
/// let theirs = ready.clone();
/// let task = filch::spawn(async move { theirs.notified().await });
/// ready.notify_one(); // It does not matter who comes first.
/// task.await.unwrap();
/// # });
/// ```
pub struct Notify {
    state: Lock<State>,
    sweeps: AtomicUsize,
}

struct State {
    /// A notification that nobody waited for.
    permit: bool,
    waiters: WaitList,
}

impl fmt::Debug for Notify {
    /// `Notify { notified: false, waiting: 2 }`; of very many waiters the first thousand are counted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (notified, waiting) = {
            let mut state = self.state.lock();
            (state.permit, state.waiters.count(MOST_SHOWN))
        };
        f.debug_struct("Notify")
            .field("notified", &notified)
            .field("waiting", &waiting)
            .finish()
    }
}

impl Notify {
    const_fn! {
        /// With nobody notified.
        #[must_use]
        pub const fn new() -> Notify {
            Notify {
                state: Lock::new(State {
                    permit: false,
                    waiters: WaitList::new(),
                }),
                sweeps: AtomicUsize::new(0),
            }
        }
    }

    const_fn! {
        /// As [`new`](Notify::new): tokio's name for where a constant is wanted.
        #[must_use]
        pub const fn const_new() -> Notify {
            Notify::new()
        }
    }

    /// Notifies whoever has waited longest. If nobody waits, the notification is stored for the next who does; one is
    /// stored at most.
    ///
    /// A notified waiter that is dropped before it is ready passes the notification on.
    ///
    /// ```
    /// # filch::run(async {
    /// let notify = filch::sync::Notify::new();
    /// notify.notify_one();
    /// notify.notify_one();
    /// notify.notified().await; // The one that was stored; a second would wait.
    /// # });
    /// ```
    #[inline]
    pub fn notify_one(&self) {
        let mut state = self.state.lock();
        let waiter = state.waiters.pop(Outcome::Granted);
        state.permit |= waiter.is_none();
        drop(state);
        if let Some(waker) = waiter {
            wake(waker);
        }
    }

    /// As [`notify_one`](Notify::notify_one), but notifies whoever has waited shortest. If it is dropped before it is
    /// ready, the notification goes to whoever came before it.
    ///
    /// ```
    /// # filch::run(async {
    /// let notify = filch::sync::Notify::new();
    /// notify.notify_last();
    /// notify.notified().await;
    /// # });
    /// ```
    pub fn notify_last(&self) {
        let mut state = self.state.lock();
        let waiter = state.waiters.pop_last(Outcome::GrantedLast);
        state.permit |= waiter.is_none();
        drop(state);
        if let Some(waker) = waiter {
            wake(waker);
        }
    }

    /// Notifies all that wait now, and those whose [`notified`](Notify::notified) was called and is not polled yet.
    /// Nothing is stored for later ones.
    ///
    /// ```
    /// # filch::run(async {
    /// let notify = filch::sync::Notify::new();
    /// let early = notify.notified();
    /// notify.notify_waiters();
    /// early.await;
    /// # });
    /// ```
    pub fn notify_waiters(&self) {
        let mut until = None;
        wake_all(|section| {
            let mut state = self.state.lock();
            let until = *until.get_or_insert_with(|| {
                // Release pairs with the Acquire of whoever sees the new count without the lock.
                self.sweeps.fetch_add(1, Release);
                state.waiters.next_turn()
            });
            section.fill(|| state.waiters.pop_before(until, Outcome::Released));
        });
    }

    /// Waits for a notification.
    ///
    /// The future is among those that [`notify_waiters`](Notify::notify_waiters) reaches from here on, and in line for
    /// [`notify_one`](Notify::notify_one) from its first poll or [`Notified::enable`] on.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. A `notify_one` that reached it is passed on.
    #[track_caller]
    #[inline]
    pub fn notified(&self) -> Notified<'_> {
        Notified {
            wait: NotifyWait::new(self),
        }
    }

    /// As [`notified`](Notify::notified), with a future that keeps the `Notify` alive and borrows nothing.
    #[track_caller]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        OwnedNotified {
            wait: NotifyWait::new(self),
        }
    }

    /// Waits for a notification on a thread that is not async. In a task it blocks that task and whatever is joined
    /// with it.
    ///
    /// ```
    /// use filch::sync::Notify;
    /// use std::sync::Arc;
    ///
    /// let notify = Arc::new(Notify::new());
    /// let theirs = notify.clone();
    /// let thread = std::thread::spawn(move || theirs.notify_one());
    /// notify.blocking_notified();
    /// thread.join().unwrap();
    /// ```
    #[track_caller]
    pub fn blocking_notified(&self) {
        let mut wait = pin!(NotifyWait::new(self));
        super::blocking::wait(|cx| wait.as_mut().poll_unbudgeted(cx));
    }

    /// A stored notification, or one that a sweep since `sweeps` brought. Otherwise the waiter is queued.
    #[inline]
    fn take_or_wait(&self, sweeps: usize, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) -> bool {
        let mut state = self.state.lock();
        // Acquire for the sweep's own writer; the count cannot change as long as the lock is held.
        if self.sweeps.load(Acquire) != sweeps {
            return true;
        }
        if std::mem::take(&mut state.permit) {
            return true;
        }
        state.waiters.wait(waiter, kept, 1);
        false
    }

    #[cold]
    fn give_up(&self, mut waiter: Pin<&mut Waiter>) {
        let removed = self.state.lock().waiters.remove(waiter.as_mut());
        discard(removed);
        // One that was removed has no outcome.
        match waiter.take_outcome() {
            Some(Outcome::Granted) => self.notify_one(),
            Some(Outcome::GrantedLast) => self.notify_last(),
            _ => {}
        }
    }
}

impl Default for Notify {
    fn default() -> Notify {
        Notify::new()
    }
}

pin_project! {
    /// What the two futures share.
    #[derive(Debug)]
    struct NotifyWait<P>
    where
        P: Deref<Target = Notify>,
    {
        notify: P,
        // The sweeps that had been when it was made.
        sweeps: usize,
        done: bool,
        // The future was ready: it knows what `done` says.
        over: bool,
        at: Wait,
        #[pin]
        waiter: Waiter,
    }

    impl<P> PinnedDrop for NotifyWait<P>
    where
        P: Deref<Target = Notify>,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.waiter.is_idle() {
                this.notify.give_up(this.waiter);
                leaf::take_back(|| *this.at);
            }
        }
    }
}

impl<P: Deref<Target = Notify>> NotifyWait<P> {
    #[track_caller]
    #[inline]
    fn new(notify: P) -> NotifyWait<P> {
        NotifyWait {
            // Acquire: whoever already counts a sweep in has seen what came before it.
            sweeps: notify.sweeps.load(Acquire),
            notify,
            done: false,
            over: false,
            at: Wait::here(WaitKind::Notify),
            waiter: Waiter::new(),
        }
    }

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let polled = self.as_mut().poll_unbudgeted(cx);
        *self.project().over = polled.is_ready();
        polled
    }

    #[inline]
    fn poll_unbudgeted(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let at = self.at;
        if self.advance(cx.waker()) {
            return Poll::Ready(());
        }
        leaf::record(at);
        Poll::Pending
    }

    fn enable(self: Pin<&mut Self>) -> bool {
        // One that waits already keeps its waker.
        self.waiter.stage() != Stage::Waiting && self.advance(Waker::noop())
    }

    /// Whether it is notified. If not, `waker` will be woken.
    #[inline]
    fn advance(self: Pin<&mut Self>, waker: &Waker) -> bool {
        let this = self.project();
        let mut waiter = this.waiter;
        let notify: &Notify = this.notify;
        if !*this.done {
            *this.done = match waiter.stage() {
                Stage::Idle => keep(waker, |kept| {
                    notify.take_or_wait(*this.sweeps, waiter.as_mut(), kept)
                }),
                Stage::Ended(_) => waiter.take_outcome().is_some(),
                Stage::Waiting => {
                    keep(waker, |kept| {
                        notify.state.lock().waiters.update(waiter.as_mut(), kept);
                    });
                    waiter.take_outcome().is_some()
                }
            };
        }
        *this.done
    }
}

pin_project! {
    /// The future of [`Notify::notified`]. Once ready, it stays so.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Notified<'a> {
        #[pin]
        wait: NotifyWait<&'a Notify>,
    }
}

impl Notified<'_> {
    /// Queues up without waiting, so that a [`Notify::notify_one`] from now on can reach this future. Returns whether
    /// it is notified already.
    ///
    /// For those who look at a condition between queueing up and waiting, of which several may wait at a time.
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.project().wait.enable()
    }
}

impl Future for Notified<'_> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().wait.poll(cx)
    }
}

pin_project! {
    /// The future of [`Notify::notified_owned`]. Once ready, it stays so.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct OwnedNotified {
        #[pin]
        wait: NotifyWait<Arc<Notify>>,
    }
}

impl OwnedNotified {
    /// As [`Notified::enable`].
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.project().wait.enable()
    }

    /// Whether it is notified. If not, `waker` will be woken. A part of another leaf: it spends no budget, and records
    /// nothing.
    pub(crate) fn is_notified_or_wakes(self: Pin<&mut Self>, waker: &Waker) -> bool {
        self.project().wait.advance(waker)
    }

    /// Whether the waker that was left last is in the list, or was taken out of it in order to be woken.
    pub(crate) fn is_waiting(&self) -> bool {
        self.wait.waiter.stage() == Stage::Waiting
    }
}

impl Future for OwnedNotified {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().wait.poll(cx)
    }
}

impl FusedFuture for Notified<'_> {
    /// Whether it was ready. One that [`enable`](Notified::enable) found to be notified has yet to say so.
    fn is_terminated(&self) -> bool {
        self.wait.over
    }
}

impl FusedFuture for OwnedNotified {
    /// As for [`Notified`].
    fn is_terminated(&self) -> bool {
        self.wait.over
    }
}
