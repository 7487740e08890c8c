//! The part of a runtime that all its threads share. Plain data: the protocols are in the modules
//! that the fields' types come from. What takes several of them together is beside this file: whom to wake
//! (`wake.rs`), whom to call to work (`help.rs`), how all of it ends (`end.rs`).

use crate::blocking::BlockingPool;
use crate::figures::metrics::BackstopCounters;
use crate::figures::slow_polls::SlowPolls;
use crate::figures::standstill::Standstill;
use crate::queues::lane::Lanes;
use crate::queues::queue::{Injector, Local};
use crate::registry::bell::Bell;
use crate::registry::callers::Callers;
use crate::registry::delay::{Delay, Returns, Word};
use crate::registry::ending::Ending;
use crate::registry::tasks::Registry;
use crate::registry::threads::Threads;
use crate::rest::deep::DeepSleep;
use crate::rest::idle::Idle;
use crate::rest::parker::Parker;
use crate::rest::pause::Pause;
use crate::seats::choices::Choices;
use crate::seats::core::{Common, Core};
use crate::seats::guests::Guests;
use crate::seats::hooks::Hooks;
use crate::seats::outside::Outside;
use crate::seats::remotes::Remotes;
use crate::seats::roster::Seats;
use crate::signs::look::IdleLook;
use crate::task::Scheduler;
use crossbeam_utils::CachePadded;
use filch_reactor::{Reactor, Selector};
use filch_timer::{Clock, Instant, Timers, system_now};
use std::fmt;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What to do about a task that panicked and whose `JoinHandle` was dropped without being awaited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnhandledPanic {
    /// Say so on standard error and go on.
    #[default]
    Report,
    /// Say so, and shut the runtime down: every task is cancelled, and `run` and `block_on` panic.
    ShutdownRuntime,
    /// Say so, and abort the process.
    Abort,
}

/// What the builder decided.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) workers: usize,
    /// How many threads can run at once here.
    pub(crate) processors: usize,
    /// One thread runs everything, and its tasks need not be Send.
    pub(crate) local: bool,
    pub(crate) max_blocking_threads: usize,
    pub(crate) max_spare_threads: usize,
    pub(crate) thread_name: String,
    pub(crate) stack_size: Option<usize>,
    pub(crate) stall_threshold: Duration,
    /// A poll that takes longer is reported while it lasts; `None`: none is.
    pub(crate) slow_poll_warning: Option<Duration>,
    /// Whether workers are watched at all; for measuring what that costs.
    pub(crate) monitor: bool,
    pub(crate) seed: u64,
    pub(crate) on_unhandled_panic: UnhandledPanic,
    pub(crate) selector: Selector,
    /// Whether a worker looks around before it sleeps.
    pub(crate) idle_look: IdleLook,
    pub(crate) hooks: Hooks,
}

impl Config {
    /// How many workers can run at once.
    pub(crate) fn crew(&self) -> usize {
        self.workers.min(self.processors)
    }

    /// What every seat is made with.
    pub(crate) fn common(&self) -> Common {
        Common {
            seed: self.seed,
            idle_look: self.idle_look,
        }
    }

    /// Whether there are more workers than processors.
    pub(crate) fn is_overstaffed(&self) -> bool {
        self.workers > self.processors
    }
}

/// A thread that is to be started.
#[derive(Debug)]
pub(crate) enum NewThread {
    /// For a worker's seat that nobody holds.
    Worker,
    /// For this spare seat.
    Spare(Box<Core>),
    /// To say on standard error what there is to say of slow polls. That may block for any time, and looking the task
    /// up takes long where there are many.
    Warning,
    /// To say this there.
    Standstill(Standstill),
    /// To say, as well, what an end waits for.
    Late(Word),
}

