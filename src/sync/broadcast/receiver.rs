//! The receiving end of a broadcast.

use super::core::{Channel, Found};
use crate::sync::wait_list::{Outcome, Waiter};
use crate::sync::waiting::{Leaf, future};
use crate::sync::wakers::Kept;
use filch_executor::leaf::{Wait, WaitKind};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// Everything was received, and nothing will come: the senders are gone.
    Closed,
    /// So many values were missed, as others took their place. The next receive goes on with the oldest that is kept.
    Lagged(u64),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Closed => f.write_str("nothing will be sent any more: every sender is gone"),
            RecvError::Lagged(missed) => {
                write!(
                    f,
                    "{missed} values were missed, as the channel keeps no more"
                )
            }
        }
    }
}

impl Error for RecvError {}

/// Why nothing was received at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// Nothing is there now.
    Empty,
    /// Everything was received, and nothing will come: the senders are gone.
    Closed,
    /// So many values were missed, as others took their place. The next receive goes on with the oldest that is kept.
    Lagged(u64),
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRecvError::Empty => f.write_str("nothing was sent yet; `recv` waits for it"),
            TryRecvError::Closed => RecvError::Closed.fmt(f),
            TryRecvError::Lagged(missed) => RecvError::Lagged(*missed).fmt(f),
        }
    }
}

impl Error for TryRecvError {}

/// Receives a clone of each value that is sent from when it was made on.
pub struct Receiver<T> {
    channel: Arc<Channel<T>>,
    /// The number of the value that it gets next.
    next: u64,
}

impl<T> Receiver<T> {
    pub(super) fn new(channel: Arc<Channel<T>>) -> Receiver<T> {
        let next = channel.add_receiver();
        Receiver { channel, next }
    }

    /// Another receiver, which gets what is sent from now on; not what this one has yet to get.
    #[must_use]
    pub fn resubscribe(&self) -> Receiver<T> {
        Receiver::new(Arc::clone(&self.channel))
    }

    /// How many values are there for this receiver.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channel.len_from(self.next)
    }

    /// Whether none is there for this receiver.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the senders are gone. There may still be values to receive.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender_strong_count() == 0
    }

    /// Whether both receive from the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        Arc::ptr_eq(&self.channel, &other.channel)
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_strong_count(&self) -> usize {
        self.channel.ends().1
    }

    /// How many [`WeakSender`](super::WeakSender)s there are.
    #[must_use]
    pub fn sender_weak_count(&self) -> usize {
        self.channel.ends().2
    }
}

impl<T: Clone> Receiver<T> {
    /// Waits for the next value.
    ///
    /// # Errors
    /// [`RecvError::Lagged`] says how many values were missed, once; [`RecvError::Closed`] that nothing will come.
    ///
    /// # Cancel safety
    /// Dropping the future loses no value: it is taken when the future is ready.
    ///
    /// ```
    /// use filch::sync::broadcast::{self, RecvError};
    ///
    /// # filch::run(async {
    /// let (sender, mut receiver) = broadcast::channel(2);
    /// for number in 0..5 {
    ///     sender.send(number).unwrap();
    /// }
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, Err(RecvError::Lagged(3)));
    /// assert_eq!(receiver.recv().await, Ok(3));
    /// assert_eq!(receiver.recv().await, Ok(4));
    /// assert_eq!(receiver.recv().await, Err(RecvError::Closed));
    /// # });
    /// ```
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv::of(Next(self), Wait::here(WaitKind::Channel))
    }

    /// The next value, if it is there.
    ///
    /// # Errors
    /// [`TryRecvError`] says why it is not, or how many were missed.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.channel.find(&mut self.next) {
            Found::Empty => Err(TryRecvError::Empty),
            found => received(found).map_err(|error| match error {
                RecvError::Closed => TryRecvError::Closed,
                RecvError::Lagged(missed) => TryRecvError::Lagged(missed),
            }),
        }
    }

    /// Waits for the next value on a thread that is not async. In a task it blocks that task and whatever is joined
    /// with it.
    ///
    /// # Errors
    /// As [`recv`](Receiver::recv).
    ///
    /// ```
    /// let (sender, mut receiver) = filch::sync::broadcast::channel(1);
    /// let thread = std::thread::spawn(move || receiver.blocking_recv());
    /// sender.send(1).unwrap();
    /// assert_eq!(thread.join().unwrap(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        self.recv().waiting.block()
    }
}

/// What was found, cloned outside of every lock if others want it too.
fn received<T: Clone>(found: Found<T>) -> Result<T, RecvError> {
    match found {
        Found::Value(value) => Ok(value),
        Found::Shared(shared) => {
            Ok(Option::clone(&shared).expect("a value that is wanted is kept"))
        }
        Found::Lagged(missed) => Err(RecvError::Lagged(missed)),
        Found::Empty | Found::Closed => Err(RecvError::Closed),
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.channel.remove_receiver(self.next);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("queued", &self.len())
            .field("closed", &self.is_closed())
            .finish()
    }
}

struct Next<'a, T>(&'a mut Receiver<T>);

impl<T: Clone> Leaf for Next<'_, T> {
    type Output = Result<T, RecvError>;

    fn take_or_wait(
        &mut self,
        _: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Self::Output> {
        let Receiver { channel, next } = &mut *self.0;
        match channel.find_or_wait(next, waiter, kept) {
            Found::Empty => Poll::Pending,
            found => Poll::Ready(received(found)),
        }
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.channel.update(false, waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.0.channel.give_up(false, waiter);
    }
}

future! {
    /// The future of [`Receiver::recv`].
    Recv ['a, T: Clone] ['a, T] of Next<'a, T> => Result<T, RecvError>
}
