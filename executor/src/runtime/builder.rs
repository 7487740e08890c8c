//! How a runtime is configured and started. What makes one with defaults is here too, since the defaults are. What it
//! calls on its threads is in `builder/hooks.rs`.

mod hooks;

use crate::runtime::local::LocalRuntime;
use crate::runtime::threaded::Runtime;
use crate::runtime::threads;
use crate::seats::core::Core;
use crate::seats::hooks::Hooks;
use crate::seats::schedule::SCHEDULER;
use crate::seats::shared::{Config, Shared, UnhandledPanic};
#[cfg(feature = "tokio")]
use crate::seats::tokio::Tokio;
use crate::signs::look::IdleLook;
use crate::sys;
use filch_reactor::Selector;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// More workers than any machine has cores; a guard against a unit mistaken for a count.
const MAX_WORKERS: usize = 4096;

/// As many blocking calls at a time, if the builder is not told otherwise: tokio's value, not measured here.
const BLOCKING_THREADS: usize = 512;

/// So many spare threads at most, if the builder is not told otherwise.
const SPARE_THREADS: usize = 256;

/// A poll counts as long from here on, if the builder is not told otherwise.
const STALL_THRESHOLD: Duration = Duration::from_millis(1);

/// A poll is named on standard error from here on, if the builder is not told otherwise.
const SLOW_POLL_WARNING: Duration = Duration::from_millis(100);

/// The processor's clock, and what the system tells of a thread, are no more precise than some tens of microseconds.
const MIN_STALL_THRESHOLD: Duration = Duration::from_micros(50);

/// Configures a runtime.
///
/// ```
/// # extern crate filch_executor as filch;
/// let rt = filch::Runtime::builder().workers(2).thread_name("web").build()?;
/// assert_eq!(rt.block_on(async { 6 * 7 }), 42);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a Builder does nothing until `build` is called"]
pub struct Builder {
    workers: Option<usize>,
    max_blocking_threads: Option<usize>,
    thread_name: Option<String>,
    seed: Option<u64>,
    stack_size: Option<usize>,
    max_spare_threads: Option<usize>,
    stall_threshold: Option<Duration>,
    slow_poll_warning: Option<Duration>,
    unwatched: bool,
    on_unhandled_panic: UnhandledPanic,
    selector: Option<Selector>,
    start_paused: bool,
    idle_look: IdleLook,
    hooks: Hooks,
    #[cfg(feature = "tokio")]
    tokio: bool,
}

impl Builder {
    /// Everything at its default.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// How many threads run tasks at a time. Default: the environment variable `FILCH_WORKERS`, or
    /// else the number of cores that the process may use (a cgroup's quota is respected).
    ///
    /// With more workers than the process could use cores when the runtime was built, no more are woken than there are
    /// cores while those that are awake use them: the others are for tasks that block.
    pub fn workers(mut self, workers: usize) -> Builder {
        self.workers = Some(workers);
        self
    }

    /// How many threads run blocking calls at a time. Default: 512. When the runtime ends, closures that wait beyond
    /// that number are cancelled.
    ///
    /// If all of them wait for one that has no thread, nothing more comes of it, and nothing is said: that a closure
    /// waits for a thread is how the number is meant. [`Metrics::blocking_queue_depth`](crate::Metrics) counts those
    /// that do.
    pub fn max_blocking_threads(mut self, threads: usize) -> Builder {
        self.max_blocking_threads = Some(threads);
        self
    }

    /// How many threads may stand in at a time for workers that are stuck in a long poll. Default: 256.
    /// With 0, what waits behind a long poll can still go on at another worker, but when every worker is
    /// stuck, everything waits.
    ///
    /// They are started when they are needed, retire when they have not been for 10 ms, and end after
    /// five seconds of rest. Where the system does not tell what a thread is doing (others than Linux), every long poll
    /// counts as computing, and there is one spare thread for all.
    pub fn max_spare_threads(mut self, threads: usize) -> Builder {
        self.max_spare_threads = Some(threads);
        self
    }

    /// What the runtime's threads are called, followed by a number or their purpose. Default:
    /// `filch`.
    pub fn thread_name(mut self, name: impl Into<String>) -> Builder {
        self.thread_name = Some(name.into());
        self
    }

    /// The seed of all the runtime's random choices, as of whom to steal from. Default: random.
    pub fn seed(mut self, seed: u64) -> Builder {
        self.seed = Some(seed);
        self
    }

    /// As [`workers`](Builder::workers): tokio's name.
    pub fn worker_threads(self, workers: usize) -> Builder {
        self.workers(workers)
    }

    /// As [`stack_size`](Builder::stack_size): tokio's name.
    pub fn thread_stack_size(self, bytes: usize) -> Builder {
        self.stack_size(bytes)
    }

