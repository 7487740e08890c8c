//! What goes wrong with channels and locks. What was to be sent comes back in the error.

use std::error::Error;
use std::fmt;

/// The other end is gone, or a semaphore was closed: there is nothing to wait for any more.
///
/// ```
/// use filch::sync::{Closed, oneshot};
///
/// # filch::run(async {
/// let (sender, receiver) = oneshot::channel::<u32>();
/// drop(sender);
/// assert_eq!(receiver.await, Err(Closed));
/// # });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "what was waited for is closed: the other end is gone, or somebody called `close`",
        )
    }
}

impl Error for Closed {}

/// Nobody will receive this value, which is given back.
///
/// ```
/// use filch::sync::{SendError, mpsc};
///
/// # filch::run(async {
/// let (sender, receiver) = mpsc::channel(1);
/// drop(receiver);
/// let SendError(value) = sender.send("hello").await.unwrap_err();
/// assert_eq!(value, "hello");
/// # });
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

impl<T> SendError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel is closed: its last receiver is gone, or somebody called `close`; the error holds the value")
    }
}

impl<T> Error for SendError<T> {}

/// Why a value could not be sent at once. It is given back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room, or others wait for it already.
    Full(T),
    /// The last receiver is gone, or the channel was closed.
    Closed(T),
}

impl<T> TrySendError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            TrySendError::Full(value) | TrySendError::Closed(value) => value,
        }
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "Full(..)",
            TrySendError::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "the channel is full; `send` waits for room; the error holds the value",
            TrySendError::Closed(_) => {
                "the channel is closed: its last receiver is gone, or somebody called `close`; the error holds the value"
            }
        })
    }
}

impl<T> Error for TrySendError<T> {}

/// Why a value was not sent within a time. It is given back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// There was no room all that time.
    Timeout(T),
    /// The last receiver is gone, or the channel was closed.
    Closed(T),
}

impl<T> SendTimeoutError<T> {
    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            SendTimeoutError::Timeout(value) | SendTimeoutError::Closed(value) => value,
        }
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendTimeoutError::Timeout(_) => "Timeout(..)",
            SendTimeoutError::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendTimeoutError::Timeout(_) => "the channel was full all the time; the error holds the value",
            SendTimeoutError::Closed(_) => {
                "the channel is closed: its last receiver is gone, or somebody called `close`; the error holds the value"
            }
        })
    }
}

impl<T> Error for SendTimeoutError<T> {}

/// Why there was nothing to receive at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// Nothing is there now.
    Empty,
    /// Nothing is there, and nothing will come.
    Closed,
}

impl TryRecvError {
    /// [`Closed`](TryRecvError::Closed), by the name that tokio's `mpsc` has for it.
    #[allow(non_upper_case_globals, reason = "it stands for a variant")]
    pub const Disconnected: TryRecvError = TryRecvError::Closed;
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryRecvError::Empty => "nothing was sent yet; `recv` waits for it",
            TryRecvError::Closed => {
                "nothing will be sent any more: every sender is gone, or the channel was closed"
            }
        })
    }
}

impl Error for TryRecvError {}

/// Why a semaphore's permits could not be had at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// So many are not free, or others wait for them already.
    NoPermits,
    /// The semaphore was closed.
    Closed,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::NoPermits => "so many permits are not free; `acquire` waits for them",
            TryAcquireError::Closed => "the semaphore was closed",
        })
    }
}

impl Error for TryAcquireError {}

/// The lock is held, or others wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryLockError;

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock is held; `lock`, `read` and `write` wait for it")
    }
}

impl Error for TryLockError {}

/// Why a [`OnceCell`](super::OnceCell) was not set. The value is given back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SetError<T> {
    /// There is a value already.
    AlreadyInitializedError(T),
    /// Somebody is making one.
    InitializingError(T),
}

impl<T> SetError<T> {
    /// Whether there is a value already.
    pub fn is_already_init_err(&self) -> bool {
        matches!(self, SetError::AlreadyInitializedError(_))
    }

    /// Whether somebody is making one.
    pub fn is_initializing_err(&self) -> bool {
        matches!(self, SetError::InitializingError(_))
    }
}

impl<T> fmt::Debug for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInitializedError(_) => "AlreadyInitializedError(..)",
            SetError::InitializingError(_) => "InitializingError(..)",
        })
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInitializedError(_) => {
                "the cell has a value; the error holds the other one"
            }
            SetError::InitializingError(_) => {
                "somebody is making the cell's value; the error holds the other one"
            }
        })
    }
}

impl<T> Error for SetError<T> {}

/// A [`SetOnce`](super::SetOnce) has a value already; this one is given back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SetOnceError<T>(pub T);

impl<T> fmt::Debug for SetOnceError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetOnceError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SetOnceError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it was set before; the error holds the other value")
    }
}

impl<T> Error for SetOnceError<T> {}
