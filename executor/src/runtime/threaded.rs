//! A runtime of several threads, from start to shutdown.
//!
//! # Shutdown
//!
//! 1. The registry is closed: whatever is spawned from now on is cancelled at once. Every task that
//!    it holds is aborted, which schedules it; closures that wait for a blocking thread are dropped.
//! 2. Workers go on until the registry is empty: each aborted task's future is dropped by a worker, a
//!    running poll is waited for, and so are blocking calls that have begun.
//! 3. The last task to leave the registry wakes everybody; workers and backstop end and are joined.
//!
//! Until then every worker thread holds a counted handle on the shared part, so what a task's
//! scheduler pointer points to outlives the task (rule 5 of `task`).

use crate::figures::metrics::Metrics;
use crate::leaf::join::JoinHandle;
use crate::runtime::handle::Handle;
use crate::runtime::threads;
use crate::seats::context;
use crate::seats::shared::Shared;
use crate::sys::standard_error::say;
use crate::task::TaskInfo;
use filch_timer::Instant;
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

/// A shutdown that takes longer says what it waits for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A runtime: workers, reactor, timers and blocking threads.
///
/// Dropping it cancels all tasks and joins its threads: it waits until every future is dropped, for
/// as long as a task stays inside one poll. [`Runtime::shutdown_timeout`] waits less. Dropped inside
/// one of its own tasks or blocking closures, it does not wait.
///
/// ```
/// # extern crate filch_executor as filch;
/// let rt = filch::Runtime::new()?;
/// let sum = rt.run(async {
///     let one = filch::spawn(async { 1 });
///     one.await.unwrap() + 1
/// });
/// assert_eq!(sum, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Runtime {
    shared: Arc<Shared>,
}

/// What a shutdown left behind because it would not end in time.
#[derive(Clone, Debug, Default)]
pub struct Leftover {
    tasks: Vec<TaskInfo>,
    blocking_threads: usize,
    threads: usize,
}

impl Leftover {
    /// Whether everything has ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.blocking_threads == 0 && self.threads == 0
    }

    /// The tasks that are still inside a poll or a blocking call.
    #[must_use]
    pub fn tasks(&self) -> &[TaskInfo] {
        &self.tasks
    }

    /// How many threads are still inside a blocking call.
    #[must_use]
    pub fn blocking_threads(&self) -> usize {
        self.blocking_threads
    }

    /// How many of the runtime's own threads are still there: workers inside these tasks, or in the drop of what a task
    /// left behind, and those that wait for them.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} task(s), {} blocking call(s), {} thread(s) of the runtime",
            self.tasks.len(),
            self.blocking_threads,
            self.threads
        )?;
        self.tasks
            .iter()
            .try_for_each(|task| write!(f, "\n  {task}"))
    }
}

impl Runtime {
    pub(crate) fn from_shared(shared: Arc<Shared>) -> Runtime {
        Runtime { shared }
    }

    /// Polls a future on this thread until it is ready; what it spawns runs on the workers.
    ///
    /// The future need not be Send, but it runs beside the workers, and waking it crosses threads:
    /// [`Runtime::run`] is faster.
    ///
    /// # Panics
    /// Inside a task or another `block_on`, where it could deadlock; and with the future's panic.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.shared.block_on(future)
    }

    /// Runs a future as a task; meanwhile the calling thread is one of the workers.
    ///
    /// # Panics
    /// As [`Runtime::block_on`]; also when the runtime is shut down by an unhandled panic.
    #[track_caller]
    pub fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.shared.run(future)
    }

    /// Spawns a future as a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.shared.spawn(future, None, Location::caller())
    }

    /// Runs a closure that may block on a thread kept for such. See [`filch::spawn_blocking`](crate::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.shared.spawn_blocking(f, Location::caller())
    }

    /// A handle on this runtime.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// What the runtime has counted.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics()
    }

    /// Cancels all tasks and waits at most `timeout` until everything has ended. What has not is
    /// returned; its threads are left to themselves.
    pub fn shutdown_timeout(self, timeout: Duration) -> Leftover {
        let leftover = self.shut_down(Some(timeout));
        // The shutdown is over; dropping must not wait again.
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped or used again, so the handle is moved out once.
        drop(unsafe { std::ptr::read(&raw const this.shared) });
        leftover
    }

    fn shut_down(&self, timeout: Option<Duration>) -> Leftover {
        let shared = &self.shared;
        let inside = context::with(|context| context.belongs_to(Arc::as_ptr(shared)));
        let helps = !inside && timeout.is_none();
        if helps {
            // This thread ends the tasks if no other one does.
            shared.seats.stop_hiring();
        }
        shared.begin_shutdown();
        if helps && !shared.registry.is_empty() {
            threads::drain(shared);
        }
        let deadline = timeout.map(|timeout| Instant::now().saturating_add(timeout));
        if inside || !shared.finish(deadline) {
            // Somebody has to see to the end, and this thread is waited for or has no more time.
            let _ = threads::start_undertaker(shared);
        }
        shared.leftover()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.shut_down(None);
    }
}

// As for `Handle`.
impl UnwindSafe for Runtime {}
impl RefUnwindSafe for Runtime {}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("workers", &self.shared.config.workers)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Waits for the end of all tasks and threads, at most until `deadline`, then lets go of the
    /// drivers. `false`: not everything has ended.
    pub(crate) fn finish(&self, deadline: Option<Instant>) -> bool {
        if !self.wait_drained(deadline) {
            return false;
        }
        if !self.threads.join(deadline) {
            return false;
        }
        let rest = || deadline.map(|deadline| deadline.duration_since(Instant::now()));
        let ended =
            self.seats.wait_spares_gone(rest()) == 0 && self.blocking.wait_gone(rest()) == 0;
        if ended {
            self.close_drivers();
        }
        ended
    }

    /// Waits until the registry is empty, at most until `deadline`.
    fn wait_drained(&self, deadline: Option<Instant>) -> bool {
        let is_empty = || self.registry.is_empty();
        let patience = Instant::now().saturating_add(PATIENCE);
        if deadline.is_none_or(|deadline| patience < deadline) {
            if self.bell.wait_until(is_empty, Some(patience)) {
                return true;
            }
            self.report_slow_shutdown();
        }
        self.bell.wait_until(is_empty, deadline)
    }

    fn leftover(&self) -> Leftover {
        Leftover {
            tasks: self.registry.infos(),
            blocking_threads: self.blocking.threads(),
            threads: self.threads.running() + self.seats.spare_threads(),
        }
    }

    fn report_slow_shutdown(&self) {
        let tasks = self.leftover();
        say(format_args!(
            "filch: a runtime that is shutting down still waits for {tasks}"
        ));
    }
}
