//! The scheduler of filch: task cell, queues, workers, idle protocol, reactor thread, blocking
//! threads. Users depend on `filch`, which re-exports what is public here.
//!
//! The nouns: a *task* is a spawned future; a *runnable* is a task that is scheduled; a *worker* is a
//! seat that one thread at a time holds and runs tasks on; the *injector* is the queue that all share;
//! the *backstop* is the reactor thread, which steps in for busy workers.
//!
//! The modules are listed in reading order; each imports only those above it.

mod primitive;
mod sys;

mod locals;
mod wait;
mod watch;

mod habit;

mod task;

mod credit;
mod crowd;
mod idle;
mod pace;
mod parker;
mod queue;
mod slot;

mod slow_polls;
mod standard_error;

mod metrics;

mod blocking;
mod callers;
mod core;
mod deep;
mod ending;
mod guest;
mod lane;
mod peer;
mod registry;
mod remotes;
mod seats;
mod shared;
mod staff;
mod table;

mod context;
pub mod leaf;

mod away;
mod join;
mod schedule;
mod timer;
mod worker;

mod monitor;

mod backstop;
mod threads;

mod block_on;
mod spawn;

mod handle;
mod local;
mod runtime;

mod builder;

mod local_key;
mod tasks;

#[cfg(test)]
mod testing;

#[cfg(all(test, filch_loom))]
mod model;

pub use away::blocking;
pub use builder::Builder;
pub use handle::{Handle, NoRuntime};
pub use join::{AbortHandle, JoinHandle};
pub use local::LocalRuntime;
pub use local_key::{AccessError, LocalKey, Scope};
pub use metrics::{Metrics, WorkerMetrics};
pub use runtime::{Leftover, Runtime};
pub use shared::UnhandledPanic;
pub use slow_polls::SlowSite;
pub use task::{JoinError, TaskId, TaskInfo, TaskState};
pub use tasks::{
    ConsumeBudget, TaskBuilder, YieldNow, all, consume_budget, cpu, current, need_preempt, spawn,
    spawn_blocking, spawn_local, yield_now,
};
pub use timer::Timer;
pub use wait::WaitInfo;

/// What to do when there is no runtime on this thread.
const NO_RUNTIME: &str = "there is no filch runtime on this thread: call this inside \
    `#[filch::main]`, `filch::run(..)` or `Runtime::block_on(..)`, or go through a `Handle`";

/// The same for timers, which also fail when their runtime is gone.
const NO_TIME: &str = "a timer was polled without a running filch runtime on this thread: poll it \
    inside `#[filch::main]`, `filch::run(..)` or `Runtime::block_on(..)`";
