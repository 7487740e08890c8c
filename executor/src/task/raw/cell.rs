//! The half of a task that depends on its future's type: the allocation, and the functions behind the [`VTable`].
//!
//! One allocation holds the [`Header`], then the future and, after completion in the same place, the output. Only
//! [`allocate`] is called by name, once per spawn; the rest of the runtime comes here through the vtable, and has
//! to have the right to the stage by then (rule 2).

use super::header::{Extras, Header, Runnable, TaskRef, VTable};
use crate::primitive::UnsafeCell;
use crate::signs::habit::Habit;
use crate::task::error::JoinError;
use crate::task::id::TaskId;
use crate::task::memory;
use crate::task::scheduler::Scheduler;
use crate::task::state::State;
use crate::task::wait::WaitRecord;
use std::alloc::Layout;
use std::any::Any;
use std::future::Future;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;
use std::task::{Context, Poll};

#[repr(C)]
struct Cell<F, T> {
    header: Header,
    stage: UnsafeCell<Stage<F, T>>,
}

/// The future until COMPLETE, then the output until it is taken.
union Stage<F, T> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Result<T, JoinError>>,
}

/// Everything about a new task but its future.
pub(crate) struct NewTask {
    pub(crate) scheduler: NonNull<Scheduler>,
    pub(crate) id: TaskId,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) extras: Option<Box<Extras>>,
}

/// The three holders of a new task: whoever runs it, the registry, the `JoinHandle`.
pub(crate) struct Allocated {
    pub(crate) runnable: Runnable,
    pub(crate) registered: TaskRef,
    pub(crate) joined: TaskRef,
}

/// Allocates a task in its initial state.
///
/// # Safety
/// `new.scheduler` is valid until the task is complete (rule 5), and if `F` is not Send, it
/// schedules to the calling thread only (rule 6).
pub(crate) unsafe fn allocate<F: Future>(future: F, new: NewTask) -> Allocated {
    let cell = Cell::<F, F::Output> {
        header: Header {
            state: State::new(),
            vtable: &VTable {
                poll: poll::<F>,
                cancel: cancel::<F>,
                take_output: take_output::<F>,
                drop_output: drop_output::<F>,
                dealloc: dealloc::<F>,
            },
            scheduler: new.scheduler,
            join_waker: UnsafeCell::new(MaybeUninit::uninit()),
            id: new.id,
            place: AtomicU32::new(0),
            habit: Habit::new(),
            spawned_at: new.spawned_at,
            wait: WaitRecord::new(),
            extras: new.extras,
        },
        stage: UnsafeCell::new(Stage {
            future: ManuallyDrop::new(future),
        }),
    };
    let memory = memory::allocate(Layout::for_value(&cell)).cast();
    // SAFETY: it is fresh memory for a cell.
    unsafe { memory.write(cell) };
    let task = memory.cast::<Header>();
    // The initial state counts two references and one Runnable: these three.
    Allocated {
        runnable: Runnable(task),
        registered: TaskRef(task),
        joined: TaskRef(task),
    }
}

/// Runs `access` on the stage of a task whose future has type `F`.
///
/// # Safety
/// Rule 1: the task was allocated for `F`. Rule 2: the caller has exclusive access to the stage.
unsafe fn with_stage<F: Future, R>(
    task: NonNull<Header>,
    access: impl FnOnce(&mut Stage<F, F::Output>) -> R,
) -> R {
    // SAFETY: by rule 1 the header is the first field of a `Cell<F, _>`, which is repr(C), and the
    // pointer was made from the whole cell.
    let cell = unsafe { task.cast::<Cell<F, F::Output>>().as_ref() };
    // SAFETY: rule 2.
    cell.stage.with_mut(|stage| access(unsafe { &mut *stage }))
}

/// # Safety
/// As `with_stage`, and the stage holds the future.
unsafe fn poll<F: Future>(task: NonNull<Header>, cx: &mut Context<'_>) -> bool {
    let polled = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promise. The future stays where it is until it is dropped in place,
        // so pinning it is right.
        unsafe {
            with_stage::<F, _>(task, |stage| {
                Pin::new_unchecked(&mut *stage.future).poll(cx)
            })
        }
    }));
    let output = match polled {
        Ok(Poll::Pending) => return false,
        Ok(Poll::Ready(value)) => Ok(value),
        Err(panic) => Err(panic),
    };
    // SAFETY: the caller's promise, unchanged.
    unsafe { replace_future::<F>(task, output) };
    true
}

