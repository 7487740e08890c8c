//! The slow lane: where tasks wait whose polls compute for long.
//!
//! They are queued behind the others: a worker comes here when it finds nothing else of its own, or when
//! nobody has come for 5 ms. There are two queues, one for tasks that have the habit, and one for closures of `cpu`, so
//! that no task waits for the end of somebody's long computation. Of either kind at most as many are polled at a time
//! as the runtime has workers, each with a *permit*. Beside them there is always a worker for the others, if need be a
//! spare one (`rescue/staff.rs`), and the operating system divides the cores between all.
//!
//! A permit is given back at the end of the poll, or before:
//!
//! - `blocking` *lends* it to others for as long as the closure takes. Then the poll takes it back, even if there is
//!   none: the lane has permits below zero until some of those polls have ended.
//! - The monitor gives it back *early*, for at most as many polls at a time as there are permits: of a poll that is
//!   found to block, since it does not use its processor, and of a task with the habit whose poll goes on for 50 ms,
//!   since others with the habit would stand still for as long. A closure of `cpu` keeps its permit for as long as it
//!   computes: there may be thousands of them, which would all be threads.
//!
//! # Why no task is left here with a worker asleep
//!
//! For the idle protocol (`rest/idle.rs`) a task here is work without a worker, as long as a permit is free. Whoever
//! pushes it notifies, and a worker looks here at S4. When no permit is free, each is held by a worker
//! that is awake; it gives the permit back before it looks for its next task, and passes S4 before it
//! sleeps. Who gives a permit back in the midst of a poll, `blocking` or the monitor, has thereby published what waits
//! here, and notifies.

use crate::patience::Patience;
use crate::primitive::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::primitive::atomic::{AtomicIsize, AtomicU8, AtomicU64, AtomicUsize};
use crate::queues::queue::{Injector, Stolen};
use crate::task::Runnable;
use filch_timer::Instant;
use std::time::Duration;

/// Nobody has come for this long: a worker does before it goes on with other tasks.
const PATIENCE: Duration = Duration::from_millis(5);

/// So long the poll of a task with the habit keeps its permit.
pub(crate) const TENURE: Duration = Duration::from_millis(50);

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
    /// How many polls go on whose permit the monitor has given back, and how many may.
    early: AtomicUsize,
    max_early: usize,
    /// When a task was last taken, or put into the empty lane, in nanoseconds.
    served: AtomicU64,
}

/// How many more tasks of the lane may be polled; below zero, how many more have to end before another one may.
#[derive(Debug)]
pub(crate) struct Permits(AtomicIsize);

/// The permit of a seat's poll, if it has one.
#[derive(Debug)]
pub(crate) struct Permit(AtomicU8);

/// Which lane's permit it is; 0: none.
pub(crate) const LEARNED: u8 = 1;
pub(crate) const DECLARED: u8 = 2;
/// Added to these: the poll still goes on, but others have its permit.
pub(crate) const EARLY: u8 = 4;

impl Permits {
    pub(crate) fn new(count: usize) -> Permits {
        Permits(AtomicIsize::new(count as isize))
    }

    pub(crate) fn any(&self) -> bool {
        self.0.load(Relaxed) > 0
    }

    pub(crate) fn take(&self) -> bool {
        let less = |count: isize| (count > 0).then(|| count - 1);
        self.0.fetch_update(AcqRel, Relaxed, less).is_ok()
    }

    /// Takes one that may not be there.
    fn owe(&self) {
        self.0.fetch_sub(1, AcqRel);
    }

    pub(crate) fn give(&self) {
        self.0.fetch_add(1, AcqRel);
    }
}

impl Permit {
    pub(crate) fn none() -> Permit {
        Permit(AtomicU8::new(0))
    }

    /// The lane whose permit it is, if others do not have it; a hint.
    pub(crate) fn lane(&self) -> Option<u8> {
        Some(self.0.load(Relaxed)).filter(|lane| matches!(*lane, LEARNED | DECLARED))
    }

    pub(crate) fn hold(&self, lane: u8) {
        self.0.store(lane, Relaxed);
    }

    /// For the worker: ends it, and says what it was.
    pub(crate) fn take(&self) -> u8 {
        match self.0.load(Relaxed) {
            0 => 0,
            _ => self.0.swap(0, AcqRel),
        }
    }

    /// For the monitor: others are going to have it. `false`: the poll has ended, or has lent it.
    pub(crate) fn end_early(&self, lane: u8) -> bool {
        let early = lane | EARLY;
        self.0
            .compare_exchange(lane, early, AcqRel, Relaxed)
            .is_ok()
    }
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
        let is_declared = task.header().habit.is_declared();
        let lane = if is_declared {
            &self.declared
        } else {
            &self.learned
        };
        lane.push(task, now);
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

