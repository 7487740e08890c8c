//! Senders that do not count, and senders that never wait.

use super::closed::WaitClosed;
use super::core::Channel;
use super::sender::Sender;
use crate::sync::error::{SendError, TrySendError};
use std::fmt;
use std::sync::Arc;

impl<T> Sender<T> {
    /// A sender that does not count as one: the channel ends though it is there.
    ///
    /// ```
    /// # filch::run(async {
    /// let (sender, receiver) = filch::sync::mpsc::channel(1);
    /// let weak = sender.downgrade();
    /// weak.upgrade().unwrap().send(1).await.unwrap();
    /// drop(sender);
    /// assert!(weak.upgrade().is_none());
    /// assert_eq!(receiver.recv().await, Some(1));
    /// assert_eq!(receiver.recv().await, None);
    /// # });
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(Arc::clone(&self.channel))
    }

    /// How many senders there are.
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.channel.senders().0
    }

    /// How many [`WeakSender`]s there are.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.channel.senders().1
    }
}

/// A sender that does not keep the channel from ending. [`Sender::downgrade`] makes one.
pub struct WeakSender<T> {
    channel: Arc<Channel<T>>,
}

impl<T> WeakSender<T> {
    pub(super) fn new(channel: Arc<Channel<T>>) -> WeakSender<T> {
        channel.add_weak_sender();
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
        self.channel.senders().0
    }

    /// How many [`WeakSender`]s there are.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.channel.senders().1
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> WeakSender<T> {
        WeakSender::new(Arc::clone(&self.channel))
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.channel.remove_weak_sender();
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt_end("WeakSender", f)
    }
}

/// Sends into a channel in which any number of values can wait, so that a send never does.
/// [`unbounded_channel`](super::unbounded_channel) makes one.
pub struct UnboundedSender<T> {
    sender: Sender<T>,
}

impl<T> UnboundedSender<T> {
    pub(super) fn new(sender: Sender<T>) -> UnboundedSender<T> {
        UnboundedSender { sender }
    }

    /// Sends a value. It is no future, and may be called anywhere.
    ///
    /// # Errors
    /// [`SendError`] with the value, if the channel is closed.
    ///
    /// ```
    /// let (sender, receiver) = filch::sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// drop(receiver);
    /// assert_eq!(sender.send(2).unwrap_err().0, 2);
    /// ```
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        // Full it would be with `usize::MAX >> 3` values.
        self.sender.try_send(value).map_err(|error| match error {
            TrySendError::Closed(value) | TrySendError::Full(value) => SendError(value),
        })
    }

    /// As [`Sender::closed`].
    #[track_caller]
    pub fn closed(&self) -> WaitClosed<'_, T> {
        self.sender.closed()
    }

    /// Whether the channel is closed, so that a send would fail.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether both send into the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &UnboundedSender<T>) -> bool {
        self.sender.same_channel(&other.sender)
    }

    /// As [`Sender::downgrade`].
    #[must_use]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender {
            weak: self.sender.downgrade(),
        }
    }

    /// How many senders there are.
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.sender.strong_count()
    }

    /// How many [`WeakUnboundedSender`]s there are.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.sender.weak_count()
    }
}

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> UnboundedSender<T> {
        UnboundedSender::new(self.sender.clone())
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sender.channel.fmt_end("UnboundedSender", f)
    }
}

/// As [`WeakSender`], of an [`UnboundedSender`].
pub struct WeakUnboundedSender<T> {
    weak: WeakSender<T>,
}

impl<T> WeakUnboundedSender<T> {
    /// A sender. `None`: the last one is gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        self.weak.upgrade().map(UnboundedSender::new)
    }

    /// How many senders there are.
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.weak.strong_count()
    }

    /// How many [`WeakUnboundedSender`]s there are.
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.weak.weak_count()
    }
}

impl<T> Clone for WeakUnboundedSender<T> {
    fn clone(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender {
            weak: self.weak.clone(),
        }
    }
}

impl<T> fmt::Debug for WeakUnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.weak.channel.fmt_end("WeakUnboundedSender", f)
    }
}
