//! The slow lane: where tasks wait whose polls compute for long.
//!
//! They are queued behind the others: a worker comes here when it finds nothing else of its own, or when
//! nobody has come for 5 ms. At most as many of them are polled at a time as the runtime has workers, each
//! with a *permit*. Beside them there is always a worker for the others, if need be a spare one
//! (`staff.rs`), and the operating system divides the cores between all.
//!
//! # Why no task is left here with a worker asleep
//!
//! For the idle protocol (`idle.rs`) a task here is work without a worker, as long as a permit is free: whoever
//! pushes it notifies, and a worker looks here at S4. When no permit is free, each is held by a worker
//! that is awake; it gives the permit back before it looks for its next task, and passes S4 before it
//! sleeps.

use crate::primitive::atomic::Ordering::{AcqRel, Relaxed};
use crate::primitive::atomic::{AtomicU64, AtomicUsize};
use crate::queue::{Injector, Stolen};
use crate::task::Runnable;
use filch_timer::Instant;
use std::time::Duration;

/// Nobody has come for this long: a worker does before it goes on with other tasks.
const PATIENCE: Duration = Duration::from_millis(5);

/// The lane and its permits.
#[derive(Debug)]
pub(crate) struct Lane {
    queue: Injector,
    permits: Permits,
    /// When a task was last taken, or put into the empty lane, in nanoseconds.
    served: AtomicU64,
}

/// How many more tasks of the lane may be polled.
#[derive(Debug)]
pub(crate) struct Permits(AtomicUsize);

impl Permits {
    pub(crate) fn new(count: usize) -> Permits {
        Permits(AtomicUsize::new(count))
    }

    pub(crate) fn any(&self) -> bool {
        self.0.load(Relaxed) > 0
    }

    pub(crate) fn take(&self) -> bool {
        let less = |count: usize| count.checked_sub(1);
        self.0.fetch_update(AcqRel, Relaxed, less).is_ok()
    }

    pub(crate) fn give(&self) {
        self.0.fetch_add(1, AcqRel);
    }
}

impl Lane {
    pub(crate) fn new(permits: usize) -> Lane {
        Lane {
            queue: Injector::new(),
            permits: Permits::new(permits),
            served: AtomicU64::new(0),
        }
    }

    /// Queues a task. The caller notifies a worker if it does not come here itself.
    pub(crate) fn push(&self, task: Runnable, now: Instant) {
        if self.queue.is_empty() {
            self.served.store(now.as_nanos(), Relaxed);
        }
        self.queue.push(task);
    }

    /// Whether a task waits that a worker could take; a hint, exact after a fence.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        !self.queue.is_empty() && self.permits.any()
    }

    /// How many tasks wait.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether tasks have waited here for too long.
    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.has_work()
            && now.duration_since(Instant::from_nanos(self.served.load(Relaxed))) >= PATIENCE
    }

    /// Takes a task and a permit for its poll, which goes back with [`Lane::done`].
    pub(crate) fn take(&self, now: impl FnOnce() -> Instant) -> Option<Runnable> {
        if self.queue.is_empty() || !self.permits.take() {
            return None;
        }
        loop {
            match self.queue.steal_one() {
                Stolen::Task(task) => {
                    self.served.store(now().as_nanos(), Relaxed);
                    return Some(task);
                }
                Stolen::Empty => break,
                Stolen::Retry => std::hint::spin_loop(),
            }
        }
        self.permits.give();
        None
    }

    /// The poll has ended. The caller looks for its next task, here too, before it sleeps.
    pub(crate) fn done(&self) {
        self.permits.give();
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn as_many_are_out_as_there_are_permits() {
        let (world, lane) = (World::new(), Lane::new(2));
        let now = || Instant::from_nanos(1);
        for _ in 0..3 {
            let (task, joined) = world.spawn(async {});
            joined.detach(false);
            lane.push(task, now());
        }
        let first = lane.take(now).expect("the first");
        world.run(first);
        world.run(lane.take(now).expect("the second"));
        assert!(!lane.has_work() && lane.len() == 1 && lane.take(now).is_none());
        lane.done();
        assert!(lane.has_work());
        world.run(lane.take(now).expect("the third"));
        lane.done();
        assert!(lane.take(now).is_none() && !lane.has_work());
        lane.done();
        assert_eq!(world.freed(), 3);
    }

    #[test]
    fn a_lane_that_nobody_serves_is_overdue() {
        let (world, lane) = (World::new(), Lane::new(1));
        let start = Instant::from_nanos(1 << 40);
        assert!(!lane.is_overdue(start));
        let (task, joined) = world.spawn(async {});
        joined.detach(false);
        lane.push(task, start);
        assert!(!lane.is_overdue(start + PATIENCE / 2) && lane.is_overdue(start + PATIENCE));
        world.run(lane.take(|| start).expect("the task"));
        assert!(!lane.is_overdue(start + 2 * PATIENCE));
    }
}
