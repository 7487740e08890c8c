//! The sending end of a broadcast.

use super::core::Channel;
use super::receiver::Receiver;
use crate::sync::error::SendError;
use crate::sync::wait_list::{Outcome, Waiter};
use crate::sync::waiting::{Leaf, future};
use crate::sync::wakers::Kept;
use filch_executor::leaf::{Wait, WaitKind};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// Sends values to all receivers. Clone it for more senders; with the last one's drop the receivers learn that no more
/// will come.
pub struct Sender<T> {
    channel: Arc<Channel<T>>,
}

impl<T> Sender<T> {
    /// A sender without receivers, which keeps up to `capacity` values for those that [`subscribe`](Sender::subscribe),
    /// rounded up to a power of two.
    ///
    /// # Panics
    /// If `capacity` is 0, or more than `usize::MAX / 2`.
    #[track_caller]
    #[must_use]
    pub fn new(capacity: usize) -> Sender<T> {
        Sender {
            channel: Arc::new(Channel::new(capacity)),
        }
    }

    /// Sends a value to all receivers that there are, and returns how many those are. It never waits: a receiver that
    /// is too far behind misses the oldest value.
    ///
    /// # Errors
    /// [`SendError`] with the value, if there is no receiver. There may be one later.
    ///
    /// ```
    /// use filch::sync::broadcast;
    ///
    /// let (sender, receiver) = broadcast::channel(4);
    /// assert_eq!(sender.send(1), Ok(1));
    /// drop(receiver);
    /// assert_eq!(sender.send(2).unwrap_err().0, 2);
    /// let mut again = sender.subscribe();
    /// sender.send(3).unwrap();
    /// assert_eq!(again.try_recv(), Ok(3));
    /// ```
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        self.channel.send(value).map_err(SendError)
    }

    /// Another receiver, which gets what is sent from now on.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(Arc::clone(&self.channel))
    }

    /// How many values are kept that some receiver has yet to get.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channel.len()
    }

    /// Whether every receiver has got everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.channel.ends().0
    }

    /// Whether both send into the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        Arc::ptr_eq(&self.channel, &other.channel)
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancel safety
    /// It holds nothing.
    #[track_caller]
    pub fn closed(&self) -> WaitClosed<'_, T> {
        WaitClosed::of(Close(&self.channel), Wait::here(WaitKind::Channel))
    }

    /// A sender that does not count as one: the channel ends though it is there.
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(Arc::clone(&self.channel))
    }

    /// How many senders there are.
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.channel.ends().1
    }

    /// How many [`WeakSender`]s there are.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.channel.ends().2
    }

    fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("queued", &self.len())
            .field("receivers", &self.receiver_count())
            .finish()
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

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.channel.remove_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("Sender", f)
    }
}

/// A sender that does not keep the channel from ending. [`Sender::downgrade`] makes one.
pub struct WeakSender<T> {
    channel: Arc<Channel<T>>,
}

impl<T> WeakSender<T> {
    fn new(channel: Arc<Channel<T>>) -> WeakSender<T> {
        channel.count_weak(1);
        WeakSender { channel }
    }

    /// A sender. `None`: the last one is gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        self.channel.try_add_sender().then(|| Sender {
            channel: Arc::clone(&self.channel),
        })
    }

    /// How many senders there are.
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.channel.ends().1
    }

    /// How many [`WeakSender`]s there are.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.channel.ends().2
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> WeakSender<T> {
        WeakSender::new(Arc::clone(&self.channel))
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.channel.count_weak(-1);
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

struct Close<'a, T>(&'a Channel<T>);

impl<T> Leaf for Close<'_, T> {
    type Output = ();

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<()> {
        match ended.is_some() || self.0.closed_or_wait(waiter, kept) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.update(true, waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.0.give_up(true, waiter);
    }
}

future! {
    /// The future of [`Sender::closed`].
    WaitClosed ['a, T] ['a, T] of Close<'a, T> => ()
}
