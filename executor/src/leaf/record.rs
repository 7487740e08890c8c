//! What the current task waits for, said where it begins to wait.

use crate::seats::context;
use crate::task::TaskId;
use crate::task::wait::Wait;

/// Writes what the current task waits for. Nothing happens outside a task.
#[inline]
pub fn record(wait: Wait) {
    context::with(|context| {
        if let (Some(task), Some(shared)) = (context.task(), context.shared()) {
            task.wait.write(wait, shared.coarse_shown());
        }
    });
}

/// As [`record`], of a lock that `holder` has: a task's number, or `None` if nobody knows.
#[cold]
pub fn record_lock(wait: Wait, holder: Option<u64>) {
    context::with(|context| {
        if let (Some(task), Some(shared)) = (context.task(), context.shared()) {
            let holders = &shared.registry.holders;
            holders.set(wait.resource, holder.unwrap_or(0));
            task.wait.write(wait, shared.coarse_shown());
        }
    });
}

/// The current task was handed a lock that it has waited for, and others may wait for it. `lock` is the resource that
/// records name.
pub fn record_holder(lock: u64) {
    context::with(|context| {
        if let Some(shared) = context.shared() {
            let task = context.task().map_or(0, |task| task.id.as_u64());
            shared.registry.holders.set(lock, task);
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
