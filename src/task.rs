//! Tasks: making them with a name, yielding, and looking at what they do.
//!
//! [`spawn`] and its handle are at the crate's root, as they are used all the time.

pub use crate::dump::dump;
pub use crate::structure::JoinSet;
pub use filch_executor::leaf::WaitKind;
pub use filch_executor::{
    AbortHandle, AccessError, BranchInfo, JoinError, JoinHandle, LocalKey, PollInfo,
    TaskBuilder as Builder, TaskId, TaskInfo, TaskState, WaitInfo, all, consume_budget, current,
    need_preempt, spawn, spawn_blocking, spawn_local, unconstrained, yield_now,
};

/// [`TaskId`], by the name that tokio has for it.
pub type Id = TaskId;

/// The id of the task that the calling code runs in: tokio's name for a part of [`current`].
///
/// # Panics
/// Outside a task; [`try_id`] does not.
///
/// ```
/// # filch::run(async {
/// let task = filch::spawn(async { filch::task::id() });
/// let id = task.id();
/// assert_eq!(task.await.unwrap(), id);
/// # });
/// ```
#[track_caller]
#[must_use]
pub fn id() -> TaskId {
    try_id().expect("filch::task::id() was called outside a task")
}

/// The id of the task that the calling code runs in; `None` outside a task.
#[must_use]
pub fn try_id() -> Option<TaskId> {
    filch_executor::leaf::task_id()
}

/// As [`blocking`](crate::blocking): tokio's name. Here a runtime of one thread does not panic, and others take over
/// what waits behind it.
///
/// ```
/// # filch::run(async {
/// assert_eq!(filch::task::block_in_place(|| 2 + 2), 4);
/// # });
/// ```
pub fn block_in_place<F, T>(f: F) -> T
where
    F: FnOnce() -> T,
{
    filch_executor::blocking(f)
}

pub mod coop {
    //! The budget, where tokio has it.

    pub use filch_executor::{Unconstrained, consume_budget, unconstrained};
}

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use filch_executor::{ConsumeBudget, Scope, Unconstrained, YieldNow};
}
