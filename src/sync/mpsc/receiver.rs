//! The receiving end.

use super::core::{Channel, For, Vain, wake};
use crate::sync::blocking;
use crate::sync::error::TryRecvError;
use crate::sync::wait_list::{Outcome, Stage, Waiter};
use crate::sync::wakers::keep;
use filch_executor::leaf::{self, Answer, Ask, Wait, WaitKind};
use futures_core::{FusedFuture, FusedStream, Stream};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// Receives values from a channel, in the order in which they were sent. It is also a [`Stream`] of them.
///
/// Clone it for more receivers: each value goes to one of them, and to the one first that has waited longest. With the
/// last one's drop the channel is closed.
pub struct Receiver<T> {
    pub(super) channel: Arc<Channel<T>>,
    /// The place among the waiters of `poll_recv`, made when it has to wait for the first time.
    polled: Option<Pin<Box<Waiter>>>,
    /// As a stream it has ended.
    ended: bool,
}

impl<T> Receiver<T> {
    pub(super) fn new(channel: Arc<Channel<T>>) -> Receiver<T> {
        Receiver {
            channel,
            polled: None,
            ended: false,
        }
    }

    /// Waits for the next value. `None`: all senders are gone or the channel was closed, and everything that was sent
    /// has been received.
    ///
    /// # Cancel safety
    /// Dropping the future loses no value: it is taken out of the channel only when the future is ready. A value that
    /// was meant for it goes to the next.
    ///
    /// ```
    /// # filch::run(async {
    /// let (sender, receiver) = filch::sync::mpsc::channel(10);
    /// sender.send("hello").await.unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, Some("hello"));
    /// assert_eq!(receiver.recv().await, None);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn recv(&self) -> Recv<'_, T> {
        Recv {
            channel: &self.channel,
            wait: Wait::here(WaitKind::Channel),
            over: false,
            waiter: Waiter::new(),
        }
    }

    /// The next value, if one is there.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`] if none is there, or others wait for those that are; [`TryRecvError::Closed`] if none
    /// will come any more.
    ///
    /// ```
    /// use filch::sync::{TryRecvError, mpsc};
    ///
    /// let (sender, receiver) = mpsc::channel(10);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.try_send(1).unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        loop {
            let receivers = match self.channel.receive() {
                Ok((value, sender)) => {
                    wake(sender);
                    return Ok(value);
                }
                Err(receivers) => receivers,
            };
            match self.channel.look_again(receivers) {
                Vain::Again => {}
                Vain::Empty => return Err(TryRecvError::Empty),
                Vain::Ended => return Err(TryRecvError::Closed),
            }
        }
    }

    /// Waits for the next value on a thread that is not async. In a task it blocks that task and whatever is joined
    /// with it.
    ///
    /// ```
    /// let (sender, receiver) = filch::sync::mpsc::channel(10);
    /// let thread = std::thread::spawn(move || sender.blocking_send("hello"));
    /// assert_eq!(receiver.blocking_recv(), Some("hello"));
    /// assert_eq!(receiver.blocking_recv(), None);
    /// # thread.join().unwrap().unwrap();
    /// ```
    #[track_caller]
    pub fn blocking_recv(&self) -> Option<T> {
        let mut recv = pin!(self.recv());
        blocking::wait(|cx| recv.as_mut().poll_unbudgeted(cx))
    }

    /// As [`recv`](Receiver::recv), for hand-written futures. The task of the last call is woken.
    #[track_caller]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        ready!(leaf::poll_budget_of(self, cx));
        if self.polled.is_none() {
            // The waiter costs an allocation, which those who find a value do not need.
            match self.try_recv() {
                Ok(value) => return Poll::Ready(Some(value)),
                Err(TryRecvError::Closed) => return Poll::Ready(None),
                Err(TryRecvError::Empty) => {}
            }
        }
        let waiter = self.polled.get_or_insert_with(|| Box::pin(Waiter::new()));
        let polled = poll_receive(&self.channel, waiter.as_mut(), cx);
        if polled.is_pending() {
            leaf::record(Wait::here(WaitKind::Channel));
        }
        polled
    }

    /// Closes the channel: sends fail from now on, with their values given back. What was sent before can still be
    /// received, and what is sent into a [`Permit`](super::Permit) that is out; then comes `None`.
    ///
    /// ```
    /// # filch::run(async {
    /// let (sender, receiver) = filch::sync::mpsc::channel(10);
    /// sender.send(1).await.unwrap();
    /// receiver.close();
    /// assert!(sender.send(2).await.is_err());
    /// assert_eq!(receiver.recv().await, Some(1));
    /// assert_eq!(receiver.recv().await, None);
    /// # });
    /// ```
    pub fn close(&self) {
        self.channel.close();
    }

    /// Whether the channel is closed: the last sender is gone, or somebody called [`close`](Receiver::close). There may
    /// still be values to receive.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.channel.is_closed() || !self.channel.has_senders()
    }

    /// How many values are in the channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channel.len()
    }

    /// Whether no value is in the channel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

    /// How many senders there are.
    #[must_use]
    pub fn sender_strong_count(&self) -> usize {
        self.channel.senders().0
    }

    /// How many [`WeakSender`](super::WeakSender)s there are.
    #[must_use]
    pub fn sender_weak_count(&self) -> usize {
        self.channel.senders().1
    }

    /// Whether both receive from the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        Arc::ptr_eq(&self.channel, &other.channel)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        self.channel.add_receiver();
        Receiver::new(Arc::clone(&self.channel))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        match self.polled.take() {
            Some(mut waiter) if !waiter.is_idle() => {
                self.channel.give_up(For::Value, waiter.as_mut());
            }
            _ => {}
        }
        self.channel.remove_receiver();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt_end("Receiver", f)
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let polled = self.poll_recv(cx);
        self.ended = matches!(polled, Poll::Ready(None));
        polled
    }
}

