//! The scheduler of filch: task cell, queues, workers, idle protocol, reactor thread, blocking
//! threads. Users depend on `filch`, which re-exports what is public here.
//!
//! The nouns: a *task* is a spawned future; a *runnable* is a task that is scheduled; a *worker* is a
//! seat that one thread at a time holds and runs tasks on; the *injector* is the queue that all share;
//! the *backstop* is the reactor thread, which steps in for busy workers.
//!
//! The wings are listed in reading order; each imports only those above it, and
//! `.ci/imports` looks whether that is so. What each is for, and what must never be in it, its `mod.rs` says.

mod primitive;

mod patience;
mod sys;

pub mod foreign;

mod signs;
mod task;

mod figures;

mod queues;
mod rest;

mod registry;

mod blocking;
mod seats;

pub mod leaf;
mod worker;

mod rescue;
mod runtime;

#[cfg(test)]
mod testing;

#[cfg(all(test, filch_loom))]
mod model;

#[cfg(feature = "tokio")]
pub mod guest {
    //! The tokio runtime beside a runtime, for crates that know no other: see
    //! [`Builder::tokio`](crate::Builder::tokio).

    pub use crate::runtime::guest::{handle, spawn};
}

pub use figures::metrics::{Metrics, WorkerMetrics};
pub use figures::slow_polls::SlowSite;
pub use leaf::join::{AbortHandle, JoinHandle};
pub use leaf::local_key::{AccessError, LocalKey, Scope};
pub use leaf::timer::Timer;
pub use leaf::unconstrained::{Unconstrained, unconstrained};
pub use rescue::away::blocking;
pub use runtime::builder::Builder;
pub use runtime::clock::{Advance, Hold, advance, hold, pause, resume};
pub use runtime::end::Leftover;
pub use runtime::handle::{EnterGuard, Handle, NoRuntime};
pub use runtime::local::LocalRuntime;
pub use runtime::tasks::{
    ConsumeBudget, TaskBuilder, YieldNow, all, consume_budget, cpu, current, need_preempt, spawn,
    spawn_at, spawn_blocking, spawn_local, yield_now,
};
pub use runtime::threaded::Runtime;
pub use seats::shared::UnhandledPanic;
pub use signs::look::IdleLook;
pub use task::wait::WaitInfo;
pub use task::{
    BranchInfo, Cancelled, CleanupError, JoinError, PollInfo, TaskId, TaskInfo, TaskState,
    is_task_waker,
};
