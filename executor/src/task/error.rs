//! Why a task has no output.

use super::id::TaskId;
use super::scheduler::PanicListener;
use crate::foreign::Payload;
use std::any::Any;
use std::sync::Weak;
use std::{fmt, io};

/// A task ended without an output: it was cancelled, or it panicked.
// Boxed, because a task keeps room for it: most never need more than the pointer.
pub struct JoinError(Box<Inner>);

struct Inner {
    id: TaskId,
    cause: Cause,
}

enum Cause {
    Cancelled,
    Panic {
        payload: Payload,
        /// The runtime that hears of it if nobody else does.
        listener: Option<Weak<dyn PanicListener>>,
    },
}

/// A panic's payload, and the runtime that hears of it if nobody else does.
pub(super) type Unheard = (Box<dyn Any + Send>, Option<Weak<dyn PanicListener>>);

// SAFETY: through `&JoinError` a payload is only ever looked at as a `&str` or `String`, which are
// Sync; whatever else it is can only be moved out by value.
unsafe impl Sync for JoinError {}

impl JoinError {
    pub(crate) fn cancelled(id: TaskId) -> JoinError {
        JoinError(Box::new(Inner {
            id,
            cause: Cause::Cancelled,
        }))
    }

    pub(crate) fn panicked(
        id: TaskId,
        payload: Payload,
        listener: Option<Weak<dyn PanicListener>>,
    ) -> JoinError {
        let cause = Cause::Panic { payload, listener };
        JoinError(Box::new(Inner { id, cause }))
    }

    /// If it is a panic: its payload, and who hears of it if nobody else does.
    pub(super) fn into_unheard(self) -> Option<Unheard> {
        match self.0.cause {
            Cause::Panic { payload, listener } => Some((payload, listener)),
            Cause::Cancelled => None,
        }
    }

    /// Whether the task was aborted, or its runtime shut down.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.cause, Cause::Cancelled)
    }

    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.0.cause, Cause::Panic { .. })
    }

    /// The panic's payload, as for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    /// If the task was cancelled; [`JoinError::try_into_panic`] does not.
    #[must_use]
    #[track_caller]
    pub fn into_panic(self) -> Payload {
        match self.try_into_panic() {
            Ok(panic) => panic,
            Err(error) => panic!("into_panic on a task that did not panic: {error}"),
        }
    }

    /// The panic's payload.
    ///
    /// # Errors
    /// The error itself, if the task was cancelled.
    pub fn try_into_panic(self) -> Result<Payload, JoinError> {
        if self.is_cancelled() {
            return Err(self);
        }
        match self.0.cause {
            Cause::Panic { payload, .. } => Ok(payload),
            Cause::Cancelled => unreachable!("just asked"),
        }
    }

    /// Which task.
    #[must_use]
    pub fn task_id(&self) -> TaskId {
        self.0.id
    }
}

/// The text of a panic's payload, if it has one.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> Option<&str> {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.cause {
            Cause::Cancelled => write!(f, "task {} was cancelled", self.0.id),
            Cause::Panic { payload, .. } => match panic_message(&**payload) {
                Some(message) => write!(f, "task {} panicked: {message}", self.0.id),
                None => write!(f, "task {} panicked", self.0.id),
            },
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.is_panic() {
            "Panic"
        } else {
            "Cancelled"
        };
        write!(f, "JoinError::{name}({self})")
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> io::Error {
        io::Error::other(error)
    }
}
