//! The part of a runtime that all its threads share. Plain data: the protocols are in the modules
//! that the fields' types come from, and the threads that use them in the modules below.

use crate::blocking::BlockingPool;
use crate::callers::Callers;
use crate::deep::DeepSleep;
use crate::ending::Ending;
use crate::guest::Guests;
use crate::idle::Idle;
use crate::metrics::{BackstopCounters, Counters};
use crate::pace::Pace;
use crate::parker::{Parker, Unpark};
use crate::queue::{Injector, Local, Stealer};
use crate::registry::Registry;
use crate::seats::Seats;
use crate::slot::Slot;
use crate::task::Scheduler;
use crossbeam_utils::CachePadded;
use filch_reactor::{Reactor, Selector};
use filch_timer::{Clock, Instant, Timers};
use parking_lot::{Condvar, Mutex};
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
    /// One thread runs everything, and its tasks need not be Send.
    pub(crate) local: bool,
    pub(crate) max_blocking_threads: usize,
    pub(crate) thread_name: String,
    pub(crate) stack_size: Option<usize>,
    pub(crate) stall_threshold: Duration,
    pub(crate) on_unhandled_panic: UnhandledPanic,
    pub(crate) selector: Selector,
}

/// What others see of a worker: one per seat, each on cache lines of its own.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) stealer: Stealer,
    pub(crate) slot: Slot,
    /// Counts polls, stored before each: a worker whose tick stands still is stuck in one.
    pub(crate) tick: AtomicU32,
    /// How long its polls take.
    pub(crate) pace: Pace,
    /// A thread holds the seat.
    pub(crate) held: AtomicBool,
    pub(crate) parker: Parker,
    pub(crate) timers: Arc<Timers>,
    pub(crate) counters: CachePadded<Counters>,
}

