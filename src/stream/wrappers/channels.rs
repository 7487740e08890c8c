//! What is sent to all receivers, as streams.

use crate::sync::{broadcast, watch};
use filch_executor::leaf;
use futures_core::{FusedStream, Stream};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A receiver, or a wait that has it and gives it back.
enum Turn<R, O> {
    Idle(R),
    Waiting(Pin<Box<dyn Future<Output = (R, O)> + Send + Sync>>),
    /// Nothing will come, or the wait panicked.
    Over,
}

impl<R, O> Turn<R, O> {
    /// What `now` finds, or what `wait` waits for. Only a wait allocates.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: impl FnOnce(&mut R) -> Option<O>,
        wait: impl FnOnce(R) -> Pin<Box<dyn Future<Output = (R, O)> + Send + Sync>>,
    ) -> Poll<Option<O>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let mut waiting = match std::mem::replace(self, Turn::Over) {
            Turn::Over => return Poll::Ready(None),
            Turn::Waiting(waiting) => waiting,
            Turn::Idle(mut receiver) => match now(&mut receiver) {
                Some(found) => {
                    *self = Turn::Idle(receiver);
                    return Poll::Ready(Some(found));
                }
                None => wait(receiver),
            },
        };
        match waiting.as_mut().poll(cx) {
            Poll::Ready((receiver, found)) => {
                *self = Turn::Idle(receiver);
                Poll::Ready(Some(found))
            }
            Poll::Pending => {
                *self = Turn::Waiting(waiting);
                Poll::Pending
            }
        }
    }
}

/// The values of a [`watch`] channel: the one that is there, then the newest whenever it has changed. What was replaced
/// before the stream is polled is passed over. It ends with the senders.
///
/// ```
/// use filch::stream::{StreamExt, wrappers::WatchStream};
/// use filch::sync::watch;
///
/// # filch::run(async {
/// let (sender, receiver) = watch::channel("first");
/// let mut values = WatchStream::new(receiver);
/// assert_eq!(values.next().await, Some("first"));
/// sender.send("passed over").unwrap();
/// sender.send("newest").unwrap();
/// drop(sender);
/// assert_eq!(values.next().await, Some("newest"));
/// assert_eq!(values.next().await, None);
/// # });
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct WatchStream<T> {
    turn: Turn<watch::Receiver<T>, Option<T>>,
}

impl<T: Clone + Send + Sync + 'static> WatchStream<T> {
    /// The value that is there first.
    pub fn new(mut receiver: watch::Receiver<T>) -> WatchStream<T> {
        receiver.mark_changed();
        WatchStream::from_changes(receiver)
    }

    /// Only values that the receiver has not seen.
    pub fn from_changes(receiver: watch::Receiver<T>) -> WatchStream<T> {
        WatchStream {
            turn: Turn::Idle(receiver),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Stream for WatchStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let now = |receiver: &mut watch::Receiver<T>| {
            let has_changed = receiver.has_changed().is_ok_and(|changed| changed);
            has_changed.then(|| Some(receiver.borrow_and_update().clone()))
        };
        let found = self.turn.poll(cx, now, |mut receiver| {
            Box::pin(async move {
                let changed = receiver.changed().await;
                // With another receiver's look at it, it may have changed again: the newest counts.
                let value = changed.ok().map(|()| receiver.borrow_and_update().clone());
                (receiver, value)
            })
        });
        let found = ready!(found).flatten();
        if found.is_none() {
            self.turn = Turn::Over;
        }
        Poll::Ready(found)
    }
}

impl<T: Clone + Send + Sync + 'static> FusedStream for WatchStream<T> {
    fn is_terminated(&self) -> bool {
        matches!(self.turn, Turn::Over)
    }
}

impl<T> fmt::Debug for WatchStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchStream").finish_non_exhaustive()
    }
}

/// So many values were missed: see [`broadcast::RecvError::Lagged`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BroadcastStreamRecvError {
    /// How many. The next item is the oldest that is kept.
    Lagged(u64),
}

impl fmt::Display for BroadcastStreamRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BroadcastStreamRecvError::Lagged(missed) = self;
        broadcast::RecvError::Lagged(*missed).fmt(f)
    }
}

impl Error for BroadcastStreamRecvError {}

/// The values of a [`broadcast`] channel. Values that were missed are told of as an item, and the stream goes on. It
/// ends with the senders.
///
/// ```
/// use filch::stream::{StreamExt, wrappers::{BroadcastStream, BroadcastStreamRecvError::Lagged}};
/// use filch::sync::broadcast;
///
/// # filch::run(async {
/// let (sender, receiver) = broadcast::channel(2);
/// for number in 0..5 {
///     sender.send(number).unwrap();
/// }
/// drop(sender);
/// let all: Vec<_> = BroadcastStream::new(receiver).collect().await;
/// assert_eq!(all, [Err(Lagged(3)), Ok(3), Ok(4)]);
/// # });
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct BroadcastStream<T> {
    turn: Turn<broadcast::Receiver<T>, Result<T, broadcast::RecvError>>,
}

impl<T: Clone + Send + Sync + 'static> BroadcastStream<T> {
    /// Takes a receiver.
    pub fn new(receiver: broadcast::Receiver<T>) -> BroadcastStream<T> {
        BroadcastStream {
            turn: Turn::Idle(receiver),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> From<broadcast::Receiver<T>> for BroadcastStream<T> {
    fn from(receiver: broadcast::Receiver<T>) -> BroadcastStream<T> {
        BroadcastStream::new(receiver)
    }
}

impl<T: Clone + Send + Sync + 'static> Stream for BroadcastStream<T> {
    type Item = Result<T, BroadcastStreamRecvError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        use broadcast::{RecvError, TryRecvError};
        let now = |receiver: &mut broadcast::Receiver<T>| match receiver.try_recv() {
            Ok(value) => Some(Ok(value)),
            Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
            Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
            Err(TryRecvError::Empty) => None,
        };
        let found = self.turn.poll(cx, now, |mut receiver| {
            Box::pin(async move {
                let found = receiver.recv().await;
                (receiver, found)
            })
        });
        Poll::Ready(match ready!(found) {
            Some(Ok(value)) => Some(Ok(value)),
            Some(Err(RecvError::Lagged(missed))) => {
                Some(Err(BroadcastStreamRecvError::Lagged(missed)))
            }
            Some(Err(RecvError::Closed)) | None => {
                self.turn = Turn::Over;
                None
            }
        })
    }
}

impl<T: Clone + Send + Sync + 'static> FusedStream for BroadcastStream<T> {
    fn is_terminated(&self) -> bool {
        matches!(self.turn, Turn::Over)
    }
}

impl<T> fmt::Debug for BroadcastStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastStream").finish_non_exhaustive()
    }
}
