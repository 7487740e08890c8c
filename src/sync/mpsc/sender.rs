//! The sending end.

use super::closed::WaitClosed;
use super::core::{Channel, For, Refused, wake};
use crate::sync::blocking;
use crate::sync::error::{SendError, TrySendError};
use crate::sync::wait_list::{Outcome, Stage, Waiter};
use crate::sync::wakers::keep;
use filch_executor::leaf::{self, Wait, WaitKind};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// Sends values into a channel. Clone it for more senders; with the last one's drop the receivers learn that no more
/// will come.
pub struct Sender<T> {
    pub(super) channel: Arc<Channel<T>>,
}

impl<T> Sender<T> {
    /// Sends a value, waiting for room.
    ///
    /// # Errors
    /// [`SendError`] with the value, if the channel is or gets closed. Success does not mean that the value will be
    /// received: the receivers may be dropped before.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is ready, the value was not sent; it is dropped too, and so is the place in
    /// the queue. To keep the value use [`try_send`](Sender::try_send).
    ///
    /// ```
    /// use filch::sync::mpsc;
    ///
    /// # filch::run(async {
    /// let (sender, receiver) = mpsc::channel(1);
    /// filch::spawn(async move {
    ///     for number in 0..3 {
    ///         sender.send(number).await.unwrap(); // Waits until the one before was received.
    ///     }
    /// });
    /// let mut sum = 0;
    /// while let Some(number) = receiver.recv().await {
    ///     sum += number;
    /// }
    /// assert_eq!(sum, 3);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn send(&self, value: T) -> Send<'_, T> {
        Send {
            channel: &self.channel,
            value: Some(value),
            wait: Wait::here(WaitKind::Channel),
            waiter: Waiter::new(),
        }
    }

    /// Sends a value if there is room.
    ///
    /// # Errors
    /// [`TrySendError`] with the value, if there is none, or others wait for it, or the channel is closed.
    ///
    /// ```
    /// use filch::sync::{TrySendError, mpsc};
    ///
    /// let (sender, receiver) = mpsc::channel(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    /// drop(receiver);
    /// assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
    /// ```
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        match self.channel.send(value) {
            Ok(receiver) => {
                wake(receiver);
                Ok(())
            }
            Err(Refused::Full(value)) => Err(TrySendError::Full(value)),
            Err(Refused::Closed(value)) => Err(TrySendError::Closed(value)),
        }
    }

    /// Sends a value from a thread that is not async, waiting for room. In a task it blocks that task and whatever is
    /// joined with it.
    ///
    /// # Errors
    /// As [`send`](Sender::send).
    ///
    /// ```
    /// let (sender, receiver) = filch::sync::mpsc::channel(1);
    /// let thread = std::thread::spawn(move || {
    ///     sender.blocking_send(1)?;
    ///     sender.blocking_send(2)
    /// });
    /// assert_eq!(receiver.blocking_recv(), Some(1));
    /// assert_eq!(receiver.blocking_recv(), Some(2));
    /// # thread.join().unwrap().unwrap();
    /// ```
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        let mut send = pin!(self.send(value));
        blocking::wait(|cx| send.as_mut().poll_unbudgeted(cx))
    }

    /// Waits until the channel is closed: the last receiver is gone, or one called [`close`](super::Receiver::close).
    ///
    /// # Cancel safety
    /// It holds nothing.
    ///
    /// ```
    /// # filch::run(async {
    /// let (sender, receiver) = filch::sync::mpsc::channel::<u32>(1);
    /// drop(receiver);
    /// sender.closed().await;
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> WaitClosed<'_, T> {
        WaitClosed::new(&self.channel, Wait::here(WaitKind::Channel))
    }

    /// Whether the channel is closed, so that a send would fail.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.channel.is_closed()
    }

    /// How many values could be sent now without waiting.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.channel.room()
    }

    /// How many values can wait in the channel.
    #[must_use]
    pub fn max_capacity(&self) -> usize {
        self.channel.capacity
    }

    /// Whether both send into the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        Arc::ptr_eq(&self.channel, &other.channel)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.channel.add_sender();
        Sender {
            channel: Arc::clone(&self.channel),
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt_end("Sender", f)
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.channel.remove_sender();
    }
}

