//! A task: one allocation, one state word, three kinds of holder.
//!
//! - [`Runnable`] exists exactly while the task is scheduled; it is the right to poll it once.
//! - [`TaskRef`] is a counted reference: the registry's, the `JoinHandle`'s, an `AbortHandle`'s.
//! - a `Waker` is a counted reference too, or during a poll a borrowed one.
//!
//! `state.rs` holds the transitions, `raw/` the pointers, `memory/` what they point to. This module knows no queue, worker or
//! thread: it reaches the runtime through the three functions of [`Scheduler`].
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

mod error;
mod info;
pub(crate) mod locals;
pub(crate) mod memory;
mod raw;
mod report;
mod state;
pub(crate) mod wait;

pub use error::JoinError;
pub use info::{TaskInfo, TaskState};
pub(crate) use raw::{Allocated, Header, NewTask, Runnable, TaskRef, allocate};
pub(crate) use report::unobserved_panic;
#[cfg(all(test, filch_loom))]
pub(crate) use state::State;

use crate::task::locals::Node;
use std::any::Any;
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

/// A task's number, unique within its runtime. Not dense: workers take ids in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u64);

impl TaskId {
    /// The number itself.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What only some tasks carry.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(crate) name: Option<Box<str>>,
    pub(crate) locals: Option<Arc<Node>>,
}

/// What a task knows of its runtime: the first field of the runtime's shared part.
pub(crate) struct Scheduler {
    /// Takes over a task that became runnable.
    pub(crate) schedule: unsafe fn(NonNull<Scheduler>, Runnable),
    /// The task's future is gone: the runtime gives up its registry entry, and the reference that
    /// the entry held becomes the caller's.
    pub(crate) complete: unsafe fn(NonNull<Scheduler>, &Header),
    /// Who has to hear of the task's panic if nobody awaits it. Asked while the task is running.
    pub(crate) listener: unsafe fn(NonNull<Scheduler>) -> Weak<dyn PanicListener>,
}

/// A runtime, as far as a panic that nobody observed is concerned. It may be gone by then.
pub(crate) trait PanicListener: Send + Sync {
    /// The task panicked, and its `JoinHandle` was dropped without having been awaited.
    fn unobserved_panic(&self, task: &Header, panic: &(dyn Any + Send));
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").finish_non_exhaustive()
    }
}
