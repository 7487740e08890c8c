//! Workers that leave their work for a long poll: somebody goes on with it.

use super::Queue;
use crate::primitive::atomic::AtomicBool;
use crate::primitive::atomic::Ordering::{Relaxed, SeqCst};
use crate::primitive::atomic::fence;
use crate::queues::slot::Slot;
use crate::rest::idle::Idle;
use crate::rest::parker::{Parker, Unpark};
use crate::signs::watch::{Known, Mark, Stuck, Watch};
use crate::testing::World;
use filch_timer::Instant;
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Counter, Ordering};

const NOW: Instant = Instant::from_nanos(1);

const BLOCKED: Mark = Mark {
    stuck: Stuck::Blocked,
    known: Known::Declared,
};

/// Two seats, with what the protocol reads of each.
struct Runtime {
    idle: Idle,
    held: [AtomicBool; 2],
    watches: [Watch; 2],
    parkers: [Parker; 2],
    /// That of seat 0.
    slot: Slot,
    backstop: Parker,
    /// Times that somebody was called. No part of the protocol, so it orders nothing.
    calls: Counter,
}

impl Runtime {
    /// Both seats are held by workers in their first poll.
    fn new() -> Arc<Runtime> {
        let watch = || {
            let watch = Watch::new();
            watch.begin(1, 1);
            watch
        };
        Arc::new(Runtime {
            idle: Idle::new(2, 0),
            held: [AtomicBool::new(true), AtomicBool::new(true)],
            watches: [watch(), watch()],
            parkers: [Parker::new(), Parker::new()],
            slot: Slot::new(),
            backstop: Parker::new(),
            calls: Counter::new(0),
        })
    }

    fn is_staffed(&self) -> bool {
        (0..2).any(|seat| self.held[seat].load(Relaxed) && self.watches[seat].stuck().is_none())
    }

    fn call_help(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn notify(&self, worker: Option<usize>) {
        if let Some(worker) = worker {
            assert_eq!(self.parkers[worker].unpark(), Unpark::Done);
        }
    }

    /// `Away::start` and `Shared::leave_work`.
    fn leave_work(&self, seat: usize) {
        self.watches[seat].announce(1, BLOCKED, NOW);
        fence(SeqCst); // [away], pairs with [idle-sub] and itself
        if !self.is_staffed() {
            self.call_help();
        } else if seat == 0 && self.slot.is_occupied() {
            self.notify(self.idle.notify());
        }
    }

    /// What of `Worker::give_up_seat` others see.
    fn give_up_seat(&self, seat: usize) {
        self.watches[seat].rest();
        self.held[seat].store(false, Relaxed);
        self.notify(self.idle.notify_any());
        assert_eq!(self.backstop.unpark(), Unpark::Done);
    }
}

/// Two workers announce long polls at the same time: one of them sees that nobody is left, and calls.
///
/// Broken to see it fail: the fence [away].
#[test]
fn of_two_that_leave_at_the_same_time_one_calls_somebody() {
    loom::model(|| {
        let runtime = Runtime::new();
        let theirs = Arc::clone(&runtime);
        let other = thread::spawn(move || theirs.leave_work(1));
        runtime.leave_work(0);
        other.join().unwrap();
        assert!(runtime.calls() > 0, "nobody was called");
    });
}

/// A worker announces a long poll, with a task in its slot, while the other one falls asleep: that one sees
/// the task, or is woken for it.
///
/// Broken to see it fail: [idle-sub] in `start_sleeping`; `leave_work` notifying nobody. (Without [away] it holds:
/// `notify` fences again before it looks who sleeps.)
#[test]
fn whoever_falls_asleep_sees_what_waits_behind_a_long_poll() {
    loom::model(|| {
        let (world, runtime) = (World::new(), Runtime::new());
        let (task, joined) = world.spawn(async {});
        joined.detach(false);
        assert!(runtime.slot.put(task).is_none());
        let theirs = Arc::clone(&runtime);
        let stuck = thread::spawn(move || theirs.leave_work(0));
        let mut searching = false;
        let task = loop {
            if runtime.watches[0].stuck().is_some()
                && let Some(task) = runtime.slot.take()
            {
                break task;
            }
            runtime.watches[1].rest();
            runtime.idle.start_sleeping(1, searching);
            // `Remote::has_surplus`.
            if runtime.slot.is_occupied() && runtime.watches[0].stuck().is_some() {
                searching = runtime.idle.stop_sleeping(1) || runtime.idle.join_search();
            } else {
                runtime.parkers[1].park(None);
                searching = runtime.idle.stop_sleeping(1);
            }
        };
        world.run(task);
        stuck.join().unwrap();
    });
}

/// A spare worker gives up its seat while the only other one announces a long poll, and still sees it
/// staffed: the backstop, which is woken then, sees that nobody is left.
///
/// Broken to see it fail: `give_up_seat` not waking the backstop; the backstop looking only before it parks.
#[test]
fn the_backstop_sees_that_the_last_one_has_left() {
    loom::model(|| {
        let runtime = Runtime::new();
        let spare = {
            let runtime = Arc::clone(&runtime);
            thread::spawn(move || runtime.give_up_seat(1))
        };
        let worker = {
            let runtime = Arc::clone(&runtime);
            thread::spawn(move || runtime.leave_work(0))
        };
        // One token is all that the backstop gets.
        while !runtime.backstop.park(None) {}
        if !runtime.is_staffed() {
            runtime.call_help();
        }
        spare.join().unwrap();
        worker.join().unwrap();
        assert!(runtime.calls() > 0, "nobody was called");
    });
}

/// With more workers than processors, a publisher relies on a worker that is awake, which enters a long poll just then,
/// and says so; or the monitor does. One of them sees to it that somebody comes for the task.
///
/// Broken to see it fail: `Shared::notify_one` without its fence [idle-pub]; `leave_work` without [away], the census
/// without [found].
#[test]
fn who_relies_on_a_worker_that_leaves_is_not_let_down() {
    for is_announced in [true, false] {
        loom::model(move || {
            let shared = Arc::new((Watch::new(), Queue::new(), Counter::new(0)));
            shared.0.begin(1, 1);
            let theirs = Arc::clone(&shared);
            let publisher = thread::spawn(move || {
                let (watch, queue, notified) = &*theirs;
                queue.push();
                fence(SeqCst); // [idle-pub], pairs with [away] and [found]
                if watch.mark().is_some() {
                    notified.fetch_add(1, Ordering::Relaxed);
                }
            });
            let (watch, queue, notified) = &*shared;
            match is_announced {
                true => watch.announce(1, BLOCKED, NOW),
                false => watch.accuse(1, Stuck::Computing, NOW),
            }
            fence(SeqCst); // [away], [found], pair with [idle-pub]
            if !queue.is_empty() {
                notified.fetch_add(1, Ordering::Relaxed);
            }
            publisher.join().unwrap();
            assert!(shared.2.load(Ordering::Relaxed) > 0, "nobody comes");
        });
    }
}
