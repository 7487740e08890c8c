//! The end that receives. Rules: those of `shared.rs`.

use super::shared::{Shared, State, free};
use crate::sync::blocking;
use crate::sync::error::{Closed, TryRecvError};
use crate::sync::lock::Guard;
use crate::sync::primitive::atomic::Ordering::Acquire;
use crate::sync::wakers::{keep, wake};
use filch_executor::foreign::discard;
use filch_executor::leaf::{self, Wait, WaitKind};
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker, ready};

/// The receiving end: a future of the value, or of [`Closed`] if the sender is dropped without sending.
///
/// # Cancel safety
/// Polled through a `&mut` reference (`(&mut receiver).await` in a `select!`), it loses nothing: the value stays until
/// it is taken. Dropping the receiver drops a value that it did not take.
///
/// ```
/// # filch::run(async {
/// let (sender, receiver) = filch::sync::oneshot::channel::<u32>();
/// drop(sender);
/// assert!(receiver.await.is_err());
/// # });
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct Receiver<T> {
    pub(super) shared: NonNull<Shared<T>>,
    pub(super) wait: Wait,
    /// The future was polled, and was not ready.
    pub(super) waits: bool,
    /// It was ready.
    pub(super) over: bool,
    pub(super) _value: PhantomData<T>,
}

// SAFETY: as for the sender.
unsafe impl<T: Send> Send for Receiver<T> {}
// SAFETY: as for the sender.
unsafe impl<T: Send> Sync for Receiver<T> {}

impl<T> Receiver<T> {
    fn shared(&self) -> &Shared<T> {
        // SAFETY: rule 1, as this end is not gone.
        unsafe { self.shared.as_ref() }
    }

    /// The value that the sender left when it went, if it went.
    #[inline]
    fn take(&mut self) -> Option<Result<T, Closed>> {
        if !self.shared().sender_done.load(Acquire) {
            return None;
        }
        // SAFETY: rule 2, and `&mut self` for the receiver's side.
        let value = unsafe { self.shared().state.after_last(|state| state.value.take()) };
        Some(value.ok_or(Closed))
    }

    #[inline]
    fn poll_unbudgeted(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        if let Some(taken) = self.take() {
            return Poll::Ready(taken);
        }
        let mut state = self.shared().state.lock();
        if state.sender_gone || state.closed {
            return Poll::Ready(state.value.take().ok_or(Closed));
        }
        if self.wait(state, cx.waker()) {
            leaf::record(self.wait);
            return Poll::Pending;
        }
        Poll::Ready(self.shared().state.lock().value.take().ok_or(Closed))
    }

    /// Leaves a waker under the lock. `false`: it was not to be had in one section, and the wait was over before the
    /// second. No value goes through here, as `keep` would move it about.
    fn wait(&self, state: Guard<'_, State<T>>, waker: &Waker) -> bool {
        let mut first = Some(state);
        keep(waker, |kept| {
            let state = first.take();
            let mut state = state.unwrap_or_else(|| self.shared().state.lock());
            if state.sender_gone || state.closed {
                return false;
            }
            kept.replace(&mut state.receiver);
            true
        })
    }

    /// The value, if it is there.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`] if it may still come, [`TryRecvError::Closed`] if not, or if it was received before.
    ///
    /// ```
    /// use filch::sync::{TryRecvError, oneshot};
    ///
    /// let (sender, mut receiver) = oneshot::channel();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.take() {
            Some(taken) => taken.map_err(|Closed| TryRecvError::Closed),
            None if self.shared().state.lock().closed => Err(TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
        }
    }

    /// Waits for the value on a thread that is not async. In a task it blocks that task and whatever is joined with it.
    ///
    /// # Errors
    /// [`Closed`], if the sender is dropped without sending.
    ///
    /// ```
    /// let (sender, receiver) = filch::sync::oneshot::channel();
    /// let thread = std::thread::spawn(move || sender.send("hello"));
    /// assert_eq!(receiver.blocking_recv(), Ok("hello"));
    /// # thread.join().unwrap().unwrap();
    /// ```
    #[track_caller]
    pub fn blocking_recv(mut self) -> Result<T, Closed> {
        self.wait = Wait::here(WaitKind::Channel);
        blocking::wait(|cx| self.poll_unbudgeted(cx))
    }

    /// Says that the value is not wanted any more: a send fails from now on. One that was sent before can still be
    /// received.
    ///
    /// ```
    /// let (sender, mut receiver) = filch::sync::oneshot::channel();
    /// receiver.close();
    /// assert_eq!(sender.send(1), Err(1));
    /// ```
    pub fn close(&mut self) {
        let sender = {
            let mut state = self.shared().state.lock();
            state.closed = true;
            state.sender.take()
        };
        if let Some(waker) = sender {
            wake(waker);
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, Closed>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let polled = self.poll_unbudgeted(cx);
        self.over = polled.is_ready();
        self.waits = !self.over;
        polled
    }
}

impl<T> FusedFuture for Receiver<T> {
    /// Whether it was ready. After [`try_recv`](Receiver::try_recv) alone it may be awaited.
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<T> Unpin for Receiver<T> {}
// As for the sender.
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Drop for Receiver<T> {
    #[inline]
    fn drop(&mut self) {
        if self.waits {
            leaf::take_back(|| self.wait);
        }
        if self.shared().sender_done.load(Acquire) {
            // SAFETY: rule 2; the sender is on its way out at most.
            unsafe { self.shared().state.after_last(|_| ()) };
            // SAFETY: the sender is gone, and now so is this end.
            return unsafe { free(self.shared) };
        }
        self.leave_sender();
    }
}

impl<T> Receiver<T> {
    /// Goes away before the sender is known to have gone.
    #[cold]
    fn leave_sender(&mut self) {
        let pointer = self.shared;
        let mut state = self.shared().state.lock();
        let wakers = (state.sender.take(), state.receiver.take());
        let free_it = state.sender_gone;
        state.closed = true;
        state.receiver_gone = true;
        drop(state);
        if free_it {
            // SAFETY: the sender was gone before, and now so is this end.
            unsafe { free(pointer) };
        }
        let (sender, own) = wakers;
        if let Some(sender) = sender {
            wake(sender);
        }
        discard(own);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ready, closed) = {
            let state = self.shared().state.lock();
            (state.value.is_some(), state.closed)
        };
        f.debug_struct("Receiver")
            .field("ready", &ready)
            .field("closed", &closed)
            .finish()
    }
}
