//! A runtime of one thread, whose tasks need not be Send.
//!
//! It shares everything with the large one but the loop: one seat, no next-task slot, no thieves and
//! no backstop thread, so tasks run in the order in which they were scheduled.

use crate::leaf::join::JoinHandle;
use crate::runtime::block_on::{Body, UNHANDLED};
use crate::runtime::end::Leftover;
use crate::runtime::handle::Handle;
use crate::runtime::threads;
use crate::seats::context::{self, Role};
use crate::seats::core::Core;
use crate::seats::scope;
use crate::seats::shared::Shared;
use crate::sys::{self, Prompt};
use crate::worker::{AbortOnUnwind, Worker};
use filch_timer::{Instant, system_now};
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Tasks that run between two polls of the `block_on` future when that is ready all the time, if so many are.
const TASKS_PER_ROUND: usize = 64;

/// A runtime on the calling thread, for futures that are not Send.
///
/// Tasks run only while the thread is inside [`LocalRuntime::block_on`], in FIFO order.
///
/// Its timers and sockets are served on this thread too, between polls. So whatever blocks the thread for one of them,
/// or for one of its tasks, waits for ever: another library's `block_on` in a task, a channel of std. What has to wait
/// in that way belongs into [`spawn_blocking`](crate::spawn_blocking).
///
/// # The end
///
/// Dropping it ends it, in the same order as a [`Runtime`](crate::Runtime#the-end): it cancels all tasks, and drops their
/// futures on this thread; it runs what was given to [`spawn_blocking`](crate::spawn_blocking) while a thread was free,
/// and waits for that; it joins the threads that were started for it, and closes the poller. After 2 seconds, 10, and
/// then every minute it says on standard error what it is waiting for; if tasks or threads are left, it starts a thread
/// for that. [`LocalRuntime::shutdown_timeout`] bounds the wait for the closures.
///
/// ```
/// # extern crate filch_executor as filch;
/// use std::rc::Rc;
///
/// let rt = filch::LocalRuntime::new()?;
/// let answer = rt.block_on(async {
///     let shared = Rc::new(21);
///     let twice = filch::spawn_local({
///         let shared = Rc::clone(&shared);
///         async move { *shared * 2 }
///     });
///     twice.await.unwrap()
/// });
/// assert_eq!(answer, 42);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct LocalRuntime {
    /// Before what its tasks refer to, should any be left in its queue.
    core: Core,
    /// Nothing is left for the drop to do.
    ended: Cell<bool>,
    shared: Arc<Shared>,
    /// It stays on its thread: its tasks are not Send.
    not_send: PhantomData<*const ()>,
}

impl LocalRuntime {
    pub(crate) fn from_parts(shared: Arc<Shared>, core: Core) -> LocalRuntime {
        LocalRuntime {
            shared,
            core,
            ended: Cell::new(false),
            not_send: PhantomData,
        }
    }

    /// Runs a future, and the runtime's tasks meanwhile, on this thread until the future is ready, and what scopes in
    /// it left behind is gone. Tasks that are left then go on at the next call.
    ///
    /// # Panics
    /// Inside a task or another `block_on`, with the future's own panic, and when the runtime is shut
    /// down by an unhandled panic.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        context::assert_may_block("LocalRuntime::block_on");
        let root = Arc::new(Root {
            ready: AtomicBool::new(true),
            shared: Arc::clone(&self.shared),
        });
        let waker = Waker::from(Arc::clone(&root));
        let mut cx = Context::from_waker(&waker);
        let _prompt = Prompt::start();
        let _entered = scope::enter(&self.shared, Role::Worker, Some(&self.core), None);
        let remote = &self.shared.remotes[self.core.index];
        remote.thread.store(sys::thread_number(), Relaxed);
        let mut worker = Worker::new(&self.shared, &self.core, Some(&root.ready));
        // Dropped before the thread leaves the runtime, also by a panic: its cleanups ask for that.
        let future = pin!(Some(future));
        let mut body = Body::new(future);
        loop {
            if root.ready.swap(false, AcqRel) {
                // A poll like a task's: every so many, timers and I/O are looked after, even when
                // there is no task and this future is ready all the time.
                self.core.tick.set(self.core.tick.get().wrapping_add(1));
                if let Poll::Ready(output) = body.poll(&mut cx) {
                    // Without a backstop thread nobody would do so later.
                    self.shared.remotes.depot.clear();
                    return output;
                }
                worker.beat_if_due();
            }
            if !run_some(&mut worker, &root.ready) {
                let failed = self.shared.callers.has_failed();
                assert!(!failed, "LocalRuntime::block_on will not end: {UNHANDLED}");
                worker.sleep();
            }
        }
    }

    /// Spawns a future that need not be Send.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        // SAFETY: this is the local runtime's thread, as the runtime cannot leave it.
        unsafe {
            self.shared
                .spawn_unchecked(future, None, Location::caller())
        }
    }

    /// A handle on this runtime, for other threads too.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.shared))
    }
}

