//! What the current task waits for, said where it begins to wait.

use crate::seats::context;
use crate::task::TaskId;
use crate::task::wait::Wait;

/// Writes what the current task waits for. Nothing happens outside a task.
#[inline]
pub fn record(wait: Wait) {
    context::with(|context| {
        if let (Some(task), Some(shared)) = (context.task(), context.shared()) {
            task.wait.write(wait, shared.coarse_now());
        }
    });
}

/// The number of the task that runs on this thread, without the copy of all else that [`current`](crate::current)
/// makes.
#[inline]
#[must_use]
pub fn task_id() -> Option<TaskId> {
    context::with(|context| context.task().map(|task| task.id))
}