    /// Takes a task, with a permit for its poll, which goes back with [`Lanes::give_back`]: from the lane that has
    /// waited longer.
    pub(crate) fn take(&self, permit: &Permit, now: impl Fn() -> Instant) -> Option<Runnable> {
        let served = |lane: &Lane| lane.served.load(Relaxed);
        let learned = (&self.learned, LEARNED);
        let declared = (&self.declared, DECLARED);
        let lanes = if served(&self.learned) <= served(&self.declared) {
            [learned, declared]
        } else {
            [declared, learned]
        };
        lanes.into_iter().find_map(|(lane, kind)| {
            let task = lane.take(&now)?;
            permit.hold(kind);
            Some(task)
        })
    }

    /// The end of a poll: gives its permit back, if it has one.
    pub(crate) fn give_back(&self, permit: &Permit) {
        match permit.take() {
            0 => {}
            lane if lane & EARLY != 0 => {
                self.of(lane & !EARLY).early.fetch_sub(1, AcqRel);
            }
            lane => self.of(lane).permits.give(),
        }
    }

    /// A poll is going to block: others may have its permit meanwhile. The caller notifies a worker if there [is
    /// work](Lanes::has_work). Returns whose permit it was, for [`Lanes::take_back`].
    pub(crate) fn lend(&self, permit: &Permit) -> Option<u8> {
        let lane = permit.lane()?;
        // The monitor may be faster.
        let lent = permit.0.compare_exchange(lane, 0, AcqRel, Relaxed).is_ok();
        lent.then(|| {
            self.of(lane).permits.give();
            lane
        })
    }

    /// The poll goes on, whether there is a permit for it or not.
    pub(crate) fn take_back(&self, permit: &Permit, lane: u8) {
        self.of(lane).permits.owe();
        permit.hold(lane);
    }

    /// For the monitor: gives a permit back although its poll goes on, unless too many such polls do. `true`: the
    /// caller notifies a worker if there [is work](Lanes::has_work).
    pub(crate) fn give_back_early(&self, permit: &Permit, lane: u8) -> bool {
        let of = self.of(lane);
        if of.early.load(Acquire) >= of.max_early {
            return false;
        }
        // Counted before the poll can see it.
        of.early.fetch_add(1, AcqRel);
        let is_given = permit.end_early(lane);
        if is_given {
            of.permits.give();
        } else {
            of.early.fetch_sub(1, AcqRel);
        }
        is_given
    }

    fn of(&self, lane: u8) -> &Lane {
        if lane == LEARNED {
            &self.learned
        } else {
            &self.declared
        }
    }
}

impl Lane {
    fn new(permits: usize) -> Lane {
        Lane {
            queue: Injector::new(),
            permits: Permits::new(permits),
            early: AtomicUsize::new(0),
            max_early: permits,
            served: AtomicU64::new(0),
        }
    }

    fn push(&self, task: Runnable, now: Instant) {
        if self.queue.is_empty() {
            self.served.store(now.as_nanos(), Relaxed);
        }
        self.queue.push(task);
    }

    #[inline]
    fn has_work(&self) -> bool {
        !self.queue.is_empty() && self.permits.any()
    }

    fn is_overdue(&self, now: Instant) -> bool {
        self.has_work()
            && now.duration_since(Instant::from_nanos(self.served.load(Relaxed))) >= PATIENCE
    }