/// The shared part of a runtime.
///
/// `repr(C)` because a task's scheduler pointer points to the first field and is cast back.
#[repr(C)]
pub(crate) struct Shared {
    pub(crate) scheduler: Scheduler,
    /// Starts one of the runtime's own threads; in `threads`, which is above this module.
    start_thread: fn(&Arc<Shared>),
    own: Weak<Shared>,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) reactor: Arc<Reactor>,
    pub(crate) remotes: Box<[CachePadded<Remote>]>,
    pub(crate) guests: Guests,
    pub(crate) callers: Callers,
    pub(crate) injector: CachePadded<Injector>,
    pub(crate) idle: CachePadded<Idle>,
    pub(crate) registry: Registry,
    pub(crate) seats: Seats,
    /// Timers of threads outside the runtime; the backstop fires them.
    pub(crate) foreign_timers: Arc<Timers>,
    pub(crate) ids: CachePadded<AtomicU64>,
    /// The time as somebody last read it, in nanoseconds: coarse, never a system call to read.
    pub(crate) coarse: CachePadded<AtomicU64>,
    /// Counted up by the backstop at every look: busy workers that see it change read the clock.
    pub(crate) beat: CachePadded<AtomicU32>,
    /// When somebody last asked the reactor for events, in nanoseconds.
    pub(crate) last_turn: CachePadded<AtomicU64>,
    /// Once it has begun, tasks are cancelled; when it is over, threads end.
    pub(crate) ending: Ending,
    /// Where it is announced that the end is over.
    pub(crate) drained: (Mutex<()>, Condvar),
    pub(crate) backstop: BackstopSeat,
    pub(crate) blocking: BlockingPool,
    pub(crate) threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
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
        start_thread: fn(&Arc<Shared>),
    ) -> io::Result<(Arc<Shared>, Vec<Local>)> {
        let reactor = Arc::new(Reactor::new(config.selector)?);
        let clock = Clock::os();
        let now = clock.now();
        let queues: Vec<Local> = (0..config.workers).map(|_| Local::new()).collect();
        let threads = if config.local { 0 } else { config.workers };
        let shared = Arc::new_cyclic(|own| Shared {
            scheduler,
            start_thread,
            own: own.clone(),
            reactor,
            remotes: queues
                .iter()
                .map(|queue| CachePadded::new(Remote::new(queue, now)))
                .collect(),
            guests: Guests::new(),
            callers: Callers::new(),
            injector: CachePadded::new(Injector::new()),
            idle: CachePadded::new(Idle::new(config.workers)),
            registry: Registry::new(config.workers),
            seats: Seats::new(threads),
            foreign_timers: Arc::new(Timers::new(now)),
            ids: CachePadded::new(AtomicU64::new(1)),
            coarse: CachePadded::new(AtomicU64::new(now.as_nanos())),
            beat: CachePadded::new(AtomicU32::new(0)),
            last_turn: CachePadded::new(AtomicU64::new(now.as_nanos())),
            ending: Ending::new(),
            drained: (Mutex::new(()), Condvar::new()),
            backstop: BackstopSeat {
                parker: Parker::new(),
                deep: DeepSleep::new(),
                counters: BackstopCounters::default(),
            },
            blocking: BlockingPool::new(config.max_blocking_threads),
            threads: Mutex::new(Vec::new()),
            clock,
            config,
        });
        Ok((shared, queues))
    }

    /// Reads the clock and lets others have it.
    pub(crate) fn now(&self) -> Instant {
        let now = self.clock.now();
        self.coarse.store(now.as_nanos(), Relaxed);
        now
    }

    /// The time without reading the clock: some milliseconds old while the runtime is busy.
    pub(crate) fn coarse_now(&self) -> Instant {
        Instant::from_nanos(self.coarse.load(Relaxed))
    }

    /// Wakes one idle worker if that is worth it; see `idle`. Call after publishing a task.
    pub(crate) fn notify_one(&self) -> bool {
        if self.config.local {
            // Its one thread never searches; the token is enough.
            self.unpark(0);
            return true;
        }
        match self.idle.notify() {
            Some(worker) => {
                self.unpark(worker);
                true
            }
            None => {
                // Whoever searches finds the task, and wakes the next one or has it started.
                let start = self.seats.may_hire() && !self.idle.is_searched();
                if start && let Some(own) = self.own.upgrade() {
                    (self.start_thread)(&own);
                }
                start
            }
        }
    }

    /// Whether there is a worker to be woken, or to be started; a hint.
    #[inline]
    pub(crate) fn has_help(&self) -> bool {
        self.idle.any() || self.seats.may_hire()
    }

    /// Wakes one idle worker so that it takes the poller, whoever else searches.
    pub(crate) fn notify_poller(&self) {
        if let Some(worker) = self.idle.notify_any() {
            self.unpark(worker);
        }
    }

    /// Wakes a worker that sleeps on its word or in the poller.
    pub(crate) fn unpark(&self, worker: usize) {
        if self.remotes[worker].parker.unpark() == Unpark::NotifyReactor {
            self.reactor.notify();
        }
    }

    pub(crate) fn unpark_all(&self) {
        for worker in 0..self.remotes.len() {
            self.unpark(worker);
        }
        self.wake_backstop();
    }

    /// Wakes the backstop thread, wherever it sleeps.
    pub(crate) fn wake_backstop(&self) {
        if self.backstop.parker.unpark() == Unpark::NotifyReactor {
            self.reactor.notify();
        }
    }

    /// A worker goes from idle to busy: the backstop has to watch it.
    pub(crate) fn leave_idle(&self) {
        if self.backstop.deep.disturb() {
            self.wake_backstop();
        }
    }

    /// Whether there is a task that an idle worker should take; a hint, exact after a fence.
    pub(crate) fn has_work(&self) -> bool {
        !self.injector.is_empty()
            || self.remotes.iter().any(|remote| remote.has_surplus())
            || self.guests.have_work()
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.ending.has_begun()
    }

    /// Starts the shutdown: nothing is spawned any more, every task is cancelled. Once is enough.
    pub(crate) fn begin_shutdown(&self) {
        if self.is_shut_down() {
            return;
        }
        for task in self.ending.begin(&self.registry) {
            task.abort();
        }
        self.blocking.close();
        self.seats.close();
        self.task_gone();
    }

    /// Ends the runtime because a task panicked and nobody will hear of it otherwise.
    pub(crate) fn fail(&self) {
        // A runtime that its owner ends anyway leaves the threads in `block_on` to their futures.
        if !self.is_shut_down() {
            self.callers.fail();
            self.begin_shutdown();
        }
    }

    /// Called after a task has gone, and by workers that leave: after the last task, everybody who
    /// waits for the end of the shutdown hears of it; see `ending`.
    #[inline]
    pub(crate) fn task_gone(&self) {
        if self.ending.is_over(&self.registry) {
            drop(self.drained.0.lock());
            self.drained.1.notify_all();
            self.unpark_all();
        }
    }
}

impl Remote {
    /// Whether others should help with what waits here. A single task, or a few short ones, are left
    /// to the worker: otherwise two workers would pass them back and forth. The backstop sees to it
    /// that they do not wait behind a long poll.
    pub(crate) fn has_surplus(&self) -> bool {
        self.pace.is_worth_help(self.waiting())
    }

    /// How many tasks wait here.
    pub(crate) fn waiting(&self) -> usize {
        self.stealer.len() + usize::from(self.slot.is_occupied())
    }

    fn new(queue: &Local, now: Instant) -> Remote {
        Remote {
            stealer: queue.stealer(),
            slot: Slot::new(),
            tick: AtomicU32::new(0),
            pace: Pace::new(),
            held: AtomicBool::new(false),
            parker: Parker::new(),
            timers: Arc::new(Timers::new(now)),
            counters: CachePadded::new(Counters::default()),
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
