//! When a runtime is over: it was told to end, no task is left, and none can come.
//!
//! Two sides have to agree on who says so. Whoever begins the end closes the registry, sets the flag, fences
//! [ending] and then looks whether a task is left. Whoever has taken a task out
//! looks at the flag and then whether it was the last.
//!
//! # Why the end is never announced too early
//!
//! The flag is set after the registry was closed, so whoever sees it sees a closed registry: from then
//! on tasks only go, and once it was seen empty it stays so. A task that is put in and taken out again
//! by its spawner, who finds the registry closed, is never run.
//!
//! # Why it is always announced
//!
//! A worker does not pay for a fence with every task. It looks at the flag after each, as a hint, and once
//! for certain between its last task and its sleep or its leaving: it fences ([idle-sub], [gone])
//! and looks again. Of the beginner's fence and those that follow each worker's last task, the last one in
//! their one order comes before a look that sees all removals, and the flag.
//! Threads outside fence [gone] after every task.

use crate::primitive::atomic::Ordering::{Acquire, Release, SeqCst};
use crate::primitive::atomic::{AtomicBool, fence};
use crate::registry::tasks::Registry;
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
    /// Orderings: Release publishes the closed registry.
    pub(crate) fn begin(&self, registry: &Registry) -> Vec<TaskRef> {
        let tasks = registry.close();
        self.0.store(true, Release);
        fence(SeqCst); // [ending], pairs with [idle-sub] and [gone]
        tasks
    }

    /// Orderings: Acquire, so that the closed registry is seen closed.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Acquire)
    }

    /// Whether no task is left and none can come. Asked by whoever took a task out.
    #[inline]
    pub(crate) fn is_over(&self, registry: &Registry) -> bool {
        self.has_begun() && registry.is_empty()
    }
}
