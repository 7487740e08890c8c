//! A queue of values between tasks: many senders, and one receiver or several.
//!
//! ```
//! use filch::sync::mpsc;
//!
//! # filch::run(async {
//! let (sender, receiver) = mpsc::channel(100);
//! for worker in 0..4 {
//!     let sender = sender.clone();
//!     filch::spawn(async move { sender.send(worker * 10).await });
//! }
//! drop(sender); // The receiver sees the end when the workers' clones are gone too.
//! let mut sum = 0;
//! while let Some(number) = receiver.recv().await {
//!     sum += number;
//! }
//! assert_eq!(sum, 60);
//! # });
//! ```
//!
//! A bounded channel makes senders wait for a receiver that is slower, which is what bounds a program's memory;
//! [`unbounded`] does not.

mod queue;

mod core;
mod ends;
mod room;

mod closed;
mod receiver;
mod recv_many;

mod sender;
mod weak;

mod permit;
mod timeout;

pub use super::error::{SendError, SendTimeoutError, TryRecvError, TrySendError};
pub use permit::{OwnedPermit, Permit, PermitIterator};
pub use receiver::Receiver;
pub use sender::Sender;
pub use weak::{UnboundedSender, WeakSender, WeakUnboundedSender};

/// The receiver of an [`unbounded_channel`], by tokio's name for it.
pub type UnboundedReceiver<T> = Receiver<T>;

pub mod error {
    //! The errors of a channel, where tokio has them.

    pub use super::{SendError, SendTimeoutError, TryRecvError, TrySendError};
}

pub mod future {
    //! The futures that the ends of a channel return. They stand apart so that `use filch::sync::mpsc::*` shadows no
    //! name of the standard library's, such as `Send`.

    pub use super::closed::WaitClosed;
    pub use super::permit::{Reserve, ReserveMany, ReserveOwned};
    pub use super::receiver::Recv;
    pub use super::recv_many::RecvMany;
    pub use super::sender::Send;
    pub use super::timeout::SendTimeout;
}

use self::core::Channel;
use crate::sync::permits::MOST;
use std::sync::Arc;

/// A channel in which up to `capacity` values wait to be received. A sender waits for room beyond that.
///
/// Memory is taken as values come, for 32 of them at a time, whatever the capacity.
///
/// # Panics
/// If `capacity` is 0.
#[track_caller]
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(
        capacity > 0,
        "a channel needs room for at least one value; for none use `oneshot`, or a `Notify` beside it"
    );
    pair(capacity.min(MOST))
}

/// A channel in which any number of values can wait. Its [`Sender::send`] never waits, and [`Sender::try_send`] fails
/// only when it is closed.
///
/// Nothing holds back a sender that is faster than the receiver: the values in between grow without bound.
///
/// ```
/// # filch::run(async {
/// let (sender, receiver) = filch::sync::mpsc::unbounded();
/// for number in 0..1000 {
///     sender.try_send(number).unwrap();
/// }
/// assert_eq!(receiver.len(), 1000);
/// assert_eq!(receiver.recv().await, Some(0));
/// # });
/// ```
#[must_use]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    pair(MOST)
}

/// As [`unbounded`], with a sender whose `send` is no future: tokio's name and types.
///
/// ```
/// let (sender, receiver) = filch::sync::mpsc::unbounded_channel();
/// sender.send("hello").unwrap();
/// assert_eq!(receiver.try_recv(), Ok("hello"));
/// ```
#[must_use]
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (sender, receiver) = unbounded();
    (UnboundedSender::new(sender), receiver)
}

fn pair<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel::new(capacity));
    let sender = Sender {
        channel: Arc::clone(&channel),
    };
    (sender, Receiver::new(channel))
}
