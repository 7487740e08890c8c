//! The runtime as a task knows it.
//!
//! This file and `raw/header.rs` know each other, since these functions take tasks and a task points to them.

use super::raw::{Header, Runnable};
use std::any::Any;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Weak;

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