    fn take(&self, now: impl FnOnce() -> Instant) -> Option<Runnable> {
        if self.queue.is_empty() || !self.permits.take() {
            return None;
        }
        let mut patience = Patience::new();
        loop {
            match self.queue.steal_one() {
                Stolen::Task(task) => {
                    self.served.store(now().as_nanos(), Relaxed);
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
mod tests {
    use super::*;
    use crate::testing::World;

    const START: Instant = Instant::from_nanos(1 << 40);

    #[test]
    fn as_many_are_out_as_there_are_permits() {
        let (world, lanes) = (World::new(), Lanes::new(2));
        for _ in 0..4 {
            let (task, joined) = world.spawn(async {});
            joined.detach(false);
            lanes.push(task, START);
        }
        let permits = [Permit::none(), Permit::none(), Permit::none()];
        let take = |seat: usize| lanes.take(&permits[seat], || START);
        world.run(take(0).expect("the first"));
        world.run(take(1).expect("the second"));
        assert!(!lanes.has_work() && (lanes.len(), lanes.work()) == (2, 0));
        assert!(take(2).is_none());
        lanes.give_back(&permits[0]);
        assert!(lanes.has_work() && lanes.work() == 2);
        world.run(take(2).expect("the third"));
        lanes.give_back(&permits[0]);
        assert!(!lanes.has_work(), "at its end it had none");
        lanes.give_back(&permits[1]);
        lanes.give_back(&permits[2]);
        world.run(take(0).expect("the fourth"));
        lanes.give_back(&permits[0]);
        assert!(take(0).is_none() && !lanes.has_work());
        assert_eq!(world.freed(), 4);
    }

    #[test]
    fn a_poll_that_blocks_lends_its_permit_and_one_that_ends_pays_for_it() {
        let (world, lanes) = (World::new(), Lanes::new(1));
        for _ in 0..3 {
            let (task, joined) = world.spawn(async {});
            joined.detach(false);
            lanes.push(task, START);
        }
        let permits = [Permit::none(), Permit::none()];
        let take = |seat: usize| lanes.take(&permits[seat], || START);
        world.run(take(0).expect("the first"));
        let lent = lanes.lend(&permits[0]).expect("it has one");
        assert_eq!(lanes.lend(&permits[0]), None);
        world.run(take(1).expect("the second"));
        lanes.take_back(&permits[0], lent);
        lanes.give_back(&permits[0]);
        assert!(!lanes.has_work(), "the second still has the one permit");
        lanes.give_back(&permits[1]);
        world.run(take(1).expect("the third"));
        assert_eq!(world.freed(), 3);
    }

    #[test]
    fn so_many_permits_are_given_back_early() {
        let (world, lanes) = (World::new(), Lanes::new(1));
        for _ in 0..4 {
            let (task, joined) = world.spawn(async {});
            joined.detach(false);
            lanes.push(task, START);
        }
        let permits = [Permit::none(), Permit::none()];
        let take = |seat: usize| lanes.take(&permits[seat], || START);
        let give_early = |seat: usize| {
            let permit: &Permit = &permits[seat];
            let lane = permit.lane();
            lane.is_some_and(|lane| lanes.give_back_early(permit, lane))
        };
        world.run(take(0).expect("the first"));
        assert!(give_early(0) && !give_early(0), "it has only one");
        assert_eq!(lanes.lend(&permits[0]), None);
        world.run(take(1).expect("the second"));
        assert!(!give_early(1), "one poll goes on without");
        lanes.give_back(&permits[0]);
        assert!(!lanes.has_work() && give_early(1) && lanes.has_work());
        world.run(take(0).expect("the third"));
        lanes.give_back(&permits[1]);
        assert!(!lanes.has_work());
        lanes.give_back(&permits[0]);
        world.run(take(0).expect("the fourth"));
        assert_eq!(world.freed(), 4);
    }

    #[test]
    fn either_kind_has_permits_of_its_own_and_its_turn() {
        let (world, lanes) = (World::new(), Lanes::new(1));
        let push = |is_declared: bool| {
            let (task, joined) = world.spawn(async {});
            joined.detach(false);
            if is_declared {
                task.header().habit.declare_computing();
            }
            lanes.push(task, START);
        };
        (0..2).for_each(|_| push(true));
        (0..2).for_each(|_| push(false));
        let mut at = START;
        let mut take = |permit: &Permit| {
            at += Duration::from_millis(1);
            lanes.take(permit, || at)
        };
        for _ in 0..2 {
            let permits = [Permit::none(), Permit::none()];
            let tasks = [0, 1].map(|seat| take(&permits[seat]).expect("one of each"));
            let declared = tasks
                .each_ref()
                .map(|task| task.header().habit.is_declared());
            assert_ne!(declared[0], declared[1]);
            assert_eq!(permits[0].lane() == Some(DECLARED), declared[0]);
            assert!(take(&Permit::none()).is_none());
            tasks.into_iter().for_each(|task| world.run(task));
            for permit in &permits {
                lanes.give_back(permit);
            }
        }
        assert_eq!(world.freed(), 4);
    }

    #[test]
    fn a_lane_that_nobody_serves_is_overdue() {
        let (world, lanes) = (World::new(), Lanes::new(1));
        let permit = Permit::none();
        assert!(!lanes.is_overdue(START));
        let (task, joined) = world.spawn(async {});
        joined.detach(false);
        lanes.push(task, START);
        assert!(!lanes.is_overdue(START + PATIENCE / 2) && lanes.is_overdue(START + PATIENCE));
        world.run(lanes.take(&permit, || START).expect("the task"));
        assert!(!lanes.is_overdue(START + 2 * PATIENCE));
    }
}
