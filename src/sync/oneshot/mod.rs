//! One value, from one end to the other.
//!
//! `shared` is the one allocation behind both ends, `sender` and `receiver` are the ends.

mod shared;

mod receiver;
mod sender;

pub mod future;

pub mod error {
    //! The errors of a oneshot, where tokio has them.

    pub use crate::sync::error::TryRecvError;

    /// [`Closed`](crate::sync::Closed), by the name that tokio has for a oneshot's.
    pub type RecvError = crate::sync::Closed;
}

use filch_executor::leaf::{Wait, WaitKind};
pub use receiver::Receiver;
pub use sender::Sender;
use shared::Shared;
use std::marker::PhantomData;

/// A channel for one value.
///
/// ```
/// use filch::sync::oneshot;
///
/// # filch::run(async {
/// let (sender, receiver) = oneshot::channel();
/// filch::spawn(async move { sender.send(6 * 7) });
/// assert_eq!(receiver.await, Ok(42));
/// # });
/// ```
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Shared::leak();
    let sender = Sender {
        shared,
        _value: PhantomData,
    };
    let receiver = Receiver {
        shared,
        wait: Wait::here(WaitKind::Channel),
        waits: false,
        over: false,
        _value: PhantomData,
    };
    (sender, receiver)
}