    /// The stack size of the runtime's threads, in bytes. Default: that of `std::thread`.
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.stack_size = Some(bytes);
        self
    }

    /// A worker that has been inside one poll for this long is taken for stuck: what waits behind
    /// that poll is handed to others, and if every worker is stuck, a spare thread comes. Default: 1 ms.
    /// At least 50 µs. Looked at every 0.5 to 4 ms; a poll that visibly waits for something counts as stuck after a
    /// quarter of it.
    pub fn stall_threshold(mut self, threshold: Duration) -> Builder {
        self.stall_threshold = Some(threshold);
        self
    }

    /// A task that has been inside one poll for this long is named on standard error: the task, where it was spawned,
    /// and whether it computes or is blocked. Default: 100 ms. [`Duration::MAX`]: never. After the
    /// same time it is said that tasks wait while [no spare thread](Builder::max_spare_threads) is left for them.
    ///
    /// There is at most one such line a second. A poll that goes on for 1 s, and for 10 s, is named again each time,
    /// whatever else was said, with a hint where it looks like a deadlock. Of a poll that computes, the time counts in
    /// which its thread had a processor, so that a task is not blamed for what others use. Slow polls are counted
    /// anyway, see [`Metrics::slow_sites`](crate::Metrics::slow_sites).
    pub fn slow_poll_warning(mut self, after: Duration) -> Builder {
        self.slow_poll_warning = Some(after);
        self
    }

    /// Workers are not watched: nothing waits for long polls to be found out, and nothing is done about them.
    /// For measuring what the watching costs.
    #[doc(hidden)]
    pub fn unwatched(mut self) -> Builder {
        self.unwatched = true;
        self
    }

    /// What to do about a task that panicked and whose `JoinHandle` was dropped without being awaited.
    pub fn on_unhandled_panic(mut self, policy: UnhandledPanic) -> Builder {
        self.on_unhandled_panic = policy;
        self
    }

    /// By what means the operating system is asked for readiness. Default: the environment variable
    /// `FILCH_SELECTOR` (`epoll` or `polling`), or else the best that the system has. On Linux
    /// [`Selector::Polling`] needs the feature `polling`; without it, building the runtime fails.
    pub fn selector(mut self, selector: Selector) -> Builder {
        self.selector = Some(selector);
        self
    }

    /// Whether a worker that has nothing to do looks around for a moment before it sleeps. Default:
    /// [`IdleLook::Adaptive`], while that pays off.
    ///
    /// What it finds so costs no wake of an idle processor, which takes 50 µs and more on virtual machines: with one or
    /// two connections at a time that is most of a request's latency. It costs processor time. Adaptive looks are at
    /// most as long as sleeps have been seen to cost here, and stop when they find nothing most of the time, or when
    /// others want the processor; so a quiet server sleeps, and an idle runtime uses none.
    /// [`WorkerMetrics`](crate::WorkerMetrics) says how often workers look and what it brings.
    ///
    /// ```
    /// # extern crate filch_executor as filch;
    /// use filch::IdleLook;
    ///
    /// // As little processor time as possible, whatever the latency.
    /// let rt = filch::Runtime::builder().idle_look(IdleLook::Off).build()?;
    /// assert_eq!(rt.block_on(async { 6 * 7 }), 42);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn idle_look(mut self, look: IdleLook) -> Builder {
        self.idle_look = look;
        self
    }

    /// Whether a tokio runtime of one worker is started beside this one, for crates that know no other. Needs the
    /// feature `tokio`. Default: no. `#[filch::main(tokio)]` sets it.
    ///
    /// Its context is there in every task, in closures of `blocking`, `cpu` and `spawn_blocking`, in `block_on`, and in
    /// a `LocalRuntime`: what calls `tokio::spawn`, tokio's timers or its sockets works there as it is. This runtime's
    /// context is there in what `tokio::spawn` runs. Nothing is done per poll.
    ///
    /// [`guest::spawn`](crate::guest::spawn) runs a whole job there, and the chapter "Crates that need tokio" of the
    /// guide says what this costs. In the end this runtime's tasks go first, then tokio's, for which nobody waits.
    ///
    /// ```
    /// # extern crate filch_executor as filch;
    /// let rt = filch::Runtime::builder().tokio(true).build()?;
    /// let sum = rt.run(async {
    ///     tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    ///     tokio::spawn(async { 1 + 2 }).await
    /// });
    /// assert_eq!(sum.unwrap(), 3);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "tokio")]
    pub fn tokio(mut self, beside: bool) -> Builder {
        self.tokio = beside;
        self
    }

    /// Starts a runtime. Its reactor thread runs from now on; a worker's thread is started when there
    /// is the first work for it. All of them are joined [in the end](crate::Runtime#the-end).
    ///
    /// # Errors
    /// If an option or environment variable makes no sense, or the operating system refuses a
    /// thread or a poller. [`Unsupported`](io::ErrorKind::Unsupported): on Linux the selector `polling` was asked for
    /// without the feature of that name.
    pub fn build(self) -> io::Result<Runtime> {
        let workers = self.worker_count()?;
        let (shared, cores) = self.shared(workers, false)?;
        for core in cores.into_iter().rev() {
            shared.seats.vacate(core);
        }
        // Whoever was started before knows only thus that nothing will come of it.
        threads::start_backstop(&shared).inspect_err(|_| shared.config.hooks.end())?;
        Ok(Runtime::from_shared(shared))
    }

    /// Makes a runtime of the calling thread. `workers` does not apply.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn build_local(self) -> io::Result<LocalRuntime> {
        let (shared, mut cores) = self.shared(1, true)?;
        let core = cores.pop().expect("one worker has one core");
        Ok(LocalRuntime::from_parts(shared, core))
    }

    /// Whether the runtime's clock is paused from the start, as by `filch::time::pause`, for tests. Default: no.
    pub fn start_paused(mut self, paused: bool) -> Builder {
        self.start_paused = paused;
        self
    }

    fn shared(self, workers: usize, local: bool) -> io::Result<(Arc<Shared>, Vec<Core>)> {
        let paused = self.start_paused;
        #[cfg(feature = "tokio")]
        let tokio = self.tokio;
        let config = self.config(workers, local)?;
        let common = config.common();
        let (shared, queues) = Shared::new(config, SCHEDULER, threads::start_new)?;
        #[cfg(feature = "tokio")]
        if tokio {
            if paused {
                return Err(invalid(
                    "tokio's clock is real: a paused one cannot be beside it",
                ));
            }
            let tokio = Arc::new(Tokio::start(&shared)?);
            shared.config.hooks.tokio.get_or_init(|| tokio);
        }
        if paused {
            shared.pause_clock();
        }
        let cores = queues.into_iter().enumerate();
        let depot = &shared.remotes.depot;
        let cores = cores.map(|(i, queue)| Core::new(i, queue, depot.clone(), common));
        let cores = cores.collect();
        Ok((shared, cores))
    }

    /// What was chosen, with the defaults for the rest, if it makes sense.
    fn config(self, workers: usize, local: bool) -> io::Result<Config> {
        let config = Config {
            workers,
            local,
            max_blocking_threads: self.max_blocking_threads.unwrap_or(BLOCKING_THREADS),
            thread_name: self.thread_name.unwrap_or_else(|| "filch".to_owned()),
            stack_size: self.stack_size,
            max_spare_threads: self.max_spare_threads.unwrap_or(SPARE_THREADS),
            stall_threshold: self.stall_threshold.unwrap_or(STALL_THRESHOLD),
            slow_poll_warning: Some(self.slow_poll_warning.unwrap_or(SLOW_POLL_WARNING))
                .filter(|after| *after != Duration::MAX),
            processors: sys::processors(),
            monitor: !self.unwatched,
            seed: self.seed.unwrap_or_else(|| RandomState::new().hash_one(0)),
            on_unhandled_panic: self.on_unhandled_panic,
            selector: self.selector.map_or_else(selector_from_env, Ok)?,
            idle_look: self.idle_look,
            hooks: self.hooks,
        };
        check(&config).map(|()| config)
    }

    fn worker_count(&self) -> io::Result<usize> {
        let workers = match self.workers {
            Some(workers) => workers,
            None => workers_from_env()?,
        };
        if workers == 0 || workers > MAX_WORKERS {
            return Err(invalid(&format!(
                "a runtime cannot have {workers} workers: choose from 1 to {MAX_WORKERS}"
            )));
        }
        Ok(workers)
    }
}

