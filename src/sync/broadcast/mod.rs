//! A channel whose values all receivers get.
//!
//! ```
//! use filch::sync::broadcast;
//!
//! # filch::run(async {
//! let (sender, mut first) = broadcast::channel(16);
//! let mut second = sender.subscribe();
//! sender.send("hello").unwrap();
//! assert_eq!(first.recv().await, Ok("hello"));
//! assert_eq!(second.recv().await, Ok("hello"));
//! # });
//! ```
//!
//! It keeps so many values. A send never waits: it takes the place of the oldest value, and a receiver that had not got
//! that one is told how many it has missed ([`RecvError::Lagged`]). So one slow receiver holds nobody up.

mod core;
mod receiver;
mod sender;

pub use super::error::SendError;
pub use receiver::{Receiver, RecvError, TryRecvError};
pub use sender::{Sender, WeakSender};

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use super::receiver::Recv;
    pub use super::sender::WaitClosed;
}

pub mod error {
    //! The errors of a broadcast channel, where tokio has them.

    pub use super::{RecvError, SendError, TryRecvError};
}

/// A channel that keeps up to `capacity` values for its receivers, rounded up to a power of two.
///
/// # Panics
/// If `capacity` is 0, or more than `usize::MAX / 2`.
#[track_caller]
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}
