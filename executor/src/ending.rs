//! When a runtime is over: it was told to end, no task is left, and none can come.
//!
//! Two sides have to agree on who says so. Whoever begins the end closes the registry, sets the flag and
//! then looks whether a task is left. Whoever takes a task's entry out looks at the flag and then
//! whether it was the last.
//!
//! # Why the end is never announced too early
//!
//! The flag is set after every list was closed, so whoever sees it sees closed lists: from then on
//! entries only go, and a list that was seen empty stays so.
//!
//! # Why it is always announced
//!
//! The registry's locks order both sides. Say that the beginner's last look finds an entry in some list:
//! its critical section on that list comes before the one in which the entry is taken out, so whoever
//! does that sees the flag. Of several who take out entries after that look, the last to look at all
//! lists finds them empty: it sees what the others took out before they looked themselves. It also sees
//! the flag, since its lock follows theirs or the beginner's.

use crate::primitive::atomic::AtomicBool;
use crate::primitive::atomic::Ordering::{Acquire, Release};
use crate::registry::Registry;
use crate::task::TaskRef;

/// Whether a runtime has been told to end.
#[derive(Debug)]
pub(crate) struct Ending(AtomicBool);

impl Ending {
    pub(crate) fn new() -> Ending {
        Ending(AtomicBool::new(false))
    }

    /// Closes the registry, for good. What it holds comes back, for its abort; afterwards the caller
    /// asks `is_over`. Twice does no harm.
    ///
    /// Orderings: Release publishes the closed lists.
    pub(crate) fn begin(&self, registry: &Registry) -> Vec<TaskRef> {
        let tasks = registry.close();
        self.0.store(true, Release);
        tasks
    }

    /// Orderings: Acquire, so that closed lists are seen closed.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Acquire)
    }

    /// Whether no task is left and none can come. Asked by whoever took a task's entry out.
    pub(crate) fn is_over(&self, registry: &Registry) -> bool {
        self.has_begun() && registry.is_empty()
    }
}
