//! From a future to a scheduled task.

use crate::leaf::join::JoinHandle;
use crate::runtime::threads;
use crate::seats::around::Around;
use crate::seats::context::{self, Context};
use crate::seats::shared::Shared;
use crate::signs::habit::Habit;
use crate::task::{Allocated, Extras, NewTask, Runnable, Scheduler, TaskId, allocate};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;

impl Shared {
    /// Spawns a future that may move between threads.
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
        context::with(|context| {
            // SAFETY: the caller's promise.
            let (task, handle) = unsafe { self.new_task(context, future, name, at, |_| {}) };
            match (task, context.core_of(Arc::as_ptr(self))) {
                (None, _) => {}
                (Some(task), Some(core)) => core.schedule_spawned(self, task),
                (Some(task), None) => self.schedule_outside(task),
            }
            handle
        })
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
        // SAFETY: the closure is Send.
        let (task, handle) = context::with(|context| unsafe {
            self.new_task(context, Once(Some(f)), name, at, Habit::declare_apart)
        });
        let Some(task) = task else { return handle };
        // Until a thread has run it.
        self.pause.hold();
        threads::staff_blocking(self, self.blocking.push(task));
        handle
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
        // SAFETY: the closure is Send.
        let (task, handle) = context::with(|context| unsafe {
            self.new_task(context, Once(Some(f)), name, at, Habit::declare_computing)
        });
        if let Some(task) = task {
            self.lanes.push(task, self.coarse_now());
            self.notify_one();
        }
        handle
    }

    /// Allocates and registers a task, whose habit is as `declare` says. Without a `Runnable` the runtime is shutting
    /// down and the task is already cancelled.
    ///
    /// # Safety
    /// As `spawn_unchecked`.
    unsafe fn new_task<F: Future>(
        self: &Arc<Shared>,
        context: &Context,
        future: F,
        name: Option<Box<str>>,
        at: &'static Location<'static>,
        declare: fn(&Habit),
    ) -> (Option<Runnable>, JoinHandle<F::Output>) {
        let core = context.core_of(Arc::as_ptr(self));
        let id = match core {
            Some(core) => core.next_id(&self.ids),
            None => self.ids.fetch_add(1, Relaxed),
        };
        let locals = context.clone_locals();
        let extras = Extras::new(name, locals);
        let scheduler = NonNull::new(Arc::as_ptr(self).cast_mut().cast::<Scheduler>());
        let scheduler = scheduler.expect("an Arc's pointer is not null");
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
        let handle = JoinHandle::new(joined);
        let desk = core.map(|core| &core.desk);
        if self.registry.insert(desk, id, registered) {
            (Some(runnable), handle)
        } else {
            drop(runnable);
            (None, handle)
        }
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
        let _closure = context::enter_closure();
        Poll::Ready(f())
    }
}
