//! A handle on a runtime: to spawn into it and look at it, from any thread.

use crate::figures::metrics::{Metrics, WorkerMetrics};
use crate::leaf::join::JoinHandle;
use crate::seats::context;
use crate::seats::remotes::Remote;
use crate::seats::shared::Shared;
use crate::seats::visit::Visit;
use crate::signs::watch::{Known, Stuck};
use crate::sys;
use crate::task::{PollInfo, TaskId, TaskInfo};
use filch_reactor::Reactor;
use filch_timer::{Clock, Instant, system_now};
use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// What to do when there is no runtime on this thread.
const NO_RUNTIME: &str = "there is no filch runtime on this thread: call this inside \
    `#[filch::main]`, `filch::run(..)` or `Runtime::block_on(..)`, or go through a `Handle`";

/// There is no runtime on this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NoRuntime(pub(crate) ());

impl fmt::Debug for NoRuntime {
    /// As Display: it is what `unwrap` shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NO_RUNTIME)
    }
}

impl std::error::Error for NoRuntime {}

impl From<NoRuntime> for io::Error {
    fn from(error: NoRuntime) -> io::Error {
        io::Error::other(error)
    }
}

/// A handle on a runtime. Cloning it is cheap; it does not keep the runtime running.
///
/// After the runtime has shut down, whatever is spawned through it is cancelled at once.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Handle {
        Handle { shared }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The runtime that the calling code runs in.
    ///
    /// # Panics
    /// Outside a runtime; [`Handle::try_current`] does not.
    #[must_use]
    #[track_caller]
    pub fn current() -> Handle {
        match Handle::try_current() {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        }
    }

    /// The runtime that the calling code runs in.
    ///
    /// # Errors
    /// Outside a runtime.
    pub fn try_current() -> Result<Handle, NoRuntime> {
        context::current().map(Handle::new).ok_or(NoRuntime(()))
    }

    /// Spawns a future as a task of this runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.shared.spawn(future, None, Location::caller())
    }

    #[track_caller]
    pub(crate) fn spawn_named<F>(&self, future: F, name: Option<Box<str>>) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.shared.spawn(future, name, Location::caller())
    }

    /// Runs a closure that may block on a thread kept for such. See [`filch::spawn_blocking`](crate::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_blocking_named(f, None)
    }

    /// Runs a closure that computes for long on the workers. See [`filch::cpu`](crate::cpu).
    #[track_caller]
    pub fn cpu<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.cpu_named(f, None)
    }

    #[track_caller]
    pub(crate) fn spawn_blocking_named<F, T>(&self, f: F, name: Option<Box<str>>) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.shared.spawn_blocking(f, name, Location::caller())
    }

    #[track_caller]
    pub(crate) fn cpu_named<F, T>(&self, f: F, name: Option<Box<str>>) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.shared.cpu(f, name, Location::caller())
    }

    /// Polls a future on this thread until it is ready; what it spawns runs on the runtime.
    ///
    /// On a handle of a [`LocalRuntime`](crate::LocalRuntime), its tasks run only while its own
    /// thread is in `block_on`.
    ///
    /// # Panics
    /// Inside a task or another `block_on`, where it could deadlock; and with the future's panic.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.shared.block_on(future)
    }

    /// Enters the runtime, on any thread: until the guard is dropped, what runs on this thread finds it. So it may call
    /// [`filch::spawn`](crate::spawn), and make timers and sockets, where it is no task and in no `block_on`.
    ///
    /// The thread does not run tasks by that, and the runtime does not wait for it: its end cancels what was spawned.
    /// On a handle of a [`LocalRuntime`](crate::LocalRuntime), tasks and timers come to their turn only while its own
    /// thread is in `block_on`.
    ///
    /// The guard belongs to its thread, and a future that keeps it across an `.await` cannot be spawned.
    ///
    /// # Panics
    /// The drop of the guard, if guards are dropped in another order than the reverse of entering.
    ///
    /// ```
    /// # extern crate filch_executor as filch;
    /// let rt = filch::Runtime::new()?;
    /// let handle = rt.handle();
    /// let answer = std::thread::spawn(move || {
    ///     let _guard = handle.enter();
    ///     filch::spawn(async { 42 }).join_blocking(None)
    /// });
    /// assert_eq!(answer.join().unwrap().unwrap().unwrap(), 42);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn enter(&self) -> EnterGuard<'_> {
        EnterGuard::new(&self.shared)
    }

    /// The tokio runtime beside it.
    #[cfg(feature = "tokio")]
    pub(crate) fn tokio(&self) -> Option<&tokio::runtime::Handle> {
        self.shared
            .config
            .hooks
            .tokio
            .get()
            .map(|tokio| tokio.handle())
    }

    /// What the runtime has counted.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics()
    }

    /// What every task of the runtime that has not ended is doing, by id.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskInfo> {
        let mut tasks = self.shared.registry.infos(self.shared.clock.now());
        self.shared.tell_polls(&mut tasks);
        tasks
    }

    /// The runtime's reactor, for filch's own I/O objects.
    #[doc(hidden)]
    #[must_use]
    pub fn reactor(&self) -> &Arc<Reactor> {
        &self.shared.reactor
    }

    /// The runtime's clock, for filch's own timers.
    #[doc(hidden)]
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }
}