impl Runtime {
    /// A runtime with defaults.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> io::Result<Runtime> {
        Builder::new().build()
    }

    /// Configures a runtime.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl LocalRuntime {
    /// A local runtime with defaults.
    ///
    /// # Errors
    /// As [`Builder::build_local`].
    pub fn new() -> io::Result<LocalRuntime> {
        Builder::new().build_local()
    }
}

/// Refuses what makes no sense.
fn check(config: &Config) -> io::Result<()> {
    if config.max_blocking_threads == 0 {
        return Err(invalid(
            "max_blocking_threads is 0: spawn_blocking could never run",
        ));
    }
    if config.max_spare_threads > MAX_WORKERS {
        return Err(invalid(&format!(
            "max_spare_threads is {}: choose from 0 to {MAX_WORKERS}",
            config.max_spare_threads
        )));
    }
    if config.stall_threshold < MIN_STALL_THRESHOLD {
        return Err(invalid(&format!(
            "stall_threshold is {:?}: with less than {MIN_STALL_THRESHOLD:?} \
             most polls would be taken for long ones",
            config.stall_threshold
        )));
    }
    if config.thread_name.contains('\0') {
        return Err(invalid(
            "thread_name contains a NUL character, which no thread may have",
        ));
    }
    Ok(())
}

fn workers_from_env() -> io::Result<usize> {
    match std::env::var("FILCH_WORKERS") {
        Ok(text) => text.trim().parse().map_err(|_| {
            invalid(&format!(
                "FILCH_WORKERS is '{text}': write a number of workers, as in 4"
            ))
        }),
        Err(_) => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
    }
}

fn selector_from_env() -> io::Result<Selector> {
    match std::env::var("FILCH_SELECTOR") {
        Ok(text) => text
            .trim()
            .parse()
            .map_err(|error| invalid(&format!("FILCH_SELECTOR: {error}"))),
        Err(_) => Ok(Selector::default()),
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
