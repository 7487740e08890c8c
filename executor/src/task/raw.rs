//! The task's allocation, and all pointer work on it.
//!
//! One allocation holds the [`Header`], then the future and, after completion in the same place,
//! the output. The rules that the SAFETY comments cite are numbered in `mod.rs`.

use super::error::JoinError;
use super::state::{Complete, Detach, Park, Start, State, Wake};
use super::{Extras, Scheduler, TaskId, memory};
use crate::habit::Habit;
use crate::primitive::UnsafeCell;
use crate::wait::WaitRecord;
use std::alloc::Layout;
use std::any::Any;
use std::future::Future;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// The part of a task that does not depend on its future's type.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) state: State,
    vtable: &'static VTable,
    /// The runtime that the task belongs to. Rule 5 says when it may be followed.
    scheduler: NonNull<Scheduler>,
    /// Who waits for the output. Rule 4 says whose it is.
    join_waker: UnsafeCell<MaybeUninit<Waker>>,
    pub(crate) id: TaskId,
    /// The task's place in the registry: written once before the task is published.
    pub(crate) place: AtomicU32,
    /// What its polls are like.
    pub(crate) habit: Habit,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) wait: WaitRecord,
    pub(crate) extras: Option<Box<Extras>>,
}

/// What the runtime does with a task's future, whatever its type.
struct VTable {
    /// Polls the future; on Ready or panic puts the output in its place and returns true.
    poll: unsafe fn(NonNull<Header>, &mut Context<'_>) -> bool,
    /// Drops the future and puts "cancelled" in its place.
    cancel: unsafe fn(NonNull<Header>),
    /// Moves the output to `destination`, a `*mut Result<T, JoinError>`.
    take_output: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops the output; an error in its place, or a panic in its destructor, comes back.
    drop_output: unsafe fn(NonNull<Header>) -> Option<JoinError>,
    /// Frees the memory. Future and output are gone.
    dealloc: unsafe fn(NonNull<Header>),
}

#[repr(C)]
struct Cell<F, T> {
    header: Header,
    stage: UnsafeCell<Stage<F, T>>,
}

/// `dealloc` drops nothing of a header but its extras.
#[cfg(not(all(test, filch_loom)))]
const _: () = assert!(!std::mem::needs_drop::<(
    State,
    UnsafeCell<MaybeUninit<Waker>>,
    AtomicU32,
    Habit,
    WaitRecord
)>());

/// The future until COMPLETE, then the output until it is taken.
union Stage<F, T> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Result<T, JoinError>>,
}

/// The right and the duty to poll a scheduled task once. Dropping it cancels the task.
#[must_use]
#[derive(Debug)]
pub(crate) struct Runnable(NonNull<Header>);

// SAFETY: a Runnable gives access to the future, which `spawn` requires to be Send; tasks that are
// not Send are only ever scheduled to the one thread of their LocalRuntime (rule 6).
unsafe impl Send for Runnable {}

/// A counted reference to a task.
#[derive(Debug)]
pub(crate) struct TaskRef(NonNull<Header>);

// SAFETY: through a TaskRef only the header is reachable; its fields are atomics, immutable after
// publication, or guarded by the state word (rule 4). The output is reachable only by the typed
// JoinHandle, which is Send only if the output is.
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

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

impl Runnable {
    /// Polls the task once, or cancels it if it was aborted. `Some`: it has to run again, and the
    /// caller enqueues it.
    ///
    /// `polled` is called once after a poll, before anybody else can have the task; after a poll that
    /// returned Pending it says whether the task goes to the tail of the queue by itself.
    pub(crate) fn run(self, polled: impl FnOnce(&Header) -> bool) -> Option<Runnable> {
        let task = ManuallyDrop::new(self).0;
        // SAFETY: rule 3: while a Runnable exists, or the task is RUNNING, the runtime's reference
        // keeps the memory. `start` gives the exclusive access of rule 2 that poll and cancel need.
        unsafe {
            let header = task.as_ref();
            if header.state.start() == Start::Cancel {
                (header.vtable.cancel)(task);
                complete(task);
                return None;
            }
            header.wait.clear();
            let waker = ManuallyDrop::new(borrowed_waker(task));
            if (header.vtable.poll)(task, &mut Context::from_waker(&waker)) {
                polled(header);
                complete(task);
                return None;
            }
            if polled(header) {
                header.state.requeue();
                return Some(Runnable(task));
            }
            match header.state.park() {
                Park::Idle => None,
                Park::Requeue => Some(Runnable(task)),
            }
        }
    }

