//! Tasks: making them with a name, yielding, and looking at what they do.
//!
//! [`spawn`] and its handle are at the crate's root, as they are used all the time.

pub use crate::dump::dump;
pub use filch_executor::leaf::WaitKind;
pub use filch_executor::{
    AbortHandle, AccessError, ConsumeBudget, JoinError, JoinHandle, LocalKey, Scope,
    TaskBuilder as Builder, TaskId, TaskInfo, TaskState, WaitInfo, YieldNow, all, consume_budget,
    current, need_preempt, spawn, spawn_blocking, spawn_local, yield_now,
};
