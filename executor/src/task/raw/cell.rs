//! The half of a task that depends on its future's type: the allocation, and the functions behind the [`VTable`].
//!
//! One allocation holds the [`Header`], then the future and, after completion in the same place, the output. Only
//! [`allocate`] is called by name, once per spawn; the rest of the runtime comes here through the vtable, and has
//! to have the right to the stage by then (rule 2).

use super::header::{Header, Runnable, TaskRef, VTable};
use crate::foreign::{self, Payload, attempt, discard};
use crate::primitive::UnsafeCell;
use crate::signs::habit::Habit;
use crate::task::error::JoinError;
use crate::task::extras::{Carried, Extras};
use crate::task::id::TaskId;
use crate::task::memory;
use crate::task::report::unobserved;
use crate::task::scheduler::{Scheduler, Surroundings};
use crate::task::state::State;
use crate::task::wait::WaitRecord;
use std::alloc::Layout;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit, needs_drop};
use std::panic::Location;
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
    /// Until the future is in it.
    empty: (),
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

/// Allocates a task in its initial state, and moves the future into it.
///
/// The future comes by reference, as it may be large, and by value it would be copied by each function on its way.
///
/// # Safety
/// `future` is not used again.
/// `new.scheduler` is valid until the task is complete (rule 5), and if `F` is not Send, it
/// schedules to the calling thread only (rule 6).
#[inline]
pub(crate) unsafe fn allocate<F, S>(future: &mut ManuallyDrop<F>, new: NewTask) -> Allocated
where
    F: Future,
    S: Surroundings,
{
    let header = Header {
        state: State::new(),
        vtable: &VTable {
            poll: __rust_begin_short_backtrace::<F, S>,
            cancel: cancel::<F, S>,
            take_output: take_output::<F>,
            drop_output: drop_output::<F, S>,
            hand_on: S::hand_on,
            dealloc: dealloc::<F>,
        },
        scheduler: new.scheduler,
        join_waker: UnsafeCell::new(MaybeUninit::uninit()),
        id: new.id,
        place: AtomicU32::new(0),
        habit: Habit::new(),
        spawned_at: new.spawned_at,
        wait: WaitRecord::new(),
        extras: Carried::new(new.extras),
    };
    let memory = memory::allocate(Layout::new::<Cell<F, F::Output>>()).cast::<Cell<F, F::Output>>();
    // SAFETY: it is fresh memory for a cell, and these are its fields.
    unsafe {
        (&raw mut (*memory.as_ptr()).header).write(header);
        let stage = &raw mut (*memory.as_ptr()).stage;
        stage.write(UnsafeCell::new(Stage { empty: () }));
        (*stage).with_mut(|stage| (&raw mut (*stage).future).copy_from_nonoverlapping(future, 1));
    }
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

/// Polls the future. The name is a sign for std, which prints no frame of a backtrace that is this one or below it,
/// unless `RUST_BACKTRACE` is `full`: what follows is the runtime's, and tells nothing about a panic of the future.
///
/// # Safety
/// As `with_stage`, and the stage holds the future.
unsafe fn __rust_begin_short_backtrace<F: Future, S: Surroundings>(
    task: NonNull<Header>,
    cx: &mut Context<'_>,
) -> bool {
    let polled = attempt(|| {
        let unwinding = Unwinding::<F>(task, PhantomData);
        // SAFETY: the caller's promise. The future stays where it is until it is dropped in place,
        // so pinning it is right.
        let polled = unsafe {
            with_stage::<F, _>(task, |stage| {
                Pin::new_unchecked(&mut *stage.future).poll(cx)
            })
        };
        std::mem::forget(unwinding);
        polled
    });
    // SAFETY: the caller's promise, unchanged.
    unsafe {
        let output = match polled {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(value)) => outlive_future::<F, S>(task, value),
            Err(panic) => Err(panic),
        };
        let output = output.map_err(|panic| panicked(task, panic));
        with_stage::<F, _>(task, |stage| stage.output = ManuallyDrop::new(output));
    }
    true
}

