//! The next-task slot: its worker, a thief and the monitor.

use crate::primitive::atomic::AtomicBool;
use crate::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::queues::slot::Slot;
use crate::rest::idle::Idle;
use crate::rest::parker::{Parker, Unpark};
use crate::signs::watch::{Stuck, Watch};
use crate::task::Runnable;
use crate::testing::World;
use filch_timer::Instant;
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Counter, Ordering};

/// A worker fills its slot twice and takes from it; the monitor, or a thief, takes too. Every task runs
/// once, and its future is handed over in order.
///
/// Broken to see it fail: `take` as a load and a store (a task runs twice); `put` returning None when it
/// displaced a task; the store in `put` or the swap in `take` with Relaxed (the task is unordered).
#[test]
fn every_task_in_the_slot_runs_once() {
    loom::model(|| {
        let world = World::new();
        let slot = Arc::new(Slot::new());
        let runs = Arc::new(Counter::new(0));
        let (their_world, their_slot) = (Arc::clone(&world), Arc::clone(&slot));
        let thief = thread::spawn(move || {
            if let Some(task) = their_slot.take() {
                their_world.run(task);
            }
        });
        for _ in 0..2 {
            let count = Arc::clone(&runs);
            let (task, joined) = world.spawn(async move {
                count.fetch_add(1, Ordering::Relaxed);
            });
            joined.detach(false);
            if let Some(displaced) = slot.put(task) {
                world.run(displaced);
            }
        }
        if let Some(task) = slot.take() {
            world.run(task);
        }
        thief.join().unwrap();
        assert_eq!((runs.load(Ordering::Relaxed), world.freed()), (2, 2));
    });
}

/// A worker inside a poll, and one that is idle.
struct Runtime {
    world: Arc<World>,
    idle: Idle,
    thief: Parker,
    watch: Watch,
    slot: Slot,
    /// It hands a task over as the injector does, and shows as little of it before.
    injector: Slot,
    /// The idle worker sleeps; the poll's task has been run.
    asleep: AtomicBool,
    done: AtomicBool,
}

impl Runtime {
    /// Worker 0 is in its first poll.
    fn new() -> Arc<Runtime> {
        let watch = Watch::new();
        watch.begin(1, 1);
        Arc::new(Runtime {
            world: World::new(),
            idle: Idle::new(2, 0),
            thief: Parker::new(),
            watch,
            slot: Slot::new(),
            injector: Slot::new(),
            asleep: AtomicBool::new(false),
            done: AtomicBool::new(false),
        })
    }

    fn notify_one(&self) {
        if let Some(worker) = self.idle.notify() {
            assert_eq!((worker, self.thief.unpark()), (1, Unpark::Done));
        }
    }

    /// `Core::schedule_woken`: the poll wakes a task. One that waits is not worth a wake.
    fn schedule_woken(&self) {
        let (task, joined) = self.world.spawn(async {});
        joined.detach(false);
        if self.watch.mark().is_none() {
            assert!(self.slot.put(task).is_none());
            return;
        }
        assert!(self.injector.put(task).is_none());
        self.notify_one();
    }

    /// `Monitor::look`, at a poll that goes on for long.
    fn look(&self) {
        let waiting = self.slot.is_occupied();
        self.watch
            .accuse(1, Stuck::Computing, Instant::from_nanos(1));
        if waiting && self.idle.any() {
            self.notify_one();
        }
    }

    fn find(&self) -> Option<Runnable> {
        let injected = self.injector.take();
        if injected.is_none() && self.watch.stuck().is_some() {
            return self.slot.take();
        }
        injected
    }

    fn has_work(&self) -> bool {
        self.injector.is_occupied() || self.slot.is_occupied() && self.watch.stuck().is_some()
    }

    /// Worker 1, up to its first task.
    fn steal(&self) {
        let mut searching = false;
        let task = loop {
            if let Some(task) = self.find() {
                break task;
            }
            self.idle.start_sleeping(1, searching);
            if self.has_work() {
                searching = self.idle.stop_sleeping(1) || self.idle.join_search();
            } else {
                self.asleep.store(true, Release);
                self.thief.park(None);
                self.asleep.store(false, Relaxed);
                searching = self.idle.stop_sleeping(1);
            }
        };
        self.world.run(task);
        self.done.store(true, Release);
    }
}

/// The poll wakes a task just when the monitor finds that it is long, and never returns; the idle worker runs
/// the task.
///
/// What guarantees it: if the worker sees the mark, the task goes to the injector, and the idle protocol alone
/// sees to it. If not, the task is in the slot, which the monitor's first look may have found empty: the next one
/// finds it, and whoever sleeps by then. There are later ones as long as the poll computes, or has been
/// found to be blocked less than 100 ms ago; a worker that has been asleep for as long sees the mark when
/// it wakes up.
///
/// Broken to see it fail: the look not notifying; the thief leaving a stuck worker's slot alone; `schedule_woken`
/// not notifying when it sees the mark.
#[test]
fn what_a_stuck_poll_wakes_is_found_by_the_next_look() {
    loom::model(|| {
        let runtime = Runtime::new();
        let theirs = Arc::clone(&runtime);
        let worker = thread::spawn(move || theirs.schedule_woken());
        let theirs = Arc::clone(&runtime);
        let thief = thread::spawn(move || theirs.steal());
        runtime.look();
        worker.join().unwrap();
        loop {
            while !runtime.asleep.load(Acquire) && !runtime.done.load(Acquire) {
                thread::yield_now();
            }
            if runtime.done.load(Acquire) {
                break;
            }
            runtime.look();
            thread::yield_now();
        }
        thief.join().unwrap();
        assert_eq!(runtime.world.freed(), 1);
    });
}

/// The monitor and another worker speak of a poll that ends meanwhile. Its worker hears of the accusation: it has to
/// take back what the monitor did about its slice. Of its next poll nobody has said anything.
///
/// Broken to see it fail: `accuse` trying only once; `suspect` replacing whatever it finds; `end` not looking at
/// the tick.
#[test]
fn a_suspicion_hides_no_accusation() {
    loom::model(|| {
        let watch = Arc::new(Watch::new());
        watch.begin(1, 1);
        let accused = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&watch);
        let peer = thread::spawn(move || theirs.suspect(1));
        let (theirs, is_said) = (Arc::clone(&watch), Arc::clone(&accused));
        let monitor = thread::spawn(move || {
            theirs.accuse(1, Stuck::Computing, Instant::from_nanos(1));
            is_said.store(true, Release);
        });
        let is_accused = accused.load(Acquire);
        let said = watch.end(1).map(|(mark, _)| mark.stuck);
        if is_accused {
            assert_eq!(said, Some(Stuck::Computing));
        }
        watch.begin(2, 1);
        assert_eq!(watch.mark(), None);
        peer.join().unwrap();
        monitor.join().unwrap();
        if said != Some(Stuck::Computing) {
            assert!(watch.is_marked(), "or the next poll would not take it back");
        }
        assert_eq!(watch.end(2), None);
    });
}
