//! The runtime as a task knows it.
//!
//! This file and `raw/header.rs` know each other, since these functions take tasks and a task points to them.

use super::raw::{Header, Runnable};
use super::remains::Remainder;
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

/// What a task's code finds around it on its thread, where that is not a poll: it is implemented where the thread's
/// context is known, and is part of the vtable, not of [`Scheduler`], as an output may outlive its runtime.
///
/// # Safety (of all that are unsafe)
/// The caller keeps the header, and rule 2 gives it the stage.
pub(crate) trait Surroundings: 'static {
    /// Calls `f` with the task as the current one and with its task-locals, whatever is current on this thread.
    unsafe fn within<R>(task: &Header, f: impl FnOnce() -> R) -> R;

    /// Calls `f`, which drops the future of the current task, that has been ready: bindings around all of it are left
    /// to the output.
    unsafe fn at_end<R>(task: &Header, f: impl FnOnce() -> R) -> R;

    /// As `within`, for the drop of an output: what scopes in it leave behind is not the task's, which may have been
    /// over for long, but goes to whoever drops it.
    unsafe fn apart<R>(task: &Header, f: impl FnOnce() -> R) -> R;

    /// What the future of a task left behind that cannot wait for it itself: it goes to whoever ends the task.
    fn hand_on(remainder: Remainder);
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