    /// The header, for as long as the task is not being run.
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: rule 3.
        unsafe { self.0.as_ref() }
    }

    /// As a raw pointer, for the next-task slot; `from_raw` takes it back.
    pub(crate) fn into_raw(self) -> *mut Header {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// # Safety
    /// `raw` came from `into_raw` and is used once.
    pub(crate) unsafe fn from_raw(raw: NonNull<Header>) -> Runnable {
        Runnable(raw)
    }
}

impl Drop for Runnable {
    /// A Runnable that nobody will run, as when a queue is dropped: its task is cancelled.
    fn drop(&mut self) {
        // SAFETY: rule 3 for the header. `abort` on a scheduled task only sets the flag; running
        // it then cancels it.
        unsafe {
            let _ = self.0.as_ref().state.abort();
            let again = Runnable(self.0).run(|_| false);
            debug_assert!(again.is_none());
        }
    }
}

/// The future is gone and the output is in place: tell the runtime, then the joiner.
///
/// # Safety
/// The caller is RUNNING on `task` and gives that up.
unsafe fn complete(task: NonNull<Header>) {
    // SAFETY: rule 3 until `State::complete`; after it, only where the action says that a reference
    // is left to us. Rule 5 for the scheduler: this thread runs on behalf of the runtime.
    unsafe {
        let header = task.as_ref();
        let scheduler = header.scheduler;
        (scheduler.as_ref().complete)(scheduler, header);
        // Nobody sees the end of a task before its unwanted output, or panic, is dealt with.
        let wanted = header.state.is_joined();
        if !wanted {
            drop_unwanted_output(task);
            if header.state.is_last() {
                (header.vtable.dealloc)(task);
                return;
            }
        }
        match header.state.complete() {
            Complete::Done => return,
            Complete::WakeJoiner => {
                // Rule 4: the slot is ours now. Wakers are user code and may panic.
                let waker = header.join_waker.with(|slot| (*slot).assume_init_read());
                let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            }
            // The handle went away in this moment.
            Complete::DropOutput if wanted => drop_unwanted_output(task),
            Complete::DropOutput => {}
        }
        release(task);
    }
}

/// # Safety
/// The caller has the output and runs on behalf of the runtime.
unsafe fn drop_unwanted_output(task: NonNull<Header>) {
    // SAFETY: the caller's promise; rule 5 for the scheduler.
    unsafe {
        let header = task.as_ref();
        if let Some(error) = (header.vtable.drop_output)(task) {
            error.unobserved(header);
        }
    }
}

/// Gives up one reference.
///
/// # Safety
/// The caller holds it and does not use it again.
unsafe fn release(task: NonNull<Header>) {
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
/// The caller's transition returned [`Wake::Enqueue`].
unsafe fn enqueue(task: NonNull<Header>) {
    // SAFETY: the caller won the Runnable, so the task is not complete: rule 3 keeps the header,
    // rule 5 the scheduler up to the moment the Runnable is given away.
    unsafe {
        let scheduler = task.as_ref().scheduler;
        (scheduler.as_ref().schedule)(scheduler, Runnable(task));
    }
}

/// The one vtable of all tasks' wakers, so that `will_wake` can compare.
static WAKER: RawWakerVTable =
    RawWakerVTable::new(waker_clone, waker_wake, waker_wake_by_ref, waker_drop);

/// A waker that holds no reference: for use during a poll, inside `ManuallyDrop`.
fn borrowed_waker(task: NonNull<Header>) -> Waker {
    // SAFETY: the vtable's functions keep RawWaker's contract; a clone takes its own reference.
    unsafe { Waker::from_raw(RawWaker::new(task.as_ptr().cast_const().cast(), &WAKER)) }
}

fn waker_task(data: *const ()) -> NonNull<Header> {
    // SAFETY: every waker is made from a non-null task pointer.
    unsafe { NonNull::new_unchecked(data.cast_mut().cast()) }
}

unsafe fn waker_clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned keeps the header.
    unsafe { waker_task(data).as_ref() }.state.add_ref();
    RawWaker::new(data, &WAKER)
}

unsafe fn waker_wake(data: *const ()) {
    let task = waker_task(data);
    // SAFETY: the waker's reference keeps the header; the action says what it turned into.
    unsafe {
        match task.as_ref().state.wake_by_value() {
            Wake::Nothing => {}
            Wake::Enqueue => enqueue(task),
            Wake::Dealloc => (task.as_ref().vtable.dealloc)(task),
        }
    }
}