/// While it lives, its thread is in a runtime: see [`Handle::enter`].
#[derive(Debug)]
#[must_use = "the thread leaves the runtime when this is dropped: keep it in a variable, as `let _guard = ..`"]
pub struct EnterGuard<'a> {
    _visit: Visit,
    handle: PhantomData<&'a Handle>,
}

impl EnterGuard<'_> {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        EnterGuard {
            _visit: Visit::start(Arc::clone(shared)),
            handle: PhantomData,
        }
    }
}

// No user's code runs while something of the runtime is half changed, so a panic leaves nothing broken behind.
impl UnwindSafe for Handle {}
impl RefUnwindSafe for Handle {}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("workers", &self.shared.config.workers)
            .field("tasks", &self.shared.registry.len())
            .finish()
    }
}

/// What the poll does that a seat's thread is in. `None`: it is the calling thread, or the system does not say.
fn info_of_poll(remote: &Remote, now: Instant) -> Option<PollInfo> {
    let thread = remote.thread.load(Relaxed);
    if thread == 0 || (sys::TELLS_CPU_TIME && thread == sys::thread_number()) {
        return None;
    }
    let marked = remote.watch.marked_since();
    let said = marked.map(|(mark, _)| mark.stuck == Stuck::Blocked);
    Some(PollInfo {
        is_blocked: sys::is_asleep(thread).or(said)?,
        is_declared: marked.is_some_and(|(mark, _)| mark.known == Known::Declared),
        lasts: marked.map(|(_, since)| now.duration_since(since)),
    })
}

impl Shared {
    pub(crate) fn metrics(&self) -> Metrics {
        let backstop = &self.backstop.counters;
        Metrics {
            workers: (0..self.config.workers)
                .map(|worker| self.seat_metrics(worker))
                .collect(),
            spare: {
                let nobody = WorkerMetrics {
                    idle: true,
                    ..WorkerMetrics::default()
                };
                let seats = self.config.workers..self.remotes.all().count();
                let spares = seats.map(|seat| self.seat_metrics(seat));
                spares.fold(nobody, |sum, spare| sum.plus(&spare))
            },
            spares: {
                let spares = self.remotes.iter().skip(self.config.workers);
                spares.filter(|remote| remote.held.load(Relaxed)).count()
            },
            spare_threads: self.seats.spare_threads(),
            stuck_workers: {
                let held = self
                    .remotes
                    .iter()
                    .filter(|remote| remote.held.load(Relaxed));
                held.filter(|remote| !remote.is_at_work()).count()
            },
            slow_polls: self.slow_polls.total(),
            slow_sites: self.slow_polls.sites(),
            slow_lane_depth: self.lanes.len(),
            tasks: self.registry.len(),
            injector_depth: self.injector.len(),
            foreign_timers: self.foreign_timers.len(),
            io_sources: self.reactor.len(),
            backstop_turns: backstop.turns.get(),
            backstop_io_events: backstop.io_events.get(),
            backstop_timers_fired: backstop.timers_fired.get(),
            rescues: backstop.rescues.get(),
            blocking_threads: self.blocking.threads(),
            blocking_queue_depth: self.blocking.depth(),
        }
    }

    /// Says of each task that a worker is in a poll of what that poll does.
    fn tell_polls(&self, tasks: &mut [TaskInfo]) {
        for remote in self.remotes.iter() {
            let Some(tick) = remote.watch.tick() else {
                continue;
            };
            let task = TaskId(remote.watch.task());
            let Ok(index) = tasks.binary_search_by_key(&task, TaskInfo::id) else {
                continue;
            };
            let poll = info_of_poll(remote, system_now());
            // Else it speaks of another one.
            if remote.watch.tick() == Some(tick) {
                poll.into_iter()
                    .for_each(|poll| tasks[index].set_poll(poll));
            }
        }
    }

    fn seat_metrics(&self, seat: usize) -> WorkerMetrics {
        let remote = &self.remotes[seat];
        let counters = &remote.counters;
        WorkerMetrics {
            polls: counters.polls.get(),
            parks: counters.parks.get(),
            steals: counters.steals.get(),
            wakes: counters.wakes.get(),
            overflows: counters.overflows.get(),
            turns: counters.turns.get(),
            io_events: counters.io_events.get(),
            timers_fired: counters.timers_fired.get(),
            looks: counters.looks.get(),
            looks_paid: counters.looks_paid.get(),
            look_time: Duration::from_nanos(counters.look_nanos.get()),
            sleep_cost: Duration::from_nanos(counters.sleep_cost_nanos.get()),
            queue_depth: remote.waiting(),
            timers: remote.timers.len(),
            idle: !remote.held.load(Relaxed) || self.idle.is_idle(seat),
        }
    }
}
