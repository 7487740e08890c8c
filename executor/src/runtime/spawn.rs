//! From a future to a scheduled task.

use crate::leaf::join::JoinHandle;
use crate::runtime::threads;
use crate::seats::around::Around;
use crate::seats::context::{self, Context};
use crate::seats::scope;
use crate::seats::shared::Shared;
use crate::signs::habit::Habit;
use crate::task::{
    Allocated, Extras, NewTask, Runnable, Scheduler, TaskId, TaskRef, allocate, memory,
};
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Poll;

impl Shared {
    /// Spawns a future that may move between threads.
    #[inline]
    pub(crate) fn spawn<F>(
        self: &Arc<Shared>,
        future: F,
        name: Option<Box<str>>,
        at: &'static Location<'static>,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // SAFETY: the future is Send.
        unsafe { self.spawn_unchecked(future, name, at) }
    }

    /// # Safety
    /// If the future or its output is not Send, this runtime is a local one and the caller is on
    /// its thread.
    #[inline]
    pub(crate) unsafe fn spawn_unchecked<F>(
        self: &Arc<Shared>,
        future: F,
        name: Option<Box<str>>,
        at: &'static Location<'static>,
    ) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let mut future = ManuallyDrop::new(future);
        // SAFETY: the caller's promise, and the future goes nowhere else.
        JoinHandle::new(unsafe { self.spawn_from(&mut future, name, at) })
    }

    /// A function of its own, and one that returns a pointer: with all of this inside it, a caller would itself be too
    /// large to go into its callers, and what it returns would be copied by them in other units than it was written in.
    ///
    /// # Safety
    /// As `spawn_unchecked`. `future` is not used again, and the handle is one for its output.
    #[inline(never)]
    pub(crate) unsafe fn spawn_from<F>(
        self: &Arc<Shared>,
        future: &mut ManuallyDrop<F>,
        name: Option<Box<str>>,
        at: &'static Location<'static>,
    ) -> TaskRef
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        // SAFETY: the caller's promise.
        let (task, joined) = unsafe { self.new_task(future, name, at, |_| {}) };
        if let Some(task) = task {
            self.schedule_new(task);
        }
        joined
    }

    /// For a task that was just spawned.
    #[inline]
    fn schedule_new(self: &Arc<Shared>, task: Runnable) {
        context::with(|context| match context.core_of(Arc::as_ptr(self)) {
            Some(core) => core.schedule_spawned(self, task),
            None => self.schedule_outside(task),
        });
    }

    /// Runs a closure that may block on a thread of its own.
    pub(crate) fn spawn_blocking<F, T>(
        self: &Arc<Shared>,
        f: F,
        name: Option<Box<str>>,
        at: &'static Location<'static>,
    ) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let mut closure = ManuallyDrop::new(Once(Some(f)));
        // SAFETY: the closure is Send, and goes nowhere else.
        let (task, joined) = unsafe { self.new_task(&mut closure, name, at, Habit::declare_apart) };
        if let Some(task) = task {
            // Until a thread has run it.
            self.pause.hold();
            threads::staff_blocking(self, self.blocking.push(task));
        }
        JoinHandle::new(joined)
    }

    /// Runs a closure that computes on a worker, as a task of the slow lane.
    pub(crate) fn cpu<F, T>(
        self: &Arc<Shared>,
        f: F,
        name: Option<Box<str>>,
        at: &'static Location<'static>,
    ) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if self.config.local {
            return self.spawn(Once(Some(f)), name, at);
        }
        let mut closure = ManuallyDrop::new(Once(Some(f)));
        // SAFETY: the closure is Send, and goes nowhere else.
        let (task, joined) =
            unsafe { self.new_task(&mut closure, name, at, Habit::declare_computing) };
        if let Some(task) = task {
            self.lanes.push(task, self.coarse_now());
            self.notify_one();
        }
        JoinHandle::new(joined)
    }

    /// Allocates and registers a task, whose habit is as `declare` says. Without a `Runnable` the runtime is shutting
    /// down and the task is already cancelled.
    ///
    /// # Safety
    /// As `spawn_from`.
    #[inline]
    unsafe fn new_task<F: Future>(
        self: &Arc<Shared>,
        future: &mut ManuallyDrop<F>,
        name: Option<Box<str>>,
        at: &'static Location<'static>,
        declare: impl FnOnce(&Habit),
    ) -> (Option<Runnable>, TaskRef) {
        let extras = Extras::new(name, context::with(Context::clone_locals));
        let scheduler = NonNull::new(Arc::as_ptr(self).cast_mut().cast::<Scheduler>());
        let scheduler = scheduler.expect("an Arc's pointer is not null");
        let (runnable, joined, is_in) = context::with(|context| {
            let (shared_kit, _lent);
            let kit = match context.kit_of(Arc::as_ptr(self)) {
                Some(kit) => kit,
                None => {
                    shared_kit = self.outside.lock(&context.outside_kit);
                    _lent = memory::lend(Some(&shared_kit.memory));
                    &*shared_kit
                }
            };
            let id = kit.next_id(&self.ids);
            let new = NewTask {
                scheduler,
                id: TaskId(id),
                spawned_at: at,
                extras,
            };
            // SAFETY: a runtime outlives its incomplete tasks (rule 5 of `task`): worker threads and
            // LocalRuntime end only when the registry is empty. Rule 6 is the caller's promise.
            let Allocated {
                runnable,
                registered,
                joined,
            } = unsafe { allocate::<F, Around>(future, new) };
            // Before others see it.
            declare(&runnable.header().habit);
            let is_in = self.registry.insert(Some(&kit.desk), id, registered);
            (runnable, joined, is_in)
        });
        if is_in {
            return (Some(runnable), joined);
        }
        // The runtime takes no more. Not under the lock, as the future goes too.
        drop(runnable);
        (None, joined)
    }
}

/// A closure as a future that is ready at its first poll. It is only ever polled once.
struct Once<F>(Option<F>);

// The closure is moved out to be called; nothing of it is pinned.
impl<F> Unpin for Once<F> {}

impl<F: FnOnce() -> T, T> Future for Once<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut std::task::Context<'_>) -> Poll<T> {
        let f = self.0.take().expect("a closure runs once");
        let _closure = scope::enter_closure();
        Poll::Ready(f())
    }
}