unsafe fn waker_wake_by_ref(data: *const ()) {
    let task = waker_task(data);
    // SAFETY: the waker's reference keeps the header.
    unsafe {
        if task.as_ref().state.wake_by_ref() == Wake::Enqueue {
            enqueue(task);
        }
    }
}

unsafe fn waker_drop(data: *const ()) {
    // SAFETY: the waker's reference ends here.
    unsafe { release(waker_task(data)) }
}

impl TaskRef {
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the reference keeps the header.
        unsafe { self.0.as_ref() }
    }

    /// Asks for cancellation at the task's next scheduling.
    pub(crate) fn abort(&self) {
        if self.header().state.abort() == Wake::Enqueue {
            // SAFETY: the transition said so.
            unsafe { enqueue(self.0) };
        }
    }

    /// As a raw pointer, for the registry's table; `from_raw` takes it back.
    pub(crate) fn into_raw(self) -> *mut Header {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// # Safety
    /// `raw` came from `into_raw`, and the reference that this makes is used up once.
    pub(crate) unsafe fn from_raw(raw: NonNull<Header>) -> TaskRef {
        TaskRef(raw)
    }

    /// Gives this reference to the code that completes the task, which counts on one.
    pub(crate) fn into_runtime(self) {
        let _ = ManuallyDrop::new(self);
    }

    /// The `JoinHandle`'s poll: stores the waker, or moves the output to `destination`.
    ///
    /// # Safety
    /// The caller is the task's one `JoinHandle`, has not taken the output before, and
    /// `destination` is a `*mut Result<T, JoinError>` of the task's output type, valid for writes.
    pub(crate) unsafe fn poll_join(&self, waker: &Waker, destination: *mut ()) -> bool {
        let header = self.header();
        if !header.state.load().is_complete() && self.store_join_waker(waker) {
            return false;
        }
        // SAFETY: the task is complete and the output is the JoinHandle's.
        unsafe { (header.vtable.take_output)(self.0, destination) };
        true
    }

    /// `false`: the task completed first.
    fn store_join_waker(&self, waker: &Waker) -> bool {
        let header = self.header();
        if header.state.load().has_join_waker() {
            let same = header.join_waker.with(|slot| {
                // SAFETY: rule 4: while JOIN_WAKER is set both sides may read the slot. If the task
                // completes meanwhile, its side moves the waker out without writing, and
                // `will_wake` compares two addresses that stay valid.
                unsafe { (*slot).assume_init_ref().will_wake(waker) }
            });
            if same {
                return !header.state.load().is_complete();
            }
            if !header.state.unset_join_waker() {
                return false;
            }
            header.join_waker.with_mut(|slot| {
                // SAFETY: rule 4: with the bit unset, before COMPLETE, the slot is ours and full.
                unsafe { (*slot).assume_init_drop() }
            });
        }
        // SAFETY: rule 4: the bit is unset, so the slot is ours and empty.
        header.join_waker.with_mut(|slot| unsafe {
            (*slot).write(waker.clone());
        });
        if header.state.set_join_waker() {
            return true;
        }
        header.join_waker.with_mut(|slot| {
            // SAFETY: the bit stayed unset, so the slot is still ours and full.
            unsafe { (*slot).assume_init_drop() }
        });
        false
    }

    /// The `JoinHandle` goes away; `taken`: it has had the output.
    pub(crate) fn detach(self, taken: bool) {
        if taken {
            return;
        }
        let task = ManuallyDrop::new(self).0;
        // SAFETY: the handle's reference keeps the header until the action says it is given up.
        unsafe {
            let header = task.as_ref();
            match header.state.detach() {
                Detach::Done => return,
                Detach::DropWaker => {
                    // Rule 4: the bit was unset before COMPLETE, so the slot is ours and full.
                    header
                        .join_waker
                        .with_mut(|slot| (*slot).assume_init_drop());
                }
                Detach::DropOutput => {
                    if let Some(error) = (header.vtable.drop_output)(task) {
                        error.unobserved(header);
                    }
                }
            }
            release(task);
        }
    }
}

impl Clone for TaskRef {
    fn clone(&self) -> TaskRef {
        self.header().state.add_ref();
        TaskRef(self.0)
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        // SAFETY: this reference ends here.
        unsafe { release(self.0) }
    }
}

impl Header {
    /// Whether a waker is this task's own, so that waking it would schedule this very task.
    pub(crate) fn is_waker(&self, waker: &Waker) -> bool {
        std::ptr::eq(waker.data(), std::ptr::from_ref(self).cast())
            && std::ptr::eq(waker.vtable(), &WAKER)
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
