//! What the current task waits for, said where it begins to wait.

use crate::seats::context::{self, Context};
use crate::task::TaskId;
use crate::task::board::NIL;
use crate::task::wait::Wait;

/// Writes what the current task waits for. Nothing happens outside a task.
#[inline]
pub fn record(wait: Wait) {
    context::with(|context| record_in(context, wait));
}

/// The same for whoever has the thread's context at hand.
#[inline]
pub(crate) fn record_in(context: &Context, wait: Wait) {
    if let (Some(task), Some(shared)) = (context.task(), context.shared()) {
        match context.pen() {
            None => task.wait.write(wait, shared.coarse_shown()),
            Some(pen) => pen.note(wait),
        }
    }
}

/// As [`record`], of a lock that a task holds: `holder` gives its number, or 0 if nobody knows.
#[inline]
pub fn record_lock(wait: Wait, holder: impl Fn() -> u64) {
    context::with(|context| {
        if let (Some(task), Some(shared)) = (context.task(), context.shared()) {
            let entry = shared.registry.holders.entry(wait.resource);
            let before = holder();
            entry.set(before);
            // It may have been handed on meanwhile, and its new holder have said so before this.
            let now = holder();
            if now != before {
                entry.set(now);
            }
            match context.pen() {
                None => task.wait.write(wait, shared.coarse_shown()),
                Some(pen) => pen.note(wait),
            }
        }
    });
}

/// What the current task waits for, as its leaves have said in this poll; within a branch, what that branch waits for.
#[must_use]
pub fn last_wait() -> Option<Wait> {
    context::with(|context| {
        let task = context.task()?;
        let board = task.extras.board();
        let now = context.shared()?.coarse_shown();
        let Some(pen) = context.pen() else {
            let info = task.wait.read(now).or_else(|| board?.read(now).0);
            return info.map(Wait::from);
        };
        let inner = Some(pen.inner.get()).filter(|inner| *inner != NIL);
        let of_inner = || board?.slot(inner?).wait(now);
        pen.wait.get().or_else(|| of_inner().map(Wait::from))
    })
}

/// The current task was handed a lock that it has waited for, and others may wait for it: `hold` is given its number,
/// or 0, before dumps see it. `lock` is the resource that records name.
#[inline]
pub fn record_holder(lock: u64, hold: impl FnOnce(u64)) {
    context::with(|context| {
        let task = context.task().map_or(0, |task| task.id.as_u64());
        hold(task);
        if let Some(shared) = context.shared() {
            shared.registry.holders.entry(lock).set(task);
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
