//! Counters that are always on: one cache line per worker, one writer each, relaxed.

use crate::figures::slow_polls::SlowSite;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A counter with one writer, so that counting is a load and a store and no read-modify-write.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// What is no count, but the state of something.
    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What one worker counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) polls: Counter,
    pub(crate) parks: Counter,
    pub(crate) steals: Counter,
    pub(crate) wakes: Counter,
    pub(crate) overflows: Counter,
    pub(crate) turns: Counter,
    pub(crate) io_events: Counter,
    pub(crate) timers_fired: Counter,
    pub(crate) looks: Counter,
    pub(crate) looks_paid: Counter,
    pub(crate) look_nanos: Counter,
    pub(crate) sleep_cost_nanos: Counter,
}

/// What the backstop thread counts.
#[derive(Debug, Default)]
pub(crate) struct BackstopCounters {
    pub(crate) turns: Counter,
    pub(crate) io_events: Counter,
    pub(crate) timers_fired: Counter,
    pub(crate) rescues: Counter,
}

/// One worker's figures, counted since the runtime was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Polls of tasks.
    pub polls: u64,
    /// Times it went to sleep.
    pub parks: u64,
    /// Times it took tasks from another worker.
    pub steals: u64,
    /// Workers that it woke.
    pub wakes: u64,
    /// Tasks that went to the injector because its own queue was full, or long for one that an I/O event woke.
    pub overflows: u64,
    /// Times it asked the operating system for I/O events.
    pub turns: u64,
    /// I/O events that it received.
    pub io_events: u64,
    /// Timers that it fired.
    pub timers_fired: u64,
    /// Times it looked around before it slept; see [`Builder::idle_look`](crate::Builder::idle_look).
    pub looks: u64,
    /// Of these, how many found something, so that it did not sleep.
    pub looks_paid: u64,
    /// The time that it looked, in all.
    pub look_time: Duration,
    /// What it takes a sleep to cost here: from the moment that something should end it to its return.
    pub sleep_cost: Duration,
    /// Tasks in its queue now.
    pub queue_depth: usize,
    /// Timers in its wheel now.
    pub timers: usize,
    /// Whether it sleeps now, or was not needed yet.
    pub idle: bool,
}

impl WorkerMetrics {
    /// The figures of both; of what sleeps cost, the higher one.
    pub(crate) fn plus(&self, other: &WorkerMetrics) -> WorkerMetrics {
        WorkerMetrics {
            polls: self.polls + other.polls,
            parks: self.parks + other.parks,
            steals: self.steals + other.steals,
            wakes: self.wakes + other.wakes,
            overflows: self.overflows + other.overflows,
            turns: self.turns + other.turns,
            io_events: self.io_events + other.io_events,
            timers_fired: self.timers_fired + other.timers_fired,
            looks: self.looks + other.looks,
            looks_paid: self.looks_paid + other.looks_paid,
            look_time: self.look_time + other.look_time,
            sleep_cost: self.sleep_cost.max(other.sleep_cost),
            queue_depth: self.queue_depth + other.queue_depth,
            timers: self.timers + other.timers,
            idle: self.idle && other.idle,
        }
    }
}

/// A runtime's figures at one moment. Reading them stops nobody; the parts are not one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// By worker.
    pub workers: Vec<WorkerMetrics>,
    /// Those of all spare threads, added up; `idle` if each of them is.
    pub spare: WorkerMetrics,
    /// Tasks that have not ended.
    pub tasks: usize,
    /// Tasks in the injector, waiting for any worker.
    pub injector_depth: usize,
    /// Timers of threads outside the runtime.
    pub foreign_timers: usize,
    /// I/O objects registered with the operating system.
    pub io_sources: usize,
    /// Times the reactor thread stepped in because nobody asked for I/O events.
    pub backstop_turns: u64,
    /// I/O events that the reactor thread received.
    pub backstop_io_events: u64,
    /// Overdue timers that the reactor thread fired.
    pub backstop_timers_fired: u64,
    /// Tasks that waited behind a poll when it was found to be long, and so were left to other workers.
    pub rescues: u64,
    /// Workers that are inside a long poll now, spare ones included.
    pub stuck_workers: usize,
    /// Spare threads that stand in for stuck workers now.
    pub spares: usize,
    /// Spare threads, at work or resting.
    pub spare_threads: usize,
    /// Polls that lasted longer than the stall threshold, as far as they were seen to.
    pub slow_polls: u64,
    /// The same by the place where their tasks were spawned, most polls first.
    pub slow_sites: Vec<SlowSite>,
    /// Tasks known to compute for long that wait for their turn.
    pub slow_lane_depth: usize,
    /// Threads for blocking calls, busy or idle.
    pub blocking_threads: usize,
    /// Blocking calls that wait for a thread.
    pub blocking_queue_depth: usize,
}
