//! What others see of each seat, and the spare seats, which come into being when they are first needed.
//!
//! Seats are numbered: first those of the workers, then the spare ones. A spare seat's public half stays for
//! as long as the runtime, so whoever has its number may look at it any time.

use crate::figures::metrics::Counters;
use crate::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::primitive::atomic::{AtomicBool, AtomicU32, AtomicUsize};
use crate::queues::permits::Permit;
use crate::queues::queue::{Local, Stealer};
use crate::queues::slot::Slot;
use crate::rest::parker::Parker;
use crate::signs::pace::Pace;
use crate::signs::watch::{Stuck, Watch};
use crate::sys;
use crate::task::memory::Depot;
use crossbeam_utils::CachePadded;
use filch_timer::{Instant, Timers};
use std::ops::Index;
use std::sync::{Arc, OnceLock};

/// What others see of a worker: one per seat, each on cache lines of its own.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) stealer: Stealer,
    pub(crate) slot: Slot,
    /// The poll that it is in.
    pub(crate) watch: Watch,
    /// How long its polls take.
    pub(crate) pace: Pace,
    /// What that poll may do in the slow lane.
    pub(crate) permit: Permit,
    /// A thread holds the seat, or is about to.
    pub(crate) held: AtomicBool,
    /// How often a thread has left the seat: counted before `held` says so.
    pub(crate) left: AtomicUsize,
    /// The system's number of that thread; 0: it has not come yet.
    pub(crate) thread: AtomicU32,
    /// A spare thread is asked to leave the seat.
    pub(crate) retire: AtomicBool,
    pub(crate) parker: Parker,
    pub(crate) timers: Arc<Timers>,
    pub(crate) counters: CachePadded<Counters>,
}

/// The public halves of all seats.
#[derive(Debug)]
pub(crate) struct Remotes {
    workers: Box<[CachePadded<Remote>]>,
    spares: Box<[OnceLock<Box<CachePadded<Remote>>>]>,
    /// Spare seats from this one on are not taken.
    seated: AtomicUsize,
    /// Where they exchange memory for tasks.
    pub(crate) depot: Arc<Depot>,
}

impl Remotes {
    /// Seats for these queues, and room for so many spare ones.
    pub(crate) fn new(queues: &[Local], spares: usize, now: Instant) -> Remotes {
        let remote = |queue| CachePadded::new(Remote::new(queue, now));
        Remotes {
            workers: queues.iter().map(remote).collect(),
            spares: (0..spares).map(|_| OnceLock::new()).collect(),
            seated: AtomicUsize::new(0),
            depot: Arc::new(Depot::new()),
        }
    }

    /// The number of the first spare seat.
    pub(crate) fn first_spare(&self) -> usize {
        self.workers.len()
    }

    /// How many spare seats there may be.
    pub(crate) fn max_spares(&self) -> usize {
        self.spares.len()
    }

    /// Makes a spare seat out of a queue, the next one after those that were made. Called under the lock of
    /// `Seats`, and at most `max_spares` times.
    pub(crate) fn add_spare(&self, spare: usize, queue: &Local, now: Instant) {
        let remote = Box::new(CachePadded::new(Remote::new(queue, now)));
        let made = self.spares[spare].set(remote);
        assert!(made.is_ok(), "a spare seat is made once");
    }

    /// Spare seats from `seated` on are not taken. Called under the lock of `Seats`, before a thread
    /// gets a seat and after it has given one up.
    pub(crate) fn set_seated(&self, seated: usize) {
        self.seated.store(seated, Release);
    }

    /// How many seats there are to be looked at: those of the workers, and spare ones up to the last that is
    /// taken.
    pub(crate) fn len(&self) -> usize {
        self.workers.len() + self.seated.load(Acquire)
    }

    /// Those seats.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Remote> {
        let seated = self.seated.load(Acquire);
        let spares = self.spares[..seated].iter().filter_map(OnceLock::get);
        let workers = self.workers.iter().map(|remote| &**remote);
        workers.chain(spares.map(|remote| &***remote))
    }

    /// Whether any thread holds a seat and is not stuck.
    pub(crate) fn is_anybody_at_work(&self) -> bool {
        self.iter().any(Remote::is_at_work)
    }

    /// Every seat that was ever made.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Remote> {
        let spares = self.spares.iter().map_while(OnceLock::get);
        let workers = self.workers.iter().map(|remote| &**remote);
        workers.chain(spares.map(|remote| &***remote))
    }

    #[cold]
    fn spare(&self, seat: usize) -> &Remote {
        let spare = self.spares[seat - self.workers.len()].get();
        spare.expect("a seat that has a number was made")
    }
}

impl Index<usize> for Remotes {
    type Output = Remote;

    #[inline]
    fn index(&self, seat: usize) -> &Remote {
        match self.workers.get(seat) {
            Some(remote) => remote,
            None => self.spare(seat),
        }
    }
}

impl Remote {
    fn new(queue: &Local, now: Instant) -> Remote {
        Remote {
            stealer: queue.stealer(),
            slot: Slot::new(),
            watch: Watch::new(),
            pace: Pace::new(),
            permit: Permit::none(),
            held: AtomicBool::new(false),
            left: AtomicUsize::new(0),
            thread: AtomicU32::new(0),
            retire: AtomicBool::new(false),
            parker: Parker::new(),
            timers: Arc::new(Timers::new(now)),
            counters: CachePadded::new(Counters::default()),
        }
    }

    /// Whether others should help with what waits here. A single task, or a few short ones, are left
    /// to the worker: otherwise two workers would pass them back and forth. What waits behind a long
    /// poll is everybody's.
    pub(crate) fn has_surplus(&self) -> bool {
        let waiting = self.waiting();
        waiting > 0 && (self.pace.is_worth_help(waiting) || self.watch.stuck().is_some())
    }

    /// Whether a thread works or computes here that does not leave its processor unused. One that waits for a processor
    /// would only wait longer beside others.
    pub(crate) fn needs_a_processor(&self) -> bool {
        let is_used = match self.watch.stuck() {
            // Where the system does not tell, it may as well be blocked.
            Some(Stuck::Computing) => sys::TELLS_CPU_TIME,
            Some(Stuck::Blocked) => false,
            Some(Stuck::Preempted) | None => !self.pace.is_mostly_blocked(),
        };
        is_used && self.held.load(Relaxed)
    }

    /// How many tasks wait here.
    pub(crate) fn waiting(&self) -> usize {
        self.stealer.len() + usize::from(self.slot.is_occupied())
    }

    /// Whether somebody holds the seat who is not stuck: at work, or asleep and to be woken.
    pub(crate) fn is_at_work(&self) -> bool {
        let stuck = || self.watch.stuck();
        self.held.load(Relaxed) && !stuck().is_some_and(Stuck::needs_substitute)
    }
}
