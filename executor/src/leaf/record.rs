//! What the current task waits for, said where it begins to wait, and taken back where a leaf ends before it was ready.
//!
//! The record of a poll is cleared when the next one begins. Until then it is that of a leaf which may be dropped in
//! the same poll: it lost against another one, in a combinator of whatever crate, or its time was over. So a leaf that
//! is dropped while it waits calls [`take_back`], and the next one that waits is the one that is shown. Who is ready
//! has nothing to take back: it said so in an earlier poll.

use crate::seats::context::{self, Context};
use crate::task::TaskId;
use crate::task::board::NIL;
use crate::task::wait::Wait;
use std::task::Poll;

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

/// A leaf that has said this is dropped, and was not ready. If the current task, or the branch that is being polled,
/// shows it, nothing is shown any more. A `wait` whose resource is 0 is meant whatever its resource is.
///
/// Nothing was recorded in this poll, as a rule, and then it is a look at the task, of eight instructions: `wait` is
/// not even made. It happens only where a wait is given up.
#[inline]
pub fn take_back(wait: impl FnOnce() -> Wait) {
    context::with(|context| match (context.pen(), context.task()) {
        (Some(pen), _) => pen.take_back(wait()),
        (None, Some(task)) if task.wait.is_written() => task.wait.take_back(wait()),
        _ => {}
    });
}

/// What a leaf has said, for one that does not know by itself whether it waits.
#[derive(Debug, Default)]
pub struct Said(Option<Wait>);

impl Said {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Said {
        Said(None)
    }

    /// As [`record`], and takes it back when this is dropped.
    pub fn record(&mut self, wait: Wait) {
        self.0 = Some(wait);
        record(wait);
    }

    /// Remembers what was recorded for a poll that has returned Pending, and forgets it for one that is ready.
    pub fn keep<R>(&mut self, wait: Wait, polled: &Poll<R>) {
        self.0 = polled.is_pending().then_some(wait);
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        if let Some(wait) = self.0 {
            take_back(|| wait);
        }
    }
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
