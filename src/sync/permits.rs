//! Permits that are taken in turn: what [`Mutex`](super::Mutex) (one permit) and [`Semaphore`](super::Semaphore) are
//! made of.
//!
//! Everything is behind the [`Lock`]. What keeps it fair: while anybody waits, permits go to the first of them and to
//! nobody else, and a newcomer waits too. So whoever gives permits back hands them over under the lock, by
//! [`WaitList::pop`]; they are the waiter's from then on, and it takes no lock to go on. If it is dropped before it
//! does, it gives them back, which hands them to the next.
//!
//! Invariant: no permits are available that the first waiter could be given.

use super::error::{Closed, TryAcquireError};
use super::lock::Lock;
use super::primitive::const_fn;
use super::wait_list::{MOST_SHOWN, Outcome, Stage, WaitList, Waiter};
use super::wakers::{Kept, keep, wake, wake_all};
use filch_executor::foreign::discard;
use filch_executor::leaf::{self, Answer, Wait};
use pin_project_lite::pin_project;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// The most permits there may be, so that counting them cannot overflow: tokio's value.
pub(super) const MOST: usize = usize::MAX >> 3;

/// A number of permits, and who waits for some.
#[derive(Debug)]
pub(super) struct Permits(Lock<State>);

struct State {
    available: usize,
    closed: bool,
    waiters: WaitList,
}

impl State {
    /// Takes permits if nobody has an older claim.
    #[inline]
    fn take(&mut self, amount: usize) -> Result<(), TryAcquireError> {
        if self.closed {
            return Err(TryAcquireError::Closed);
        }
        if amount > self.available || (amount > 0 && !self.waiters.is_empty()) {
            return Err(TryAcquireError::NoPermits);
        }
        self.available -= amount;
        Ok(())
    }

    /// Gives the first waiter what it waits for, if there is enough.
    #[inline]
    fn grant(&mut self) -> Option<Waker> {
        let amount = self.waiters.first_amount()?;
        if amount > self.available {
            return None;
        }
        self.available -= amount;
        self.waiters.pop(Outcome::Granted)
    }
}

impl Permits {
    const_fn! {
        pub(super) const fn new(available: usize) -> Permits {
            Permits(Lock::new(State {
                available,
                closed: false,
                waiters: WaitList::new(),
            }))
        }
    }

    const_fn! {
        /// Permits that nobody gets any more.
        pub(super) const fn closed() -> Permits {
            Permits(Lock::new(State {
                available: 0,
                closed: true,
                waiters: WaitList::new(),
            }))
        }
    }

    #[inline]
    pub(super) fn try_take(&self, amount: usize) -> Result<(), TryAcquireError> {
        self.0.lock().take(amount)
    }

    /// Gives one back, to the first waiter if there is one. No second waiter could be served: the invariant held
    /// before.
    #[inline]
    pub(super) fn give_one(&self) {
        let mut state = self.0.lock();
        state.available += 1;
        let granted = state.grant();
        drop(state);
        if let Some(waker) = granted {
            wake(waker);
        }
    }

    /// Adds permits, or gives them back. The caller sees to it that there are never more than [`MOST`] in all, those
    /// that are out included.
    pub(super) fn give(&self, amount: usize) {
        if amount == 0 {
            return;
        }
        let mut state = self.0.lock();
        state.available += amount;
        debug_assert!(state.available <= MOST);
        if !state.waiters.is_empty() {
            drop(state);
            self.grant_all();
        }
    }

    /// Whoever waits gets what is available. A newcomer gets nothing meanwhile: somebody waits.
    #[cold]
    fn grant_all(&self) {
        wake_all(|section| {
            let mut state = self.0.lock();
            section.fill(|| state.grant());
        });
    }

    /// Takes up to so many away for ever, and returns how many those were.
    pub(super) fn forget(&self, amount: usize) -> usize {
        let mut state = self.0.lock();
        let gone = amount.min(state.available);
        state.available -= gone;
        gone
    }

    pub(super) fn available(&self) -> usize {
        self.0.lock().available
    }

