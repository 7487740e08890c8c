//! What became of a cleanup that did not succeed.

use crate::foreign::{self, Payload, panic_message};
use std::error::Error;
use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::time::Duration;

/// A cleanup that failed, panicked, or took longer than its deadline.
///
/// It is in the `GroupError` of the group that waited for it; without a group it was reported on standard error.
#[derive(Debug)]
pub struct CleanupError {
    at: &'static Location<'static>,
    cause: Cause,
}

// Nobody can change what it holds.
impl UnwindSafe for CleanupError {}
impl RefUnwindSafe for CleanupError {}

#[derive(Debug)]
enum Cause {
    Failed(Box<dyn Error + Send + Sync>),
    Panicked(Option<Box<str>>),
    Overran(Duration),
    NeverRan,
}

impl CleanupError {
    /// The cleanup that was made at `at` returned an error.
    #[must_use]
    #[doc(hidden)]
    pub fn failed(
        at: &'static Location<'static>,
        error: Box<dyn Error + Send + Sync>,
    ) -> CleanupError {
        let cause = Cause::Failed(error);
        CleanupError { at, cause }
    }

    /// It panicked, and the hook has told of it.
    #[must_use]
    #[doc(hidden)]
    pub fn panicked(at: &'static Location<'static>, payload: Payload) -> CleanupError {
        let cause = Cause::Panicked(panic_message(&*payload).map(Box::from));
        foreign::dispose(payload);
        CleanupError { at, cause }
    }

    /// It was dropped after so long.
    #[must_use]
    #[doc(hidden)]
    pub fn overran(at: &'static Location<'static>, limit: Duration) -> CleanupError {
        let cause = Cause::Overran(limit);
        CleanupError { at, cause }
    }

    /// There was nobody to run it.
    #[must_use]
    #[doc(hidden)]
    pub fn never_ran(at: &'static Location<'static>) -> CleanupError {
        let cause = Cause::NeverRan;
        CleanupError { at, cause }
    }

    /// Where the cleanup was made.
    #[must_use]
    pub fn at(&self) -> &'static Location<'static> {
        self.at
    }

    /// The error that it returned, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.cause {
            Cause::Failed(error) => Some(&**error),
            _ => None,
        }
    }

    /// Whether it panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.cause, Cause::Panicked(_))
    }

    /// Whether it took longer than its deadline, and was dropped.
    #[must_use]
    pub fn is_overrun(&self) -> bool {
        matches!(self.cause, Cause::Overran(_))
    }
}

impl fmt::Display for CleanupError {
    /// `the cleanup at src/a.rs:1:2 failed: why`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cleanup at {} ", self.at)?;
        match &self.cause {
            Cause::Failed(error) => write!(f, "failed: {error}"),
            Cause::Panicked(Some(message)) => write!(f, "panicked: {message}"),
            Cause::Panicked(None) => f.write_str("panicked"),
            Cause::Overran(limit) => write!(f, "was dropped, as it took longer than {limit:?}"),
            Cause::NeverRan => f.write_str("never ran: there was no runtime to run it"),
        }
    }
}

impl Error for CleanupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Failed(error) => Some(&**error),
            _ => None,
        }
    }
}
