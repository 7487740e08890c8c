//! The end of a runtime: announced, and not too early.

use super::Queue;
use crate::ending::Ending;
use crate::registry::Registry;
use crate::task::{Allocated, TaskRef};
use crate::testing::World;
use loom::thread;
use std::sync::Arc;

/// A registry of two lists and its end.
struct Runtime {
    world: Arc<World>,
    registry: Registry,
    ending: Ending,
    announced: Queue,
}

impl Runtime {
    fn new() -> Arc<Runtime> {
        Arc::new(Runtime {
            world: World::new(),
            registry: Registry::new(1),
            ending: Ending::new(),
            announced: Queue::new(),
        })
    }

    /// As `Shared::task_gone`.
    fn announce_if_over(&self) {
        if self.ending.is_over(&self.registry) {
            self.announced.push();
        }
    }

    /// As `Shared::begin_shutdown`.
    fn begin(&self) {
        drop(self.ending.begin(&self.registry));
        self.announce_if_over();
    }

    /// A task in the given list; the reference that comes back keeps its header.
    fn insert(&self, list: usize) -> (bool, TaskRef) {
        let Allocated {
            runnable,
            registered,
            joined,
        } = self.world.allocate(async {});
        // Nothing here runs tasks: what the registry does depends on the header alone.
        std::mem::forget(runnable);
        (self.registry.insert(list, registered), joined)
    }

    /// As the scheduler's `complete`.
    fn complete(&self, task: &TaskRef) {
        if self.registry.remove(task.header()) {
            self.announce_if_over();
        }
    }
}

/// The last two tasks complete while the shutdown begins: somebody announces the end.
///
/// Broken to see it fail: `begin` without its own look; `complete` reading the flag before it takes the entry
/// out.
#[test]
fn the_end_is_announced() {
    loom::model(|| {
        let runtime = Runtime::new();
        let tasks = [0, 1].map(|list| runtime.insert(list).1);
        let threads = tasks.map(|task| {
            let runtime = Arc::clone(&runtime);
            thread::spawn(move || runtime.complete(&task))
        });
        runtime.begin();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert!(!runtime.announced.is_empty(), "nobody announced the end");
    });
}

/// A spawn against a shutdown: whoever sees the end, as a worker that leaves, leaves no task behind.
///
/// Broken to see it fail: `Ending::begin` setting the flag before it closes the registry, as it once was.
#[test]
fn after_the_end_nothing_is_registered() {
    loom::model(|| {
        let runtime = Runtime::new();
        let theirs = Arc::clone(&runtime);
        let spawner = thread::spawn(move || theirs.insert(0).0);
        let theirs = Arc::clone(&runtime);
        let worker = thread::spawn(move || theirs.ending.is_over(&theirs.registry));
        runtime.begin();
        let (registered, left) = (spawner.join().unwrap(), worker.join().unwrap());
        assert!(!(registered && left), "a task was left behind");
        assert_eq!(registered, !runtime.registry.is_empty());
    });
}
