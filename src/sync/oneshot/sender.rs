//! The end that sends. Rules: those of `shared.rs`.

use super::future::WaitClosed;
use super::shared::{Shared, free};
use crate::sync::primitive::atomic::Ordering::Release;
use crate::sync::wakers::{Kept, keep, wake};
use filch_executor::foreign::discard;
use filch_executor::leaf::{self, Said, Wait, WaitKind};
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::task::{Context, Poll, ready};

/// The sending end.
///
/// Dropping it without having sent tells the receiver so.
pub struct Sender<T> {
    pub(super) shared: NonNull<Shared<T>>,
    pub(super) _value: PhantomData<T>,
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

// A panic leaves no end half changed, and neither lends the value out.
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}
