//! The next-task slot: its worker against a thief.

use crate::slot::Slot;
use crate::testing::World;
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
