//! How a runtime is configured and started.

use crate::core::Core;
use crate::local::LocalRuntime;
use crate::runtime::Runtime;
use crate::schedule::SCHEDULER;
use crate::shared::{Config, Shared, UnhandledPanic};
use crate::threads;
use filch_reactor::Selector;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// More workers than any machine has cores; a guard against a unit mistaken for a count.
const MAX_WORKERS: usize = 4096;

/// Configures a runtime.
///
/// ```
/// let rt = filch_executor::Runtime::builder().workers(2).thread_name("web").build()?;
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
    stall_threshold: Option<Duration>,
    on_unhandled_panic: UnhandledPanic,
    selector: Option<Selector>,
}

impl Builder {
    /// Everything at its default.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// How many threads run tasks at a time. Default: the environment variable `FILCH_WORKERS`, or
    /// else the number of cores that the process may use (a cgroup's quota is respected).
    pub fn workers(mut self, workers: usize) -> Builder {
        self.workers = Some(workers);
        self
    }

    /// How many threads run blocking calls at a time. Default: 512.
    pub fn max_blocking_threads(mut self, threads: usize) -> Builder {
        self.max_blocking_threads = Some(threads);
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

    /// The stack size of the runtime's threads, in bytes. Default: that of `std::thread`.
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.stack_size = Some(bytes);
        self
    }

    /// A worker that has been inside one poll for this long is taken for stuck: what waits behind
    /// that poll is handed to others. Default: 1 ms. Looked at every 0.5 to 4 ms.
    pub fn stall_threshold(mut self, threshold: Duration) -> Builder {
        self.stall_threshold = Some(threshold);
        self
    }

    /// What to do about a task that panicked and whose `JoinHandle` was dropped without being awaited.
    pub fn on_unhandled_panic(mut self, policy: UnhandledPanic) -> Builder {
        self.on_unhandled_panic = policy;
        self
    }

    /// By what means the operating system is asked for readiness. Default: the environment variable
    /// `FILCH_SELECTOR` (`epoll` or `polling`), or else the best that the system has.
    pub fn selector(mut self, selector: Selector) -> Builder {
        self.selector = Some(selector);
        self
    }

    /// Starts a runtime. Its reactor thread runs from now on; a worker's thread is started when there
    /// is the first work for it.
    ///
    /// # Errors
    /// If an option or environment variable makes no sense, or the operating system refuses a
    /// thread or a poller.
    pub fn build(self) -> io::Result<Runtime> {
        let workers = self.worker_count()?;
        let (shared, cores) = self.shared(workers, false)?;
        for core in cores.into_iter().rev() {
            shared.seats.vacate(core);
        }
        threads::start_backstop(&shared)?;
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

    fn shared(self, workers: usize, local: bool) -> io::Result<(Arc<Shared>, Vec<Core>)> {
        let seed = self.seed.unwrap_or_else(|| RandomState::new().hash_one(0));
        let config = Config {
            workers,
            local,
            max_blocking_threads: self.max_blocking_threads.unwrap_or(512),
            thread_name: self.thread_name.unwrap_or_else(|| "filch".to_owned()),
            stack_size: self.stack_size,
            stall_threshold: self.stall_threshold.unwrap_or(Duration::from_millis(1)),
            on_unhandled_panic: self.on_unhandled_panic,
            selector: self.selector.map_or_else(selector_from_env, Ok)?,
        };
        if config.max_blocking_threads == 0 {
            return Err(invalid(
                "max_blocking_threads is 0: spawn_blocking could never run",
            ));
        }
        if config.thread_name.contains('\0') {
            return Err(invalid(
                "thread_name contains a NUL character, which no thread may have",
            ));
        }
        let (shared, queues) = Shared::new(config, SCHEDULER, threads::hire)?;
        let cores = queues.into_iter().enumerate();
        let cores = cores.map(|(i, queue)| Core::new(i, queue, seed));
        Ok((shared, cores.collect()))
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
