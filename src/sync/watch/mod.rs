//! A value that one end changes, and of which the other ends see the newest.
//!
//! ```
//! use filch::sync::watch;
//!
//! # filch::run(async {
//! let (sender, mut receiver) = watch::channel("off");
//! let task = filch::spawn(async move {
//!     receiver.changed().await.unwrap();
//!     *receiver.borrow()
//! });
//! sender.send("on").unwrap();
//! assert_eq!(task.await.unwrap(), "on");
//! # });
//! ```
//!
//! Values in between may be missed: whoever comes late sees the last one. For all of them take
//! [`broadcast`](super::broadcast).

mod version;

mod shared;

mod receiver;
mod sender;

pub use super::error::SendError;
pub use receiver::{Receiver, Ref};
pub use sender::Sender;

/// [`Closed`](super::Closed), by the name that tokio has for a watch's.
pub type RecvError = super::Closed;

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use super::receiver::{Changed, WaitFor};
    pub use super::sender::WaitClosed;
}

pub mod error {
    //! The errors of a watch, where tokio has them.

    pub use super::{RecvError, SendError};
}

/// A value that receivers watch, with its first one.
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(value);
    let receiver = sender.subscribe();
    (sender, receiver)
}