pin_project! {
    /// The future of [`Sender::send`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Send<'a, T> {
        channel: &'a Channel<T>,
        // There until it is sent or given back.
        value: Option<T>,
        wait: Wait,
        #[pin]
        waiter: Waiter,
    }

    impl<T> PinnedDrop for Send<'_, T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.waiter.is_idle() {
                this.channel.give_up(For::Room(1), this.waiter);
                leaf::take_back(|| *this.wait);
            }
        }
    }
}

impl<T> Send<'_, T> {
    /// The value, if it was not sent. It will not be, then.
    pub(super) fn take_value(self: Pin<&mut Self>) -> Option<T> {
        self.project().value.take()
    }

    #[inline]
    fn poll_unbudgeted(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        let this = self.project();
        let (channel, mut waiter) = (*this.channel, this.waiter);
        let waits = !waiter.is_idle();
        if waits {
            // Before the value is taken: the clone of a waker may panic.
            renew(channel, waiter.as_mut(), cx.waker());
        }
        let Some(value) = this.value.take() else {
            let at = this.wait.at;
            panic!("a future that was made at {at} was polled after it was ready");
        };
        let sent = match waits {
            false => match channel.send(value) {
                Err(Refused::Full(value)) => send_or_wait(channel, value, waiter, cx.waker()),
                sent => sent,
            },
            true => send_after_wait(channel, value, waiter),
        };
        match sent {
            Ok(receiver) => {
                wake(receiver);
                Poll::Ready(Ok(()))
            }
            Err(Refused::Closed(value)) => Poll::Ready(Err(SendError(value))),
            Err(Refused::Full(value)) => {
                *this.value = Some(value);
                leaf::record(*this.wait);
                Poll::Pending
            }
        }
    }
}

/// Sends after all, or begins to wait.
#[inline(never)]
fn send_or_wait<T>(
    channel: &Channel<T>,
    value: T,
    mut waiter: Pin<&mut Waiter>,
    waker: &Waker,
) -> Result<Option<Waker>, Refused<T>> {
    let mut unsent = Some(value);
    let sent = keep(waker, |kept| {
        let value = unsent.take()?;
        match channel.send_or_wait(value, waiter.as_mut(), kept) {
            Err(Refused::Full(value)) => {
                unsent = Some(value);
                None
            }
            ended => Some(ended),
        }
    });
    let full = || unsent.map(|value| Err(Refused::Full(value)));
    sent.or_else(full).expect("it is sent, or comes back")
}

/// Renews the waker of one that still waits.
#[inline(never)]
fn renew<T>(channel: &Channel<T>, mut waiter: Pin<&mut Waiter>, waker: &Waker) {
    if waiter.stage() == Stage::Waiting {
        keep(waker, |kept| {
            channel.update(For::Room(1), waiter.as_mut(), kept);
        });
    }
}

/// Sends if the wait has ended, or waits on.
#[inline(never)]
fn send_after_wait<T>(
    channel: &Channel<T>,
    value: T,
    waiter: Pin<&mut Waiter>,
) -> Result<Option<Waker>, Refused<T>> {
    match waiter.take_outcome() {
        None => Err(Refused::Full(value)),
        Some(Outcome::Granted | Outcome::GrantedLast) => {
            channel.send_reserved(value).map_err(Refused::Closed)
        }
        Some(Outcome::Released) => Err(Refused::Closed(value)),
    }
}

impl<T> Future for Send<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(leaf::poll_budget_of(&*self, cx));
        self.poll_unbudgeted(cx)
    }
}

impl<T> FusedFuture for Send<'_, T> {
    fn is_terminated(&self) -> bool {
        self.value.is_none()
    }
}

impl<T> fmt::Debug for Send<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Send").finish_non_exhaustive()
    }
}
