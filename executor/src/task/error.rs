//! Why a task has no output.

use super::cancelled::Cancelled;
use super::id::TaskId;
use super::scheduler::PanicListener;
use crate::foreign::{self, Payload, hint, panic_message};
use std::any::Any;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};
use std::{fmt, io};

/// A task ended without an output: it was cancelled, or it panicked.
///
/// Dropping it drops what the panic has thrown. If that panics in its turn, nobody hears of it: whoever drops an error
/// has not asked for another. [`JoinError::into_panic`] hands it out.
// Boxed, because a task keeps room for it: most never need more than the pointer.
pub struct JoinError(Box<Inner>);

// Nobody can change what it holds.
impl UnwindSafe for JoinError {}
impl RefUnwindSafe for JoinError {}

struct Inner {
    who: Who,
    cause: Cause,
}

/// Which task it was, for people: a copy, as the task itself may be gone.
pub(super) struct Who {
    pub(super) id: TaskId,
    pub(super) name: Option<Box<str>>,
    pub(super) spawned_at: &'static Location<'static>,
}

enum Cause {
    Cancelled(Cancelled),
    Panic {
        payload: Thrown,
        /// The runtime that hears of it if nobody else does.
        listener: Option<Weak<dyn PanicListener>>,
    },
}

/// A panic's payload, until it is taken.
struct Thrown(Option<Payload>);

impl Thrown {
    const KEPT: &str = "a payload is taken out of an error that ends with that";

    fn get(&self) -> &Payload {
        self.0.as_ref().expect(Thrown::KEPT)
    }

    fn take(mut self) -> Payload {
        self.0.take().expect(Thrown::KEPT)
    }
}

impl Drop for Thrown {
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            foreign::dispose(payload);
        }
    }
}

/// A panic's payload, and the runtime that hears of it if nobody else does.
pub(super) type Unheard = (Box<dyn Any + Send>, Option<Weak<dyn PanicListener>>);

// SAFETY: through `&JoinError` a payload is only ever looked at as a `&str` or `String`, which are
// Sync; whatever else it is can only be moved out by value.
unsafe impl Sync for JoinError {}

impl JoinError {
    /// `None`: by its runtime, which ends.
    pub(super) fn of_cancel(who: Who, cancelled: Option<Cancelled>) -> JoinError {
        let cancelled = cancelled.unwrap_or_else(|| {
            let reason = Arc::from("its runtime has shut down");
            Cancelled::new(None, who.spawned_at, Some(reason))
        });
        let cause = Cause::Cancelled(cancelled);
        JoinError(Box::new(Inner { who, cause }))
    }

    /// Of a child whose panic its group has: a copy of what it said.
    pub(super) fn copy_of_panic(who: Who, message: Option<String>) -> JoinError {
        let payload: Payload = match message {
            Some(message) => Box::new(message),
            None => Box::new("(no message)"),
        };
        JoinError::panicked(who, payload, None)
    }

    pub(super) fn panicked(
        who: Who,
        payload: Payload,
        listener: Option<Weak<dyn PanicListener>>,
    ) -> JoinError {
        let payload = Thrown(Some(payload));
        let cause = Cause::Panic { payload, listener };
        JoinError(Box::new(Inner { who, cause }))
    }

    /// If it is a panic: its payload, and who hears of it if nobody else does.
    pub(super) fn into_unheard(self) -> Option<Unheard> {
        match self.0.cause {
            Cause::Panic { payload, listener } => Some((payload.take(), listener)),
            Cause::Cancelled(_) => None,
        }
    }

    /// Whether the task was aborted, or its runtime shut down.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.cause, Cause::Cancelled(_))
    }

    /// Who cancelled the task, where, and why. `None`: it panicked.
    #[must_use]
    pub fn cancelled(&self) -> Option<&Cancelled> {
        match &self.0.cause {
            Cause::Cancelled(cancelled) => Some(cancelled),
            Cause::Panic { .. } => None,
        }
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
            Cause::Panic { payload, .. } => Ok(payload.take()),
            Cause::Cancelled(_) => unreachable!("just asked"),
        }
    }

    /// Which task.
    #[must_use]
    pub fn task_id(&self) -> TaskId {
        self.0.who.id
    }

    /// As [`task_id`](JoinError::task_id): tokio's name.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task_id()
    }

    /// The task's name, if it was given one.
    ///
    /// ```
    /// # mod filch {
    /// #     pub use filch_executor::*;
    /// #     pub mod task {
    /// #         pub use filch_executor::TaskBuilder as Builder;
    /// #     }
    /// # }
    /// # let rt = filch::Runtime::new()?;
    /// # rt.run(async {
    /// let task = filch::task::Builder::new().name("heavy").spawn(async { panic!("too heavy") });
    /// let error = task.await.unwrap_err();
    /// assert_eq!(error.name(), Some("heavy"));
    /// // task 2 'heavy', spawned at src/main.rs:5:55, panicked: too heavy
    /// assert!(error.to_string().ends_with("panicked: too heavy"));
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.who.name.as_deref()
    }

    /// Where the task was spawned.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.0.who.spawned_at
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.id)?;
        if let Some(name) = &self.name {
            write!(f, " '{name}'")?;
        }
        write!(f, ", spawned at {},", self.spawned_at)
    }
}

impl fmt::Display for JoinError {
    /// `task 12 'name', spawned at src/a.rs:1:2, panicked: why`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.who.fmt(f)?;
        match &self.0.cause {
            Cause::Cancelled(cancelled) => write!(f, " was cancelled {cancelled}"),
            Cause::Panic { payload, .. } => match panic_message(&**payload.get()) {
                Some(message) => write!(f, " panicked: {message}{}", hint(message)),
                None => f.write_str(" panicked"),
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