/// Runs up to a round of tasks; `false`: there was none. `root`: whether the `block_on` future is ready.
///
/// If it is from the start, its turn comes after the tasks that wait before it. If a look at the timers and sockets
/// has woken it, it comes at once.
fn run_some(worker: &mut Worker<'_>, root: &AtomicBool) -> bool {
    let bomb = AbortOnUnwind;
    let was_ready = root.load(Relaxed);
    let most = match was_ready {
        true => worker.waiting().clamp(1, TASKS_PER_ROUND),
        false => TASKS_PER_ROUND,
    };
    let beat = worker.beat();
    let mut done = 0;
    while done < most {
        worker.upkeep_if_due();
        let has_looked = done > 0 && worker.beat() != beat;
        if has_looked && !was_ready && root.load(Relaxed) {
            break;
        }
        let Some(task) = worker.next_task() else {
            break;
        };
        worker.run_task(task);
        done += 1;
    }
    std::mem::forget(bomb);
    done > 0
}

/// The end; see `end.rs` for its order.
impl LocalRuntime {
    /// Ends the runtime as a drop does, and waits at most `timeout` for closures of
    /// [`spawn_blocking`](crate::spawn_blocking) and their threads. What has not ended by then is returned, and left to
    /// itself.
    ///
    /// The futures of its tasks are dropped on this thread in any case, since no other one may drop them: a destructor
    /// that takes longer is waited for. What is left behind can no longer wait for I/O or timers of this runtime.
    ///
    /// ```
    /// # use filch_executor as filch;
    /// use std::time::Duration;
    ///
    /// let rt = filch::LocalRuntime::new()?;
    /// rt.block_on(async {
    ///     filch::spawn_blocking(|| std::thread::sleep(Duration::from_millis(300)));
    /// });
    /// let left = rt.shutdown_timeout(Duration::from_millis(10));
    /// assert_eq!(left.blocking_threads(), 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn shutdown_timeout(self, timeout: Duration) -> Leftover {
        let leftover = self.shut_down(Some(timeout));
        self.ended.set(true);
        leftover
    }

    /// Ends it without waiting for closures, as [`shutdown_timeout`](LocalRuntime::shutdown_timeout) of no time:
    /// tokio's name.
    pub fn shutdown_background(self) {
        drop(self.shutdown_timeout(Duration::ZERO));
    }

    fn shut_down(&self, timeout: Option<Duration>) -> Leftover {
        let shared = &self.shared;
        let deadline = timeout.map(|timeout| system_now().saturating_add(timeout));
        shared.start_helping();
        shared.begin_shutdown();
        // Where no code of others is left to run, nothing can take long.
        let is_at_rest = shared.registry.is_empty() && shared.threads.is_empty();
        let is_watched =
            !is_at_rest && threads::start_undertaker(shared).is_ok_and(|started| started);
        let is_drained = self.drain(deadline);
        shared.stop_helping();
        let has_ended = match () {
            () if !is_drained => false,
            () if is_watched => shared.await_end(deadline),
            () => shared.see_to_the_end(deadline) && shared.await_end(None),
        };
        if has_ended {
            return Leftover::default();
        }
        // Nobody drives them any more.
        shared.close_drivers();
        shared.delay.silence();
        shared.leftover()
    }

    /// Drops the futures of all tasks. `false`: by `deadline`, closures on other threads are left, and nothing else.
    fn drain(&self, deadline: Option<Instant>) -> bool {
        let shared = &self.shared;
        let _entered = scope::enter(shared, Role::Worker, Some(&self.core), None);
        let mut worker = Worker::new(shared, &self.core, None);
        worker.wake_at = deadline;
        // Rule 5 of `task`: nothing may end this before the last task has.
        let bomb = AbortOnUnwind;
        let root = AtomicBool::new(false);
        while !shared.registry.is_empty() {
            if run_some(&mut worker, &root) {
                continue;
            }
            let is_late = deadline.is_some_and(|deadline| system_now() >= deadline);
            if is_late && shared.registry.has_only_closures() {
                break;
            }
            worker.sleep();
        }
        std::mem::forget(bomb);
        shared.registry.is_empty()
    }
}

impl Drop for LocalRuntime {
    fn drop(&mut self) {
        if !self.ended.get() {
            self.shut_down(None);
        }
    }
}

// As for `Handle`.
impl UnwindSafe for LocalRuntime {}
impl RefUnwindSafe for LocalRuntime {}

impl fmt::Debug for LocalRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalRuntime")
            .field("tasks", &self.shared.registry.len())
            .finish()
    }
}

/// The waker of the `block_on` future.
struct Root {
    ready: AtomicBool,
    shared: Arc<Shared>,
}

impl Wake for Root {
    fn wake(self: Arc<Root>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Root>) {
        self.ready.store(true, Release);
        self.shared.unpark(0);
    }
}
