//! The idle protocol: no task is left behind while a worker sleeps.

use super::Queue;
use crate::rest::idle::Idle;
use crate::rest::parker::{Parker, Unpark};
use loom::sync::atomic::{Ordering::SeqCst, fence};
use loom::thread;
use std::sync::Arc;

/// Workers and one queue; a worker runs one task and is then busy for ever.
struct Pool {
    idle: Idle,
    queue: Queue,
    parkers: Vec<Parker>,
    /// So many workers awake are enough.
    processors: usize,
}

impl Pool {
    fn new(workers: usize) -> Arc<Pool> {
        Pool::with_processors(workers, usize::MAX)
    }

    fn with_processors(workers: usize, processors: usize) -> Arc<Pool> {
        let parkers = (0..workers).map(|_| Parker::new()).collect();
        Arc::new(Pool {
            idle: Idle::new(workers, 0),
            queue: Queue::new(),
            parkers,
            processors,
        })
    }

    fn publish(&self) {
        self.queue.push();
        self.notify_one();
    }

    /// `Shared::notify_one`.
    fn notify_one(&self) {
        if self.parkers.len() >= self.processors {
            fence(SeqCst); // [idle-pub], pairs with [idle-sub]
            if self.parkers.len() - self.idle.count() >= self.processors {
                return;
            }
        }
        if let Some(worker) = self.idle.notify() {
            assert_eq!(self.parkers[worker].unpark(), Unpark::Done);
        }
    }

    /// `Worker::work`, `run_task` and `sleep`, up to the first task.
    fn work(&self, worker: usize) {
        let mut searching = false;
        loop {
            searching = searching || self.idle.start_searching();
            if searching && self.queue.pop() {
                if self.idle.stop_searching() && !self.queue.is_empty() {
                    self.notify_one();
                }
                return;
            }
            self.idle
                .start_sleeping(worker, std::mem::take(&mut searching));
            if self.queue.is_empty() {
                self.parkers[worker].park(None);
                searching = self.idle.stop_sleeping(worker);
            } else {
                searching = self.idle.stop_sleeping(worker) || self.idle.join_search();
            }
        }
    }
}

/// One publisher, one worker on its way to sleep.
///
/// Broken to see it fail: the fence [idle-pub], or [idle-sub] in `start_sleeping`; S1 after S3; S4, the second
/// look at the queue, left out.
#[test]
fn a_worker_that_falls_asleep_is_woken_or_sees_the_task() {
    loom::model(|| {
        let pool = Pool::new(1);
        let theirs = Arc::clone(&pool);
        let worker = thread::spawn(move || theirs.work(0));
        pool.publish();
        worker.join().unwrap();
    });
}

/// The same with one processor, so that the publisher wakes nobody while the worker is awake.
///
/// Broken to see it fail: `notify_one` without its fence; S1 after S3.
#[test]
fn a_publisher_relies_on_a_worker_that_is_awake() {
    loom::model(|| {
        let pool = Pool::with_processors(1, 1);
        let theirs = Arc::clone(&pool);
        let worker = thread::spawn(move || theirs.work(0));
        pool.publish();
        worker.join().unwrap();
    });
}

/// Two tasks, two workers, and a publisher that wakes nobody while one of them searches: the one that finds
/// a task wakes the other.
///
/// Broken to see it fail: the last searcher not notifying; `stop_searching` without its fence; `claim` not counting
/// the worker as searching (the count then falls below zero).
#[test]
fn the_last_searcher_passes_the_wake_on() {
    loom::model(|| {
        let pool = Pool::new(2);
        let workers = [0, 1].map(|worker| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.work(worker))
        });
        pool.publish();
        pool.publish();
        workers
            .into_iter()
            .for_each(|worker| worker.join().unwrap());
    });
}

/// Two publishers at once.
///
/// Broken to see it fail: `claim` not counting the worker as searching; S1 after S3.
#[test]
fn two_publishers_leave_nothing_behind() {
    loom::model(|| {
        let pool = Pool::new(2);
        let theirs = Arc::clone(&pool);
        let publisher = thread::spawn(move || theirs.publish());
        let theirs = Arc::clone(&pool);
        let worker = thread::spawn(move || {
            theirs.work(0);
            theirs.work(0);
        });
        pool.publish();
        worker.join().unwrap();
        publisher.join().unwrap();
    });
}

/// A worker that wakes by itself just when it is notified finds its count, and gives it up as the last
/// searcher.
///
/// Broken to see it fail: `Idle::claim` counting the worker after clearing its bit.
#[test]
fn a_worker_that_was_claimed_is_counted() {
    loom::model(|| {
        let idle = Arc::new(Idle::new(1, 0));
        idle.start_sleeping(0, false);
        let notifier = {
            let idle = Arc::clone(&idle);
            thread::spawn(move || idle.notify())
        };
        if idle.stop_sleeping(0) {
            assert!(
                idle.stop_searching(),
                "a count was given up that was not there"
            );
        }
        notifier.join().unwrap();
    });
}
