//! The part of a runtime that all its threads share. Plain data: the protocols are in the modules
//! that the fields' types come from, and the threads that use them in the modules below.

use crate::blocking::BlockingPool;
use crate::figures::metrics::BackstopCounters;
use crate::figures::slow_polls::SlowPolls;
use crate::queues::guest::Guests;
use crate::queues::lane::Lanes;
use crate::queues::queue::{Injector, Local};
use crate::registry::callers::Callers;
use crate::registry::ending::Ending;
use crate::registry::tasks::Registry;
use crate::rest::deep::DeepSleep;
use crate::rest::idle::Idle;
use crate::rest::parker::{Parker, Unpark};
use crate::seats::core::Core;
use crate::seats::remotes::{Remote, Remotes};
use crate::seats::roster::Seats;
use crate::seats::spares::Called;
use crate::signs::watch::Stuck;
use crate::task::{Scheduler, TaskId};
use crossbeam_utils::CachePadded;
use filch_reactor::{Reactor, Selector};
use filch_timer::{Clock, Instant, Timers};
use parking_lot::{Condvar, Mutex};
use std::fmt;
use std::io;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};
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
}

impl Config {
    /// How many workers can run at once.
    pub(crate) fn crew(&self) -> usize {
        self.workers.min(self.processors)
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
    /// To say this on standard error. That may block for any time, and looking the task up takes long where there are many.
    Warning(Warning),
}

/// That a poll lasts too long.
#[derive(Debug)]
pub(crate) struct Warning {
    pub(crate) task: TaskId,
    pub(crate) stuck: Stuck,
    pub(crate) lasts: Duration,
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
    pub(crate) clock: Clock,
    pub(crate) reactor: Arc<Reactor>,
    pub(crate) remotes: Remotes,
    pub(crate) guests: Guests,
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
    pub(crate) threads: Mutex<Threads>,
    /// Where it is announced that one of them has ended.
    pub(crate) thread_ended: Condvar,
}

/// The threads that the end of the runtime joins.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    pub(crate) handles: Vec<std::thread::JoinHandle<()>>,
    /// How many have not come to their end.
    pub(crate) running: usize,
    /// All were joined, after the last task had gone: no further worker comes. Somebody may still want to start
    /// one, for a task that has been run meanwhile.
    pub(crate) over: bool,
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
        let clock = Clock::os();
        let now = clock.now();
        let queues: Vec<Local> = (0..config.workers).map(|_| Local::new()).collect();
        let (threads, spares) = match config.local {
            true => (0, 0),
            false => (config.workers, config.max_spare_threads),
        };
        let shared = Arc::new_cyclic(|own| Shared {
            scheduler,
            start_thread,
            own: own.clone(),
            reactor,
            remotes: Remotes::new(&queues, spares, now),
            guests: Guests::new(),
            callers: Callers::new(),
            injector: CachePadded::new(Injector::new()),
            lanes: CachePadded::new(Lanes::new(config.workers)),
            idle: CachePadded::new(Idle::new(config.workers, spares)),
            registry: Registry::new(config.workers),
            seats: Seats::new(threads),
            slow_polls: SlowPolls::new(),
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
            threads: Mutex::new(Threads::default()),
            thread_ended: Condvar::new(),
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
        if self.config.is_overstaffed() && self.config.monitor {
            fence(SeqCst); // [idle-pub], pairs with [idle-sub], [away] and [found]
            if self.are_enough_awake() {
                return false;
            }
        }
        self.notify_anyhow()
    }

    /// Whether every processor has a worker that uses it, and one of these workers is not stuck, so that it comes to what
    /// waits: who computes serves nobody, but takes a processor.
    ///
    /// Orderings: after the caller's fence. It sees the mark of a worker that has announced a long poll, or that worker,
    /// after its own [away], sees what the caller has published; and so the monitor, of a poll that it has found.
    fn are_enough_awake(&self) -> bool {
        let config = &self.config;
        let seated = config.workers.saturating_sub(self.seats.vacancies());
        if seated.saturating_sub(self.idle.count()) < config.processors {
            return false;
        }
        let awake = (0..config.workers).filter(|seat| !self.idle.is_idle(*seat));
        let remotes = awake.map(|seat| &self.remotes[seat]);
        let (mut users, mut is_any_at_work) = (0, false);
        for user in remotes.filter(|remote| remote.needs_a_processor()) {
            users += 1;
            is_any_at_work |= user.is_at_work();
            if users >= config.processors && is_any_at_work {
                return true;
            }
        }
        false
    }

    /// As `notify_one`, however many are awake: they may be in long polls.
    pub(crate) fn notify_anyhow(&self) -> bool {
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
                if start {
                    self.start_thread(NewThread::Worker);
                }
                start
            }
        }
    }

    pub(crate) fn start_thread(&self, thread: NewThread) {
        if let Some(own) = self.own.upgrade() {
            (self.start_thread)(&own, thread);
        }
    }

    /// Whether somebody is at work, or about to come, who is not stuck.
    pub(crate) fn is_staffed(&self) -> bool {
        self.remotes.iter().any(Remote::is_at_work) || self.seats.is_coming()
    }

    /// Gets one more thread to work: one of the workers' that was not needed yet, or else a spare one.
    /// `false`: there is none to be had.
    pub(crate) fn call_help(&self) -> bool {
        let now = self.coarse_now();
        match self
            .seats
            .call(&self.remotes, &self.idle, self.config.seed, now)
        {
            Called::Nobody => return false,
            Called::Worker => self.start_thread(NewThread::Worker),
            Called::Resting => {}
            Called::New(core) => self.start_thread(NewThread::Spare(core)),
        }
        true
    }

    /// The worker of that seat is inside a long poll, and has said so: others go on with what waits. If
    /// nobody is left who could, somebody is called.
    ///
    /// Orderings: whoever falls asleep later sees the mark, and whoever sleeps already is seen here; of
    /// two workers that leave at the same time the later one sees the other's.
    pub(crate) fn leave_work(&self, seat: usize) {
        fence(SeqCst); // [away], pairs with [idle-sub], [idle-pub] and itself
        if !self.is_staffed() {
            self.call_help();
        } else if self.remotes[seat].waiting() > 0 || self.has_unclaimed_work() {
            self.notify_anyhow();
        } else {
            self.offer_poller();
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

    /// Sees to it that somebody asks for I/O events: the worker that slept in the poller may have come back
    /// from it with the very event whose task is stuck now, while the others sleep on their words.
    ///
    /// Orderings: whoever finds the poller taken by this look is seen to be idle by `notify_poller`.
    pub(crate) fn offer_poller(&self) {
        let is_free = self.reactor.try_lock().is_some();
        if is_free {
            self.notify_poller();
        }
    }

    /// Wakes a worker that sleeps on its word or in the poller.
    pub(crate) fn unpark(&self, worker: usize) {
        if self.remotes[worker].parker.unpark() == Unpark::NotifyReactor {
            self.reactor.notify();
        }
    }

    pub(crate) fn unpark_all(&self) {
        // A spare thread that is just called looks around before it sleeps.
        for seat in 0..self.remotes.len() {
            self.unpark(seat);
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
        if self.config.monitor && self.backstop.deep.disturb() {
            self.wake_backstop();
        }
    }

    /// Whether there is a task that an idle worker should take; a hint, exact after a fence.
    pub(crate) fn has_work(&self) -> bool {
        self.has_unclaimed_work() || self.remotes.iter().any(Remote::has_surplus)
    }

    /// The same, of those that no worker has.
    pub(crate) fn has_unclaimed_work(&self) -> bool {
        !self.injector.is_empty() || self.lanes.has_work() || self.guests.have_work()
    }

    /// How many tasks no worker has.
    pub(crate) fn unclaimed_work(&self) -> usize {
        self.injector.len() + self.lanes.work() + usize::from(self.guests.have_work())
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

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("config", &self.config)
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}
