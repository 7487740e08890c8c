//! A task: one allocation, one state word, three kinds of holder.
//!
//! - [`Runnable`] exists exactly while the task is scheduled; it is the right to poll it once.
//! - [`TaskRef`] is a counted reference: the registry's, the `JoinHandle`'s, an `AbortHandle`'s.
//! - a `Waker` is a counted reference too, or during a poll a borrowed one.
//!
//! `state.rs` holds the transitions, `raw/` the pointers, `memory/` what they point to. This module knows no queue,
//! worker or thread: it reaches the runtime through the three functions of [`Scheduler`].
//!
//! # Access rules
//!
//! 1. **Type.** A task's vtable and its stage belong to the future type it was allocated for.
//! 2. **Stage.** The stage (future, later output) is accessed by whoever made the task RUNNING,
//!    until COMPLETE; after COMPLETE by the `JoinHandle`, or, when there is none at that moment, by
//!    whoever completed it.
//! 3. **Memory.** A counted reference keeps the memory. From spawn to completion the runtime holds
//!    one, so a `Runnable`, and a thread that is RUNNING the task, need none of their own.
//! 4. **Join waker.** While JOIN_WAKER is unset, the slot is the `JoinHandle`'s alone. While it is
//!    set, both sides may read and none may write. At COMPLETE with the bit set the slot is moved
//!    out by whoever completed the task, and the `JoinHandle` never touches it again.
//! 5. **Scheduler.** A runtime outlives its incomplete tasks: whoever holds a `Runnable`, or is
//!    RUNNING the task, may follow the scheduler pointer. It stops being valid for others the
//!    moment the `Runnable` is given away, so `schedule` secures a counted handle on the runtime
//!    before it publishes the task, unless its thread already works for that runtime.
//! 6. **Threads.** The future is polled and dropped only by its runtime. If it is not Send, its
//!    runtime is a `LocalRuntime`, which does both on its own thread.

mod id;

mod cancelled;
pub(crate) mod locals;
pub(crate) mod wait;

pub(crate) mod board;

mod state;

mod error;

mod cleanup_error;
pub(crate) mod remains;

mod extras;
pub(crate) mod memory;

mod raw;
mod scheduler;

mod info;
mod report;

pub use board::BranchInfo;
pub use cancelled::Cancelled;
pub use cleanup_error::CleanupError;
pub use error::JoinError;
pub(crate) use extras::Extras;
pub use id::TaskId;
pub use info::{PollInfo, TaskInfo, TaskState};
pub use raw::is_task_waker;
pub(crate) use raw::{Allocated, Header, NewTask, Runnable, TaskRef, allocate};
pub use remains::{AtEnd, Remains};
pub(crate) use report::unobserved_panic;
pub use report::{report, unreported};
pub(crate) use scheduler::{PanicListener, Scheduler, Surroundings};
#[cfg(all(test, filch_loom))]
pub(crate) use state::{Complete, Detach, Start, State};
