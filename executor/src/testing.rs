//! What the unit tests and the models share: tasks without a runtime.

use crate::task::locals::{Node, Value};
use crate::task::remains::Remainder;
use crate::task::{
    Allocated, Extras, Header, JoinError, NewTask, PanicListener, Runnable, Scheduler,
    Surroundings, TaskId, TaskRef, allocate,
};
use std::any::Any;
use std::future::Future;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;

/// A runtime for tasks without a runtime: a run queue and a registry that synchronise nothing, so that
/// what the models find ordered is ordered by the task's own word.
#[repr(C)]
pub(crate) struct World {
    scheduler: Scheduler,
    queue: Mutex<Vec<Runnable>>,
    registered: Mutex<Vec<TaskRef>>,
    /// Tasks whose memory was freed.
    freed: Arc<AtomicUsize>,
}

impl World {
    pub(crate) fn new() -> Arc<World> {
        Arc::new(World {
            scheduler: Scheduler {
                schedule,
                complete,
                listener,
            },
            queue: Mutex::new(Vec::new()),
            registered: Mutex::new(Vec::new()),
            freed: Arc::new(AtomicUsize::new(0)),
        })
    }

    /// A task that is scheduled and in the registry, its `Runnable` and its `JoinHandle`'s reference.
    pub(crate) fn spawn<F: Future + Send + 'static>(
        self: &Arc<World>,
        future: F,
    ) -> (Runnable, TaskRef) {
        let allocated = self.allocate(future);
        self.registered.lock().unwrap().push(allocated.registered);
        (allocated.runnable, allocated.joined)
    }

    pub(crate) fn allocate<F: Future + Send + 'static>(self: &Arc<World>, future: F) -> Allocated {
        self.allocate_with(future, Box::new(CountDrop(Arc::clone(&self.freed))))
    }

    /// The same with a value that goes with the task's memory.
    pub(crate) fn allocate_with<F>(self: &Arc<World>, future: F, value: Value) -> Allocated
    where
        F: Future + Send + 'static,
    {
        let locals = Some(Arc::new(Node::new(0, value, None)));
        let new = NewTask {
            scheduler: NonNull::new(Arc::as_ptr(self).cast_mut().cast()).expect("not null"),
            id: TaskId(1),
            spawned_at: Location::caller(),
            extras: Extras::new(None, locals),
        };
        // SAFETY: the models keep their world until the end.
        unsafe { allocate::<F, Nothing>(&mut ManuallyDrop::new(future), new) }
    }

    /// Runs a task and whatever this makes runnable. Every thread that wakes a task does so, hence no
    /// task stays scheduled.
    pub(crate) fn run(&self, task: Runnable) {
        let mut next = Some(task);
        while let Some(task) = next {
            next = task
                .run(|_| false)
                .or_else(|| self.queue.lock().unwrap().pop());
        }
    }

    /// Runs what a wake has put into the queue.
    #[cfg(filch_loom)]
    pub(crate) fn run_scheduled(&self) {
        let next = self.queue.lock().unwrap().pop();
        if let Some(task) = next {
            self.run(task);
        }
    }

    pub(crate) fn freed(&self) -> usize {
        self.freed.load(Ordering::Relaxed)
    }
}

/// What is around the code of such tasks.
struct Nothing;

impl Surroundings for Nothing {
    unsafe fn within<R>(_: &Header, f: impl FnOnce() -> R) -> R {
        f()
    }

    unsafe fn at_end<R>(_: &Header, f: impl FnOnce() -> R) -> R {
        f()
    }

    unsafe fn apart<R>(_: &Header, f: impl FnOnce() -> R) -> R {
        f()
    }

    fn hand_on(_: Remainder) {}
}

unsafe fn schedule(world: NonNull<Scheduler>, task: Runnable) {
    // SAFETY: the scheduler is the first field of a world, whose pointer `allocate` derived it from.
    unsafe { world.cast::<World>().as_ref() }
        .queue
        .lock()
        .unwrap()
        .push(task);
}

unsafe fn complete(world: NonNull<Scheduler>, task: &Header) {
    // SAFETY: as in `schedule`.
    let mut registered = unsafe { world.cast::<World>().as_ref() }
        .registered
        .lock()
        .unwrap();
    let place = registered
        .iter()
        .position(|entry| std::ptr::eq(entry.header(), task));
    // A task that a test keeps elsewhere was taken out there, which gave its reference to this completion.
    if let Some(place) = place {
        registered.swap_remove(place).into_runtime();
    }
}

unsafe fn listener(world: NonNull<Scheduler>) -> Weak<dyn PanicListener> {
    let world: *const World = world.as_ptr().cast_const().cast();
    // SAFETY: as above; the pointer came from an Arc.
    let world = unsafe {
        Arc::increment_strong_count(world);
        Arc::from_raw(world)
    };
    let weak: Weak<World> = Arc::downgrade(&world);
    weak
}

impl PanicListener for World {
    fn unobserved_panic(&self, _: &Header, _: &(dyn Any + Send)) {
        panic!("a task of the model panicked");
    }
}

/// The `JoinHandle`'s poll.
pub(crate) fn poll_join<T>(task: &TaskRef, waker: &Waker) -> Option<Result<T, JoinError>> {
    let mut output = MaybeUninit::<Result<T, JoinError>>::uninit();
    // SAFETY: the models poll with the output's type, and no more after it was taken.
    unsafe {
        task.poll_join(waker, output.as_mut_ptr().cast())
            .then(|| output.assume_init())
    }
}

/// Counts its drop: a future, an output, or what is freed with a task.
#[derive(Debug)]
pub(crate) struct CountDrop(pub(crate) Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
