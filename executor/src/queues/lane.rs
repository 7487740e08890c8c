//! The slow lane: where tasks wait whose polls compute for long.
//!
//! They are queued behind the others: a worker comes here when it finds nothing else of its own, or when
//! nobody has come for 5 ms. There are two queues, one for tasks that have the habit, and one for closures of `cpu`, so
//! that no task waits for the end of somebody's long computation. Of either kind at most as many compute at a time
//! as the runtime has workers, each with a *permit* (`permits.rs`). Beside them there is always a worker for the
//! others, if need be a spare one (`rescue/staff.rs`), and the operating system divides the cores between all.
//!
//! A poll that blocks keeps no permit, so no number of them stops the lane, as long as there are spare threads. Nor
//! does a task with the habit whose poll goes on for 50 ms, at first: others with the habit would stand still for as
//! long. A closure of `cpu` keeps its permit for as long as it computes: there may be thousands of them, which would
//! all be threads.
//!
//! On a system that tells nothing of a thread, a poll that lasts may as well be blocked. There the permits of any polls
//! are called in when the lane stands still: for one more after 50 ms, and slowly further ones.
//!
//! # Why no task is left here with a worker asleep
//!
//! For the idle protocol (`rest/idle.rs`) a task here is work without a worker, as long as a permit is free. Whoever
//! pushes it notifies, and a worker looks here at S4. When no permit is free, each is held by a worker
//! that is awake; it gives the permit back before it looks for its next task, and passes S4 before it
//! sleeps. Who gives a permit back in the midst of a poll, `blocking` or the monitor, has thereby published what waits
//! here, and notifies.

use crate::patience::Patience;
use crate::primitive::atomic::AtomicU64;
use crate::primitive::atomic::Ordering::Relaxed;
use crate::queues::permits::{Kind, Permit, Permits, Standing};
use crate::queues::queue::{Injector, Stolen};
use crate::sys;
use crate::task::Runnable;
use filch_timer::Instant;
use std::time::Duration;

/// Nobody has come for this long: a worker does before it goes on with other tasks.
const PATIENCE: Duration = Duration::from_millis(5);

/// So long the poll of a task with the habit keeps its permit, and so long the lane may stand still.
pub(crate) const TENURE: Duration = Duration::from_millis(50);

/// It may stand still for twice as long for each as many polls as there are permits that have been called in, so often:
/// up to 0.8 s. Those that compute should not become hundreds of threads at once.
const MOST_DOUBLINGS: usize = 4;

/// The two lanes.
#[derive(Debug)]
pub(crate) struct Lanes {
    learned: Lane,
    declared: Lane,
}

/// One kind of tasks, and their permits.
#[derive(Debug)]
struct Lane {
    queue: Injector,
    permits: Permits,
    /// When a task was last taken, or put into the empty lane, in nanoseconds.
    served: AtomicU64,
    /// Until when it may stand still, in nanoseconds.
    may_stand_until: AtomicU64,
}

impl Lanes {
    /// Either lane has so many permits.
    pub(crate) fn new(permits: usize) -> Lanes {
        Lanes {
            learned: Lane::new(permits),
            declared: Lane::new(permits),
        }
    }

    /// Queues a task. The caller notifies a worker if it does not come here itself.
    pub(crate) fn push(&self, task: Runnable, now: Instant) {
        let kind = match task.header().habit.is_declared() {
            true => Kind::Declared,
            false => Kind::Learned,
        };
        self.of(kind).push(task, now);
    }

    /// Whether a task waits that a worker could take; a hint, exact after a fence.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        self.learned.has_work() || self.declared.has_work()
    }

    /// How many tasks wait that a worker could take.
    pub(crate) fn work(&self) -> usize {
        let lanes = [&self.learned, &self.declared];
        let with_work = lanes.into_iter().filter(|lane| lane.has_work());
        with_work.map(|lane| lane.queue.len()).sum()
    }

    /// How many tasks wait.
    pub(crate) fn len(&self) -> usize {
        self.learned.queue.len() + self.declared.queue.len()
    }

    /// Whether tasks have waited here for too long.
    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.learned.is_overdue(now) || self.declared.is_overdue(now)
    }

    fn of(&self, kind: Kind) -> &Lane {
        match kind {
            Kind::Learned => &self.learned,
            Kind::Declared => &self.declared,
        }
    }
}

/// For workers.
impl Lanes {
    /// Takes a task, with a permit for its poll, which goes back with [`Lanes::give_back`]: from the lane that has
    /// waited longer.
    pub(crate) fn take(&self, permit: &Permit, now: impl Fn() -> Instant) -> Option<Runnable> {
        let served = |kind: Kind| self.of(kind).served.load(Relaxed);
        let kinds = match served(Kind::Learned) <= served(Kind::Declared) {
            true => [Kind::Learned, Kind::Declared],
            false => [Kind::Declared, Kind::Learned],
        };
        kinds.into_iter().find_map(|kind| {
            let task = self.of(kind).take(&now)?;
            permit.hold(kind, Standing::Held);
            Some(task)
        })
    }