/// Dropped by a panic of a poll: then the future is dropped while the panic goes through, as the values in an `async`
/// block are, so that its destructors know of it. A std lock is poisoned by that.
///
/// Invariant: the task was allocated for `F`, and the stage, which holds the future, is its owner's.
struct Unwinding<F: Future>(NonNull<Header>, PhantomData<F>);

impl<F: Future> Drop for Unwinding<F> {
    fn drop(&mut self) {
        // SAFETY: the invariant; nobody looks at the stage before the output is in it.
        if let Err(another) = unsafe { drop_future::<F>(self.0) } {
            foreign::dispose(another);
        }
    }
}

/// Drops the future and puts "cancelled" in its place, or its panic.
///
/// # Safety
/// As `__rust_begin_short_backtrace`.
unsafe fn cancel<F: Future, S: Surroundings>(task: NonNull<Header>) {
    // SAFETY: the caller's promise.
    unsafe {
        let dropped = S::within(task.as_ref(), || drop_future::<F>(task));
        let error = match dropped {
            Ok(()) => {
                let header = task.as_ref();
                JoinError::of_cancel(header.who(), header.cancelled())
            }
            Err(panic) => panicked(task, panic),
        };
        with_stage::<F, _>(task, |stage| stage.output = ManuallyDrop::new(Err(error)));
    }
}

/// Drops the future that gave this value. A panic in that takes the value's place.
///
/// # Safety
/// As `__rust_begin_short_backtrace`, on behalf of the current task.
unsafe fn outlive_future<F: Future, S: Surroundings>(
    task: NonNull<Header>,
    value: F::Output,
) -> Result<F::Output, Payload> {
    if !needs_drop::<F>() {
        return Ok(value);
    }
    // SAFETY: the caller's promise.
    let dropped = unsafe {
        match needs_drop::<F::Output>() {
            true => S::at_end(task.as_ref(), || drop_future::<F>(task)),
            false => drop_future::<F>(task),
        }
    };
    match dropped {
        Ok(()) => Ok(value),
        Err(panic) => {
            discard(value);
            Err(panic)
        }
    }
}

/// The error for a task that panicked.
///
/// # Safety
/// The caller is RUNNING on the task.
unsafe fn panicked(task: NonNull<Header>, panic: Payload) -> JoinError {
    // SAFETY: the caller's promise; rule 5 for the scheduler.
    let (who, listener) = unsafe {
        let header = task.as_ref();
        let listener = (header.scheduler.as_ref().listener)(header.scheduler);
        (header.who(), listener)
    };
    JoinError::panicked(who, panic, Some(listener))
}

/// # Safety
/// As `__rust_begin_short_backtrace`; afterwards the stage holds nothing.
unsafe fn drop_future<F: Future>(task: NonNull<Header>) -> Result<(), Payload> {
    attempt(|| {
        // SAFETY: the caller's promise. Even if the drop panics, the future counts as dropped.
        unsafe { with_stage::<F, _>(task, |stage| ManuallyDrop::drop(&mut stage.future)) }
    })
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
        task.as_ref().extras.drop_left();
    }
}

/// # Safety
/// As `with_stage`, and the stage holds the output; afterwards it holds nothing.
unsafe fn drop_output<F: Future, S: Surroundings>(task: NonNull<Header>) {
    // SAFETY: the caller's promise.
    let output = unsafe { with_stage::<F, _>(task, |stage| ManuallyDrop::take(&mut stage.output)) };
    // SAFETY: the caller's promise.
    let header = unsafe { task.as_ref() };
    if output.is_ok() && !needs_drop::<F::Output>() {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe {
        S::apart(header, || drop_unwanted(header, output));
        header.extras.drop_left();
    }
}

/// Drops an output; a panic, its own or that of its drop, is reported.
fn drop_unwanted<T>(header: &Header, output: Result<T, JoinError>) {
    let error = match output.map(|value| attempt(|| drop(value))) {
        Ok(Ok(())) => return,
        // By whom the output is dropped is chance, so only the report is due.
        Ok(Err(panic)) => JoinError::panicked(header.who(), panic, None),
        Err(error) => error,
    };
    unobserved(error, header);
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
    discard(extras);
}