/// The shared part of a runtime.
///
/// `repr(C)` because a task's scheduler pointer points to the first field and is cast back.
#[repr(C)]
pub(crate) struct Shared {
    pub(crate) scheduler: Scheduler,
    /// Starts one of the runtime's own threads; in `threads`, which is above this module.
    start_thread: fn(&Arc<Shared>, NewThread),
    own: Weak<Shared>,
    pub(crate) config: Config,
    /// What programs see as time, and timers go by; tests stop it. What measures the machine is the system's.
    pub(crate) clock: Clock,
    /// What it waits for while it is stopped.
    pub(crate) pause: Pause,
    pub(crate) reactor: Arc<Reactor>,
    pub(crate) remotes: Remotes,
    pub(crate) guests: Guests,
    pub(crate) outside: Outside,
    pub(crate) callers: Callers,
    pub(crate) injector: CachePadded<Injector>,
    /// Tasks whose polls compute for long.
    pub(crate) lanes: CachePadded<Lanes>,
    pub(crate) idle: CachePadded<Idle>,
    pub(crate) registry: Registry,
    pub(crate) seats: Seats,
    pub(crate) slow_polls: SlowPolls,
    /// Timers of threads outside the runtime; the backstop fires them.
    pub(crate) foreign_timers: Arc<Timers>,
    pub(crate) ids: CachePadded<AtomicU64>,
    /// Visits of threads without a seat so far: each has choices of its own.
    pub(crate) visits: AtomicU64,
    /// The time as somebody last read it, in nanoseconds: coarse, never a system call to read.
    pub(crate) coarse: CachePadded<AtomicU64>,
    /// Counted up by the backstop at every look: busy workers that see it change read the clock.
    pub(crate) beat: CachePadded<AtomicU32>,
    /// When somebody last asked the reactor for events, in nanoseconds.
    pub(crate) last_turn: CachePadded<AtomicU64>,
    /// Once it has begun, tasks are cancelled; when it is over, threads end.
    pub(crate) ending: Ending,
    /// Rung when no task is left, when everything has ended, and when a root task is done.
    pub(crate) bell: Bell,
    /// When it is said that the end takes long.
    pub(crate) delay: Delay,
    /// And that a call of `run` does.
    pub(crate) returns: Returns,
    /// Whoever ends the runtime is at a seat, to help.
    pub(crate) is_helped: AtomicBool,
    /// Everything has.
    pub(super) has_ended: AtomicBool,
    pub(crate) backstop: BackstopSeat,
    pub(crate) blocking: BlockingPool,
    pub(crate) threads: Threads,
}

/// What others see of the backstop thread.
#[derive(Debug)]
pub(crate) struct BackstopSeat {
    pub(crate) parker: Parker,
    /// Whether it sleeps without an interval; whoever makes the runtime busy wakes it.
    pub(crate) deep: DeepSleep,
    pub(crate) counters: BackstopCounters,
}

impl Shared {
    /// Creates the shared part and one queue per seat. Starts no thread.
    pub(crate) fn new(
        config: Config,
        scheduler: Scheduler,
        start_thread: fn(&Arc<Shared>, NewThread),
    ) -> io::Result<(Arc<Shared>, Vec<Local>)> {
        let reactor = Arc::new(Reactor::new(config.selector)?);
        let now = system_now();
        let queues: Vec<Local> = (0..config.workers).map(|_| Local::new()).collect();
        let (threads, spares) = match config.local {
            true => (0, 0),
            false => (config.workers, config.max_spare_threads),
        };
        let remotes = Remotes::new(&queues, spares, now);
        let guests = Guests::new(&remotes.depot);
        let outside = Outside::new(&remotes.depot);
        let shared = Arc::new_cyclic(|own| Shared {
            scheduler,
            start_thread,
            own: own.clone(),
            reactor,
            remotes,
            guests,
            outside,
            callers: Callers::new(),
            injector: CachePadded::new(Injector::new()),
            lanes: CachePadded::new(Lanes::new(config.workers)),
            idle: CachePadded::new(Idle::new(config.workers, spares)),
            registry: Registry::new(config.workers),
            seats: Seats::new(threads),
            slow_polls: SlowPolls::new(),
            foreign_timers: Arc::new(Timers::new(now)),
            ids: CachePadded::new(AtomicU64::new(1)),
            visits: AtomicU64::new(0),
            coarse: CachePadded::new(AtomicU64::new(now.as_nanos())),
            beat: CachePadded::new(AtomicU32::new(0)),
            last_turn: CachePadded::new(AtomicU64::new(now.as_nanos())),
            ending: Ending::new(),
            bell: Bell::new(),
            delay: Delay::new(),
            returns: Returns::new(),
            is_helped: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            backstop: BackstopSeat {
                parker: Parker::new(),
                deep: DeepSleep::new(),
                counters: BackstopCounters::default(),
            },
            blocking: BlockingPool::new(config.max_blocking_threads),
            threads: Threads::new(),
            clock: Clock::stoppable(),
            pause: Pause::new(),
            config,
        });
        Ok((shared, queues))
    }

    /// Reads the system's clock and lets others have it.
    pub(crate) fn now(&self) -> Instant {
        let now = system_now();
        self.coarse.store(now.as_nanos(), Relaxed);
        now
    }

    /// The time without reading the clock: some milliseconds old while the runtime is busy.
    #[inline]
    pub(crate) fn coarse_now(&self) -> Instant {
        Instant::from_nanos(self.coarse.load(Relaxed))
    }

    /// The same by the runtime's clock.
    #[inline]
    pub(crate) fn coarse_shown(&self) -> Instant {
        self.clock.shown_at(self.coarse_now())
    }

    /// What the code on a thread without a seat chooses by.
    pub(crate) fn visitor_choices(&self) -> Choices {
        Choices::new(self.config.seed, 2 * self.visits.fetch_add(1, Relaxed) + 1)
    }

    pub(crate) fn start_thread(&self, thread: NewThread) {
        if let Some(own) = self.own.upgrade() {
            (self.start_thread)(&own, thread);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("config", &self.config)
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}
