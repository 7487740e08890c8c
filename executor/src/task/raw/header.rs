//! The part of an allocation that all tasks have in common, and the two types that point to it.
//!
//! It is tied in a knot with two other files, which stays: a task knows its runtime by functions that take a task
//! (`scheduler.rs`), and a panic that it ends with (`error.rs`) knows the runtime that hears of it. Each of them is
//! said in terms of the others, in whichever files they stand.

use crate::primitive::UnsafeCell;
use crate::signs::habit::Habit;
use crate::task::cancelled::Cancelled;
use crate::task::error::Who;
use crate::task::extras::Carried;
use crate::task::id::TaskId;
use crate::task::remains::Remainder;
use crate::task::scheduler::Scheduler;
use crate::task::state::State;
use crate::task::wait::WaitRecord;
use std::mem::MaybeUninit;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;
use std::task::{Context, Waker};

/// The part of a task that does not depend on its future's type.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) state: State,
    pub(super) vtable: &'static VTable,
    /// The runtime that the task belongs to. Rule 5 says when it may be followed.
    pub(super) scheduler: NonNull<Scheduler>,
    /// Who waits for the output. Rule 4 says whose it is.
    pub(super) join_waker: UnsafeCell<MaybeUninit<Waker>>,
    pub(crate) id: TaskId,
    /// The task's place in the registry: written once before the task is published.
    pub(crate) place: AtomicU32,
    /// What its polls are like.
    pub(crate) habit: Habit,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) wait: WaitRecord,
    pub(crate) extras: Carried,
}

impl Header {
    /// The name that the task was given, if any.
    pub(crate) fn name(&self) -> Option<&str> {
        self.extras.get()?.name.as_deref()
    }

    /// Who was the first to cancel it.
    #[cold]
    pub(super) fn cancelled(&self) -> Option<Cancelled> {
        self.extras.get()?.cancelled.get().cloned()
    }

    /// Who ends without an output.
    #[cold]
    pub(super) fn who(&self) -> Who {
        Who {
            id: self.id,
            name: self.name().map(Box::from),
            spawned_at: self.spawned_at,
        }
    }
}

/// `dealloc` in `cell.rs` drops nothing of a header but its extras.
#[cfg(not(all(test, filch_loom)))]
const _: () = assert!(!std::mem::needs_drop::<(
    State,
    UnsafeCell<MaybeUninit<Waker>>,
    AtomicU32,
    Habit,
    WaitRecord
)>());

/// What the runtime does with a task's future, whatever its type.
pub(super) struct VTable {
    /// Polls the future; on Ready or panic puts the output in its place and returns true.
    pub(super) poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> bool,
    /// Drops the future and puts "cancelled" in its place.
    pub(super) cancel: unsafe fn(NonNull<Header>),
    /// Moves the output to `destination`, a `*mut Result<T, JoinError>`.
    pub(super) take_output: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops the output that nobody takes. An error in its place, or a panic in its destructor, is reported.
    pub(super) drop_output: unsafe fn(NonNull<Header>),
    /// Gives what the future left behind to whoever ends the task.
    pub(super) hand_on: fn(Remainder),
    /// Frees the memory. Future and output are gone.
    pub(super) dealloc: unsafe fn(NonNull<Header>),
}

/// The right and the duty to poll a scheduled task once. Dropping it cancels the task.
#[must_use]
#[derive(Debug)]
pub(crate) struct Runnable(pub(super) NonNull<Header>);

// SAFETY: a Runnable gives access to the future, which `spawn` requires to be Send; tasks that are
// not Send are only ever scheduled to the one thread of their LocalRuntime (rule 6).
unsafe impl Send for Runnable {}

/// A counted reference to a task.
#[derive(Debug)]
pub(crate) struct TaskRef(pub(super) NonNull<Header>);

// SAFETY: through a TaskRef only the header is reachable; its fields are atomics, immutable after
// publication, or guarded by the state word (rule 4). The output is reachable only by the typed
// JoinHandle, which is Send only if the output is.
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

/// Gives up one reference.
///
/// # Safety
/// The caller holds it and does not use it again.
pub(super) unsafe fn release(task: NonNull<Header>) {
    // SAFETY: the caller's reference keeps the header; the last one frees it.
    unsafe {
        if task.as_ref().state.drop_ref() {
            (task.as_ref().vtable.dealloc)(task);
        }
    }
}

/// Hands a task that has just become scheduled to its runtime.
///
/// # Safety
/// The caller's transition returned [`Wake::Enqueue`](crate::task::state::Wake::Enqueue).
pub(super) unsafe fn enqueue(task: NonNull<Header>) {
    // SAFETY: the caller won the Runnable, so the task is not complete: rule 3 keeps the header,
    // rule 5 the scheduler up to the moment the Runnable is given away.
    unsafe {
        let scheduler = task.as_ref().scheduler;
        (scheduler.as_ref().schedule)(scheduler, Runnable(task));
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish()
    }
}