    /// The end of a poll: gives its permit back, if it has one.
    pub(crate) fn give_back(&self, permit: &Permit) {
        if let Some((kind, standing)) = permit.take() {
            self.of(kind).permits.end(standing);
        }
    }

    /// A poll is going to block: others may have its permit meanwhile. The caller notifies a worker if there [is
    /// work](Lanes::has_work). Returns whose permit it was, for [`Lanes::take_back`].
    pub(crate) fn lend(&self, permit: &Permit) -> Option<Kind> {
        let (kind, standing) = permit.get()?;
        let is_lent = self.of(kind).permits.lend(permit, kind, standing);
        is_lent.then_some(kind)
    }

    /// The poll goes on, whether there is a permit for it or not.
    pub(crate) fn take_back(&self, permit: &Permit, kind: Kind) {
        self.of(kind).permits.take_back(permit, kind);
    }
}

/// What the monitor knows of a poll of the lane that goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) is_blocked: bool,
    /// When it was first seen.
    pub(crate) since: Instant,
}

/// For the monitor.
impl Lanes {
    /// Does with a permit what follows from what its poll does. `true`: others have it now, so the caller notifies a
    /// worker if there [is work](Lanes::has_work).
    pub(crate) fn settle(&self, permit: &Permit, seen: Seen, now: Instant) -> bool {
        let Some((kind, standing)) = permit.get() else {
            return false;
        };
        let lane = self.of(kind);
        let is_long = || now.duration_since(seen.since) >= TENURE;
        match standing {
            Standing::Blocked if !seen.is_blocked => {
                lane.permits.go_on(permit, kind);
                false
            }
            Standing::Held | Standing::Owed if seen.is_blocked => {
                lane.permits.block(permit, kind, standing)
            }
            Standing::Held if kind == Kind::Learned && is_long() => {
                lane.permits.give_back_early(permit, kind)
                    || lane.call_in(permit, kind, standing, now)
            }
            Standing::Held | Standing::Owed => lane.call_in(permit, kind, standing, now),
            Standing::Blocked | Standing::Early | Standing::Called => false,
        }
    }

    /// Whether it matters how soon it is found out that the poll with this permit blocks: others wait for it, and polls
    /// like it do block.
    pub(crate) fn is_pressed(&self, permit: &Permit) -> bool {
        permit.get().is_some_and(|(kind, _)| {
            let lane = self.of(kind);
            lane.is_stopped() && lane.permits.any_blocked()
        })
    }
}

impl Lane {
    fn new(permits: usize) -> Lane {
        Lane {
            queue: Injector::new(),
            permits: Permits::new(permits),
            served: AtomicU64::new(0),
            may_stand_until: AtomicU64::new(0),
        }
    }

    fn push(&self, task: Runnable, now: Instant) {
        if self.queue.is_empty() {
            self.serve(now);
        }
        self.queue.push(task);
    }

    #[inline]
    fn has_work(&self) -> bool {
        !self.queue.is_empty() && self.permits.any()
    }

    /// Whether a task waits that nobody could take.
    fn is_stopped(&self) -> bool {
        !self.queue.is_empty() && !self.permits.any()
    }

    fn is_overdue(&self, now: Instant) -> bool {
        self.has_work()
            && now.duration_since(Instant::from_nanos(self.served.load(Relaxed))) >= PATIENCE
    }

    /// Gives the permit of a poll to others if the lane has stood still for long, and the poll is one that has blocked,
    /// or may be blocked for all that is known.
    fn call_in(&self, permit: &Permit, kind: Kind, standing: Standing, now: Instant) -> bool {
        let may_be = standing == Standing::Owed || !sys::TELLS_CPU_TIME;
        let stands_still =
            || self.is_stopped() && now.as_nanos() >= self.may_stand_until.load(Relaxed);
        may_be && stands_still() && self.permits.call_in(permit, kind, standing)
    }

    /// A task was taken, or put into the empty lane.
    fn serve(&self, now: Instant) {
        let doublings = self.permits.overdrawn().min(MOST_DOUBLINGS);
        let until = now.saturating_add(TENURE * (1 << doublings));
        self.served.store(now.as_nanos(), Relaxed);
        self.may_stand_until.store(until.as_nanos(), Relaxed);
    }

    fn take(&self, now: impl FnOnce() -> Instant) -> Option<Runnable> {
        if self.queue.is_empty() || !self.permits.take() {
            return None;
        }
        let mut patience = Patience::new();
        loop {
            match self.queue.steal_one() {
                Stolen::Task(task) => {
                    self.serve(now());
                    return Some(task);
                }
                Stolen::Empty => break,
                Stolen::Retry => patience.wait(),
            }
        }
        self.permits.give();
        None
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests;