impl<T> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

/// Receives through this waiter.
#[inline]
fn poll_receive<T>(
    channel: &Channel<T>,
    mut waiter: Pin<&mut Waiter>,
    cx: &mut Context<'_>,
) -> Poll<Option<T>> {
    if !waiter.is_idle() {
        if waiter.stage() == Stage::Waiting && waits_on(channel, waiter.as_mut(), cx.waker()) {
            return Poll::Pending;
        }
        if waiter.as_mut().take_outcome() == Some(Outcome::Granted) {
            let (value, sender) = channel.receive_promised();
            wake(sender);
            return Poll::Ready(Some(value));
        }
    }
    // One that was released looks too: somebody may have left a value since.
    loop {
        let receivers = match channel.receive() {
            Ok((value, sender)) => {
                wake(sender);
                return Poll::Ready(Some(value));
            }
            Err(receivers) => receivers,
        };
        match channel.wait_to_receive(receivers, waiter.as_mut(), cx.waker()) {
            Vain::Again => {}
            Vain::Empty => return Poll::Pending,
            Vain::Ended => return Poll::Ready(None),
        }
    }
}

/// Renews the waker of one that waits, and tells whether it still does.
#[inline(never)]
fn waits_on<T>(channel: &Channel<T>, mut waiter: Pin<&mut Waiter>, waker: &Waker) -> bool {
    keep(waker, |kept| {
        channel.update(For::Value, waiter.as_mut(), kept);
    });
    waiter.stage() == Stage::Waiting
}

pin_project! {
    /// The future of [`Receiver::recv`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Recv<'a, T> {
        channel: &'a Channel<T>,
        wait: Wait,
        over: bool,
        #[pin]
        waiter: Waiter,
    }

    impl<T> PinnedDrop for Recv<'_, T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.waiter.is_idle() {
                this.channel.give_up(For::Value, this.waiter);
                leaf::take_back(|| *this.wait);
            }
        }
    }
}

impl<T> Recv<'_, T> {
    #[inline]
    fn poll_unbudgeted(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.project();
        let polled = poll_receive(this.channel, this.waiter, cx);
        if polled.is_pending() {
            leaf::record(*this.wait);
        }
        polled
    }
}

impl<T> Future for Recv<'_, T> {
    type Output = Option<T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let polled = self.as_mut().poll_unbudgeted(cx);
        *self.project().over = polled.is_ready();
        polled
    }
}

impl<T> Ask for Recv<'_, T> {
    /// The end of the channel is left to the poll.
    #[inline]
    fn ask(self: Pin<&mut Self>) -> Answer<Option<T>> {
        if !self.waiter.is_idle() {
            return Answer::Unknown;
        }
        let this = self.project();
        let answer = leaf::ask_within_budget(|| {
            let (value, sender) = this.channel.receive().ok()?;
            wake(sender);
            Some(Some(value))
        });
        *this.over = matches!(answer, Answer::Ready(_));
        answer
    }
}

impl<T> FusedFuture for Recv<'_, T> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").finish_non_exhaustive()
    }
}
