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

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use filch_executor::{ConsumeBudget, Scope, Unconstrained, YieldNow};
}