/// # Safety
/// As `poll`.
unsafe fn cancel<F: Future>(task: NonNull<Header>) {
    // SAFETY: the caller's promise.
    unsafe {
        let dropped = drop_future::<F>(task);
        let error = match dropped {
            Ok(()) => JoinError::cancelled(task.as_ref().id),
            Err(panic) => panicked(task, panic),
        };
        with_stage::<F, _>(task, |stage| stage.output = ManuallyDrop::new(Err(error)));
    }
}

/// Drops the future and puts the output of its last poll in its place. A panic while dropping it
/// becomes the output, unless the poll itself panicked.
///
/// # Safety
/// As `poll`.
unsafe fn replace_future<F: Future>(
    task: NonNull<Header>,
    output: Result<F::Output, Box<dyn Any + Send>>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let dropped = drop_future::<F>(task);
        let output = match (output, dropped) {
            (Err(panic), _) => Err(panic),
            (Ok(value), Ok(())) => Ok(value),
            (Ok(value), Err(panic)) => {
                drop_quietly(value);
                Err(panic)
            }
        };
        let output = output.map_err(|panic| panicked(task, panic));
        with_stage::<F, _>(task, |stage| stage.output = ManuallyDrop::new(output));
    }
}

/// The error for a task that panicked.
///
/// # Safety
/// The caller is RUNNING on the task.
unsafe fn panicked(task: NonNull<Header>, panic: Box<dyn Any + Send>) -> JoinError {
    // SAFETY: the caller's promise; rule 5 for the scheduler.
    let (id, listener) = unsafe {
        let header = task.as_ref();
        let listener = (header.scheduler.as_ref().listener)(header.scheduler);
        (header.id, listener)
    };
    JoinError::panicked(id, panic, Some(listener))
}

/// # Safety
/// As `poll`; afterwards the stage holds nothing.
unsafe fn drop_future<F: Future>(task: NonNull<Header>) -> Result<(), Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller's promise. Even if the drop panics, the future counts as dropped.
        unsafe { with_stage::<F, _>(task, |stage| ManuallyDrop::drop(&mut stage.future)) }
    }))
}

/// # Safety
/// As `with_stage`, the stage holds the output, and `destination` is a `*mut Result<T, JoinError>`
/// valid for writes.
unsafe fn take_output<F: Future>(task: NonNull<Header>, destination: *mut ()) {
    // SAFETY: the caller's promise.
    unsafe {
        let output = with_stage::<F, _>(task, |stage| ManuallyDrop::take(&mut stage.output));
        destination
            .cast::<Result<F::Output, JoinError>>()
            .write(output);
    }
}

/// # Safety
/// As `with_stage`, and the stage holds the output; afterwards it holds nothing.
unsafe fn drop_output<F: Future>(task: NonNull<Header>) -> Option<JoinError> {
    // SAFETY: the caller's promise.
    let output = unsafe { with_stage::<F, _>(task, |stage| ManuallyDrop::take(&mut stage.output)) };
    match output {
        Ok(value) => {
            let panic = drop_quietly(value)?;
            // SAFETY: the caller's promise.
            let id = unsafe { task.as_ref() }.id;
            // By whom the output is dropped is chance, so only the report is due.
            Some(JoinError::panicked(id, panic, None))
        }
        Err(error) => Some(error),
    }
}

/// # Safety
/// Rule 1, and nobody has a reference any more.
unsafe fn dealloc<F: Future>(mut task: NonNull<Header>) {
    // SAFETY: rule 1, and the caller is the last. Nothing else in the header has a destructor, and the stage
    // is a union and drops nothing.
    let extras = unsafe { task.as_mut() }.extras.take();
    // SAFETY: the memory of such a cell came from `allocate`, and nothing is left in it.
    unsafe { memory::free(task.cast(), Layout::new::<Cell<F, F::Output>>()) };
    // The last holder of inherited task-locals drops the user's values, and whoever drops the last
    // waker is in no position to hear of their panics.
    if let Some(extras) = extras {
        drop_quietly(extras);
    }
}

/// Drops a user's value; a panic in its destructor comes back.
fn drop_quietly<T>(value: T) -> Option<Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(|| drop(value))).err()
}
