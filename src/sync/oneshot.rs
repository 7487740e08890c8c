//! One value, from one end to the other.

// Both ends share one allocation, all of which is behind the `Lock`: a section each for a send and for a receiver that
// begins to wait. The receiver that finds the sender gone needs none.
//
// The rules that the unsafe code here relies on:
//
// 1. The allocation lives until both ends are gone. Each end says so once, in its last section of the lock; who finds
//    the other one gone already frees it, after the section.
// 2. `sender_done` is stored in the sender's last section. Whoever sees it knows that nobody but the receiver will
//    begin another.
//
// Orderings: that store is Release and the receiver's load Acquire, so that the load cannot see it before the section
// has begun. That the section has ended, and what was written in it, comes through `Lock::after_last`.

pub mod future;

pub mod error {
    //! The errors of a oneshot, where tokio has them.

    pub use crate::sync::error::TryRecvError;

    /// [`Closed`](crate::sync::Closed), by the name that tokio has for a oneshot's.
    pub type RecvError = crate::sync::Closed;
}

use self::future::WaitClosed;
use super::blocking;
use super::error::{Closed, TryRecvError};
use super::lock::{Guard, Lock};
use super::primitive::atomic::AtomicBool;
use super::primitive::atomic::Ordering::{Acquire, Release};
use super::wakers::{Kept, keep, wake};
use filch_executor::foreign::discard;
use filch_executor::leaf::{self, Said, Wait, WaitKind};
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker, ready};

/// A channel for one value.
///
/// ```
/// use filch::sync::oneshot;
///
/// # filch::run(async {
/// let (sender, receiver) = oneshot::channel();
/// filch::spawn(async move { sender.send(6 * 7) });
/// assert_eq!(receiver.await, Ok(42));
/// # });
/// ```
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Box::new(Shared {
        sender_done: AtomicBool::new(false),
        state: Lock::new(State {
            value: None,
            receiver: None,
            sender: None,
            closed: false,
            sender_gone: false,
            receiver_gone: false,
        }),
    });
    let shared = NonNull::from(Box::leak(shared));
    let sender = Sender {
        shared,
        _value: PhantomData,
    };
    let receiver = Receiver {
        shared,
        wait: Wait::here(WaitKind::Channel),
        waits: false,
        over: false,
        _value: PhantomData,
    };
    (sender, receiver)
}

struct Shared<T> {
    sender_done: AtomicBool,
    state: Lock<State<T>>,
}

struct State<T> {
    value: Option<T>,
    /// Who waits for the value.
    receiver: Option<Waker>,
    /// Who waits for the receiver's end.
    sender: Option<Waker>,
    /// The receiver wants nothing any more. Set when it is gone, too.
    closed: bool,
    sender_gone: bool,
    receiver_gone: bool,
}

/// Frees what both ends shared. A value that was not received is dropped here; its panic ends here, too.
///
/// # Safety
/// Both ends are gone, and this is the second one's last access: rule 1.
unsafe fn free<T>(shared: NonNull<Shared<T>>) {
    // SAFETY: the pointer came from `Box::leak`, and by the caller's promise nobody has another one.
    discard(unsafe { Box::from_raw(shared.as_ptr()) });
}

/// The sending end.
///
/// Dropping it without having sent tells the receiver so.
pub struct Sender<T> {
    shared: NonNull<Shared<T>>,
    _value: PhantomData<T>,
}

// SAFETY: the ends share a value that moves from one to the other, behind a lock; an end lends out no reference to it.
unsafe impl<T: Send> Send for Sender<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Sender<T> {}

impl<T> Sender<T> {
    fn shared(&self) -> &Shared<T> {
        // SAFETY: rule 1, as this end is not gone.
        unsafe { self.shared.as_ref() }
    }

    /// Sends the value. It never waits.
    ///
    /// # Errors
    /// The value, if the receiver is gone or closed. Success does not mean that it will be received: the receiver may
    /// be dropped before it looks.
    ///
    /// ```
    /// let (sender, receiver) = filch::sync::oneshot::channel();
    /// drop(receiver);
    /// assert_eq!(sender.send("hello"), Err("hello"));
    /// ```
    #[inline]
    pub fn send(self, value: T) -> Result<(), T> {
        self.end(Some(value)).map_or(Ok(()), Err)
    }

    /// Gives this end up, with or without a value. The value comes back if nobody wants it.
    #[inline]
    fn end(self, mut value: Option<T>) -> Option<T> {
        let pointer = self.shared;
        mem::forget(self);
        // SAFETY: rule 1: this end is not gone until the section has ended.
        let shared = unsafe { pointer.as_ref() };
        let mut state = shared.state.lock();
        if !state.closed {
            state.value = value.take();
        }
        let wakers = (state.receiver.take(), state.sender.take());
        let free_it = state.receiver_gone;
        state.sender_gone = true;
        shared.sender_done.store(true, Release);
        drop(state);
        if free_it {
            // SAFETY: the receiver was gone before, and now so is this end.
            unsafe { free(pointer) };
        }
        let (receiver, own) = wakers;
        if let Some(receiver) = receiver {
            wake(receiver);
        }
        discard(own);
        value
    }

    /// Whether the receiver is gone or closed, so that a send would fail.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared().state.lock().closed
    }

    /// Waits until the receiver is gone or closed: the answer is not wanted any more.
    ///
    /// # Cancel safety
    /// It holds nothing.
    ///
    /// ```
    /// # filch::run(async {
    /// let (mut sender, receiver) = filch::sync::oneshot::channel::<u32>();
    /// drop(receiver);
    /// sender.closed().await;
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&mut self) -> WaitClosed<'_, T> {
        WaitClosed {
            sender: self,
            wait: Wait::here(WaitKind::Channel),
            said: Said::new(),
            over: false,
        }
    }

    /// As [`closed`](Sender::closed), for hand-written futures. The task of the last call is woken.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(leaf::poll_budget_of(self, cx));
        keep(cx.waker(), |kept| self.closed_or_wait(kept))
    }
}

impl<T> Sender<T> {
    fn closed_or_wait(&self, kept: &mut Kept<'_>) -> Poll<()> {
        let mut state = self.shared().state.lock();
        if state.closed {
            return Poll::Ready(());
        }
        kept.replace(&mut state.sender);
        Poll::Pending
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let end = Sender {
            shared: self.shared,
            _value: PhantomData,
        };
        end.end(None);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("closed", &self.is_closed())
            .finish()
    }
}

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
    shared: NonNull<Shared<T>>,
    wait: Wait,
    /// The future was polled, and was not ready.
    waits: bool,
    /// It was ready.
    over: bool,
    _value: PhantomData<T>,
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
// A panic leaves no end half changed, and neither lends the value out.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}
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
