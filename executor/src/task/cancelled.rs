//! Who cancelled something, where, and why.

use super::id::TaskId;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Who cancelled a task, a group or a token, where in the source, and why.
///
/// It comes with [`JoinError::cancelled`](crate::JoinError::cancelled), and dumps show it beside a task that has not
/// ended yet. Of several who cancel one thing the first is kept.
///
/// # Examples
/// ```
/// # extern crate filch_executor as filch;
/// # let rt = filch::Runtime::new()?;
/// # rt.run(async {
/// let task = filch::spawn(std::future::pending::<()>());
/// task.abort_because("the user left");
/// let error = task.await.unwrap_err();
/// let cancelled = error.cancelled().expect("it was cancelled");
/// assert_eq!(cancelled.reason.as_deref(), Some("the user left"));
/// // task 2, spawned at src/main.rs:4:12, was cancelled by task 1 at src/main.rs:5:6: the user left
/// assert!(error.to_string().ends_with("the user left"));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cancelled {
    /// The task that did it. `None`: it was done outside tasks.
    pub by: Option<TaskId>,
    /// Where it was done. If the runtime did it, at its end: where the task was spawned.
    pub at: &'static Location<'static>,
    /// Why, if somebody said so.
    pub reason: Option<Arc<str>>,
}

impl Cancelled {
    pub(crate) fn new(
        by: Option<TaskId>,
        at: &'static Location<'static>,
        reason: Option<Arc<str>>,
    ) -> Cancelled {
        Cancelled { by, at, reason }
    }
}

impl fmt::Display for Cancelled {
    /// `by task 12 at src/a.rs:1:2: why`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(by) = self.by {
            write!(f, "by task {by} ")?;
        }
        write!(f, "at {}", self.at)?;
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}
