//! loom models of this crate's protocols, each with two or three threads and tiny capacities. The types
//! that ship run in them, over loom's atomics, cells and locks (`primitive.rs`).
//!
//! ```text
//! RUSTFLAGS="--cfg filch_loom" LOOM_MAX_PREEMPTIONS=2 cargo test -p filch-executor --release --lib
//! ```
//!
//! A lost wake-up shows as a thread that waits for ever: loom's "deadlock", or, for a thread on its
//! parker's word, "exceeded maximum number of branches". Each model says which line was broken to see it
//! fail. Readiness is modelled in the reactor's crate.

mod backstop;
mod idle;
mod join;
mod parker;
mod poller;
mod shutdown;
mod slot;
mod task;

use crate::locals::Node;
use crate::primitive::atomic::AtomicUsize;
use crate::primitive::atomic::Ordering::Relaxed;
use crate::task::{
    Allocated, Extras, Header, JoinError, NewTask, Runnable, Scheduler, TaskId, TaskRef, allocate,
};
use std::any::Any;
use std::future::Future;
use std::mem::MaybeUninit;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize as Counter, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

/// A runtime for tasks without a runtime: a run queue and a registry that synchronise nothing, so that
/// what the models find ordered is ordered by the task's own word.
#[repr(C)]
struct World {
    scheduler: Scheduler,
    queue: Mutex<Vec<Runnable>>,
    registered: Mutex<Vec<TaskRef>>,
    /// Tasks whose memory was freed.
    freed: Arc<Counter>,
}

impl World {
    fn new() -> Arc<World> {
        Arc::new(World {
            scheduler: Scheduler { schedule, complete, unobserved },
            queue: Mutex::new(Vec::new()),
            registered: Mutex::new(Vec::new()),
            freed: Arc::new(Counter::new(0)),
        })
    }

    /// A task that is scheduled and in the registry, its `Runnable` and its `JoinHandle`'s reference.
    fn spawn<F: Future + Send + 'static>(self: &Arc<World>, future: F) -> (Runnable, TaskRef) {
        let allocated = self.allocate(future);
        self.registered.lock().unwrap().push(allocated.registered);
        (allocated.runnable, allocated.joined)
    }

    fn allocate<F: Future + Send + 'static>(self: &Arc<World>, future: F) -> Allocated {
        let value = Box::new(CountDrop(Arc::clone(&self.freed)));
        let locals = Some(Arc::new(Node::new(0, value, None)));
        let new = NewTask {
            scheduler: NonNull::from(&self.scheduler),
            id: TaskId(1),
            spawned_at: Location::caller(),
            extras: Some(Box::new(Extras { name: None, locals })),
        };
        // SAFETY: the models keep their world until the end.
        unsafe { allocate(future, new) }
    }

    /// Runs a task and whatever this makes runnable. Every thread that wakes a task does so, hence no
    /// task stays scheduled.
    fn run(&self, task: Runnable) {
        let mut next = Some(task);
        while let Some(task) = next {
            next = task.run(|| false).or_else(|| self.queue.lock().unwrap().pop());
        }
    }

    fn run_scheduled(&self) {
        let next = self.queue.lock().unwrap().pop();
        if let Some(task) = next {
            self.run(task);
        }
    }

    fn freed(&self) -> usize {
        self.freed.load(Ordering::Relaxed)
    }
}

unsafe fn schedule(world: NonNull<Scheduler>, task: Runnable) {
    // SAFETY: the scheduler is the first field of a world, whose pointer `allocate` derived it from.
    unsafe { world.cast::<World>().as_ref() }.queue.lock().unwrap().push(task);
}

unsafe fn complete(world: NonNull<Scheduler>, task: &Header) {
    // SAFETY: as in `schedule`.
    let mut registered = unsafe { world.cast::<World>().as_ref() }.registered.lock().unwrap();
    let place = registered.iter().position(|entry| std::ptr::eq(entry.header(), task));
    registered.swap_remove(place.expect("a task completes once")).into_runtime();
}

unsafe fn unobserved(_: NonNull<Scheduler>, _: &Header, panic: Box<dyn Any + Send>) {
    std::panic::resume_unwind(panic);
}

/// The `JoinHandle`'s poll.
fn poll_join<T>(task: &TaskRef, waker: &Waker) -> Option<Result<T, JoinError>> {
    let mut output = MaybeUninit::<Result<T, JoinError>>::uninit();
    // SAFETY: the models poll with the output's type, and no more after it was taken.
    unsafe { task.poll_join(waker, output.as_mut_ptr().cast()).then(|| output.assume_init()) }
}

/// Counts its drop: a future, an output, or what is freed with a task.
struct CountDrop(Arc<Counter>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Wakes a thread of the model.
struct Unpark(loom::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

fn current_thread() -> Waker {
    Waker::from(Arc::new(Unpark(loom::thread::current())))
}

/// A run queue reduced to what the idle protocol knows of it: how long it is. Relaxed, as the deque's
/// own length is; an emptier who sees tasks takes one by a compare-and-swap.
struct Queue(AtomicUsize);

impl Queue {
    fn new() -> Queue {
        Queue(AtomicUsize::new(0))
    }

    fn push(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn is_empty(&self) -> bool {
        self.0.load(Relaxed) == 0
    }

    fn pop(&self) -> bool {
        let mut len = self.0.load(Relaxed);
        while len > 0 {
            match self.0.compare_exchange(len, len - 1, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(now) => len = now,
            }
        }
        false
    }
}