    /// How many there are, how many wait for some (at most [`MOST_SHOWN`]), and whether nobody gets any.
    pub(super) fn show(&self) -> (usize, usize, bool) {
        let mut state = self.0.lock();
        let waiting = state.waiters.count(MOST_SHOWN);
        (state.available, waiting, state.closed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.lock().closed
    }

    /// Refuses everybody from now on, those who wait included.
    pub(super) fn close(&self) {
        wake_all(|section| {
            let mut state = self.0.lock();
            state.closed = true;
            section.fill(|| state.waiters.pop(Outcome::Released));
        });
    }

    #[inline]
    fn poll_take(
        &self,
        mut waiter: Pin<&mut Waiter>,
        amount: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Closed>> {
        match waiter.stage() {
            Stage::Idle => {
                return keep(cx.waker(), |kept| {
                    self.take_or_wait(waiter.as_mut(), amount, kept)
                });
            }
            Stage::Waiting => keep(cx.waker(), |kept| {
                self.0.lock().waiters.update(waiter.as_mut(), kept);
            }),
            Stage::Ended(_) => {}
        }
        match waiter.take_outcome() {
            None => Poll::Pending,
            Some(Outcome::Granted | Outcome::GrantedLast) => Poll::Ready(Ok(())),
            Some(Outcome::Released) => Poll::Ready(Err(Closed)),
        }
    }

    #[inline]
    fn take_or_wait(
        &self,
        waiter: Pin<&mut Waiter>,
        amount: usize,
        kept: &mut Kept<'_>,
    ) -> Poll<Result<(), Closed>> {
        let mut state = self.0.lock();
        match state.take(amount) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(TryAcquireError::Closed) => Poll::Ready(Err(Closed)),
            Err(TryAcquireError::NoPermits) => {
                state.waiters.wait(waiter, kept, amount);
                Poll::Pending
            }
        }
    }

    /// A wait is given up: a turn that came meanwhile is passed on, and so is one that others only waited for because
    /// of this one.
    #[cold]
    fn give_up(&self, mut waiter: Pin<&mut Waiter>, amount: usize) {
        let removed = self.0.lock().waiters.remove(waiter.as_mut());
        if removed.is_some() {
            discard(removed);
            self.grant_all();
        } else if waiter.take_outcome() == Some(Outcome::Granted) {
            self.give(amount);
        }
    }
}

/// What has permits.
pub(super) trait HasPermits {
    fn permits(&self) -> &Permits;

    /// The current task waits.
    fn record(&self, wait: Wait) {
        leaf::record(wait);
    }

    /// The current task has got what it waited for, and others may wait on.
    fn end_wait(&self) {}
}

pin_project! {
    /// Waits for permits of what `owner` refers to, and returns that.
    pub(super) struct Turn<P>
    where
        P: Deref,
        P::Target: HasPermits,
    {
        // There until the permits are.
        owner: Option<P>,
        amount: usize,
        wait: Wait,
        #[pin]
        waiter: Waiter,
    }

    impl<P> PinnedDrop for Turn<P>
    where
        P: Deref,
        P::Target: HasPermits,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            match this.owner {
                Some(owner) if !this.waiter.is_idle() => {
                    owner.permits().give_up(this.waiter, *this.amount);
                    leaf::take_back(|| *this.wait);
                }
                _ => {}
            }
        }
    }
}

impl<P> Turn<P>
where
    P: Deref,
    P::Target: HasPermits,
{
    pub(super) fn new(owner: P, amount: usize, wait: Wait) -> Turn<P> {
        Turn {
            owner: Some(owner),
            amount,
            wait,
            waiter: Waiter::new(),
        }
    }

    /// Whether it was ready.
    pub(super) fn is_over(&self) -> bool {
        self.owner.is_none()
    }

    #[inline]
    pub(super) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<P, Closed>> {
        match self.as_mut().take_at_once() {
            Some(owner) => Poll::Ready(Ok(owner)),
            None => self.poll_slowly(cx),
        }
    }

    /// What most find: permits that are there, for whoever has begun to ask just now. It takes no waker and looks at no
    /// clock.
    #[inline]
    fn take_at_once(mut self: Pin<&mut Self>) -> Option<P> {
        // Models leave it out: it is `try_take`, which has no protocol of its own; they would get too long for loom.
        if cfg!(all(test, filch_loom)) || !self.waiter.is_idle() {
            return None;
        }
        let owner = self.owner.as_ref()?;
        let take = || owner.permits().try_take(self.amount).ok();
        match leaf::ask_within_budget(take) {
            Answer::Ready(()) => self.as_mut().project().owner.take(),
            Answer::NotYet | Answer::Unknown => None,
        }
    }

    #[inline(never)]
    fn poll_slowly(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<P, Closed>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        self.poll_unbudgeted(cx)
    }

    pub(super) fn poll_unbudgeted(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<P, Closed>> {
        let this = self.project();
        let Some(owner) = this.owner else {
            let at = this.wait.at;
            panic!("a future that was made at {at} was polled after it was ready");
        };
        let waited = !this.waiter.is_idle();
        let Poll::Ready(taken) = owner.permits().poll_take(this.waiter, *this.amount, cx) else {
            owner.record(*this.wait);
            return Poll::Pending;
        };
        if waited {
            owner.end_wait();
        }
        let owner = this.owner.take();
        Poll::Ready(taken.and_then(|()| owner.ok_or(Closed)))
    }
}
