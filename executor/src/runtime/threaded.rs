//! A runtime of several threads, as its owner has it in hand. How it ends is told in `end.rs`.

use crate::figures::metrics::Metrics;
use crate::leaf::join::JoinHandle;
use crate::runtime::end::Leftover;
use crate::runtime::handle::{EnterGuard, Handle};
use crate::runtime::threads;
use crate::seats::context;
use crate::seats::shared::Shared;
use filch_timer::system_now;
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

/// A runtime: workers, reactor, timers and blocking threads.
///
/// # The end
///
/// Dropping it ends it, and returns when everything has ended:
///
/// 1. Every task is cancelled: its future is dropped, by a worker or by the thread that drops the runtime. What is
///    spawned from now on is cancelled at once. Closures of [`spawn_blocking`](crate::spawn_blocking) are
///    cancelled only if no thread was free for them; the others are run, to their ends.
/// 2. Polls, drops and closures that are being run are waited for, as nothing can interrupt them.
/// 3. Every thread of the runtime is joined: its thread-locals are destroyed then.
/// 4. The poller's descriptors are closed, unless a [`Handle`] or an I/O object outlives the runtime. Such objects fail
///    from now on instead of waiting.
///
/// If that takes long, it says on standard error what it is waiting for, where that was spawned, and what it is inside
/// of: after 2 seconds, after 10, and then every minute. [`Runtime::shutdown_timeout`] waits no longer than it is told.
///
/// Dropped by one of its own threads, as inside one of its tasks or blocking closures, it does not wait: that thread is
/// among those to wait for. Then all of the above is done behind its back.
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
        self.shared.spawn_blocking(f, None, Location::caller())
    }

    /// A handle on this runtime.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }

    /// Enters the runtime on this thread. See [`Handle::enter`].
    pub fn enter(&self) -> EnterGuard<'_> {
        EnterGuard::new(&self.shared)
    }

    /// What the runtime has counted.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics()
    }

    /// Ends the runtime as a drop does, and waits at most `timeout` for that. What has not ended by then is returned,
    /// and left to itself.
    ///
    /// It says on standard error what it is waiting for as a drop does, but nothing any more once it has returned.
    /// One of the runtime's own threads does not wait.
    ///
    /// ```
    /// # use filch_executor as filch;
    /// use std::time::Duration;
    ///
    /// let rt = filch::Runtime::new()?;
    /// rt.spawn_blocking(|| std::thread::sleep(Duration::from_millis(300)));
    /// let left = rt.shutdown_timeout(Duration::from_millis(10));
    /// assert_eq!(left.blocking_threads(), 1);
    /// println!("given up: {left}");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn shutdown_timeout(self, timeout: Duration) -> Leftover {
        let leftover = self.shut_down(Some(timeout));
        // The shutdown is over; dropping must not wait again.
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped or used again, so the handle is moved out once.
        drop(unsafe { std::ptr::read(&raw const this.shared) });
        leftover
    }

    /// Ends it without waiting for anything, as [`shutdown_timeout`](Runtime::shutdown_timeout) of no time: tokio's
    /// name. What runs in closures goes on.
    pub fn shutdown_background(self) {
        drop(self.shutdown_timeout(Duration::ZERO));
    }

    fn shut_down(&self, timeout: Option<Duration>) -> Leftover {
        let shared = &self.shared;
        let deadline = timeout.map(|timeout| system_now().saturating_add(timeout));
        let inside = context::with(|context| context.belongs_to(Arc::as_ptr(shared)));
        if inside || timeout.is_some() {
            shared.begin_shutdown();
        } else {
            self.shut_down_with_help();
        }
        if !inside && shared.await_end(deadline) {
            return Leftover::default();
        }
        if timeout.is_some() {
            shared.delay.silence();
        }
        shared.leftover()
    }

    /// This thread ends the tasks if no other one does.
    fn shut_down_with_help(&self) {
        let shared = &self.shared;
        shared.seats.stop_hiring();
        shared.start_helping();
        shared.begin_shutdown();
        if !shared.registry.is_empty() {
            threads::drain(shared);
        }
        shared.stop_helping();
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
            .field("tasks", &self.shared.registry.len())
            .finish()
    }
}
