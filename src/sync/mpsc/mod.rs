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
mod receiver;
mod sender;

pub use receiver::Receiver;
pub use sender::Sender;

pub mod future {
    //! The futures that the ends of a channel return. They stand apart so that `use filch::sync::mpsc::*` shadows no
    //! name of the standard library's, such as `Send`.

    pub use super::receiver::Recv;
    pub use super::sender::{Send, WaitClosed};
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

fn pair<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel::new(capacity));
    let sender = Sender {
        channel: Arc::clone(&channel),
    };
    (sender, Receiver::new(channel))
}
