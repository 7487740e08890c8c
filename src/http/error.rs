//! What goes wrong with a body.

use std::error::Error;
use std::fmt;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Why a body ends before its end.
#[derive(Debug)]
pub struct BodyError {
    reason: Reason,
    source: Option<BoxError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    TooLarge,
    TimedOut,
    Other,
}

impl BodyError {
    pub(super) fn too_large() -> BodyError {
        BodyError {
            reason: Reason::TooLarge,
            source: None,
        }
    }

    pub(super) fn timed_out() -> BodyError {
        BodyError {
            reason: Reason::TimedOut,
            source: None,
        }
    }

    pub(super) fn other(error: impl Into<BoxError>) -> BodyError {
        BodyError {
            reason: Reason::Other,
            source: Some(error.into()),
        }
    }

    /// One of ours that went through somebody's box stays what it is.
    pub(super) fn from_boxed(error: BoxError) -> BodyError {
        match error.downcast::<BodyError>() {
            Ok(ours) => *ours,
            Err(error) => BodyError::other(error),
        }
    }

    /// It is larger than a limit allows.
    pub fn is_too_large(&self) -> bool {
        self.reason == Reason::TooLarge
    }

    /// Its sender has sent nothing for too long.
    pub fn is_timed_out(&self) -> bool {
        self.reason == Reason::TimedOut
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            Reason::TooLarge => "the body is larger than its limit",
            Reason::TimedOut => "the body's next piece did not come in time",
            Reason::Other => "the body could not be read to its end",
        })
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
