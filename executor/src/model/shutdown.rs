//! The registry and the end of a runtime: announced, and not too early.

use super::Queue;
use crate::primitive::atomic::Ordering::SeqCst;
use crate::primitive::atomic::fence;
use crate::registry::ending::Ending;
use crate::registry::tasks::{Desk, Registry};
use crate::task::{Allocated, TaskRef};
use crate::testing::World;
use loom::thread;
use std::sync::Arc;

/// A registry with the desks of two workers, and its end.
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
            registry: Registry::new(2),
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

    /// A task; the reference that comes back keeps its header.
    fn insert(&self, desk: Option<&Desk>) -> (bool, TaskRef) {
        let Allocated {
            runnable,
            registered,
            joined,
        } = self.world.allocate(async {});
        // Nothing here runs tasks: what the registry does depends on the header alone.
        std::mem::forget(runnable);
        (self.registry.insert(desk, 0, registered), joined)
    }

    /// As the scheduler's `complete`, and, for a worker, its sleep or its leaving after its last task.
    fn complete(&self, desk: Option<&Desk>, task: &TaskRef) {
        self.registry.remove(desk, task.header());
        fence(SeqCst); // [gone], pairs with [ending]
        self.announce_if_over();
    }
}

/// The last two tasks complete, on a worker and outside, while the shutdown begins: somebody
/// announces the end.
///
/// Broken to see it fail: `begin` without its own look; `complete` reading the flag before it takes the
/// entry out; either side without its fence.
#[test]
fn the_end_is_announced() {
    loom::model(|| {
        let runtime = Runtime::new();
        let desk = Desk::new(0);
        let (_, first) = runtime.insert(Some(&desk));
        let (_, second) = runtime.insert(None);
        let theirs = Arc::clone(&runtime);
        let worker = thread::spawn(move || theirs.complete(Some(&desk), &first));
        let theirs = Arc::clone(&runtime);
        let outside = thread::spawn(move || theirs.complete(None, &second));
        runtime.begin();
        worker.join().unwrap();
        outside.join().unwrap();
        assert!(!runtime.announced.is_empty(), "nobody announced the end");
    });
}

/// A spawn against a shutdown: whoever sees the end, as a worker that leaves, leaves no task behind.
///
/// Broken to see it fail: `Ending::begin` setting the flag before it closes the registry, as it once
/// was.
#[test]
fn after_the_end_nothing_is_registered() {
    loom::model(|| {
        let runtime = Runtime::new();
        let theirs = Arc::clone(&runtime);
        let spawner = thread::spawn(move || theirs.insert(Some(&Desk::new(0))).0);
        let theirs = Arc::clone(&runtime);
        let worker = thread::spawn(move || theirs.ending.is_over(&theirs.registry));
        runtime.begin();
        let (registered, left) = (spawner.join().unwrap(), worker.join().unwrap());
        assert!(!(registered && left), "a task was left behind");
        assert_eq!(registered, !runtime.registry.is_empty());
    });
}

/// A spawn against a shutdown: a task that is registered is among those that the shutdown aborts.
///
/// Broken to see it fail: [registry-in] or [registry-close] left out.
#[test]
fn a_registered_task_is_seen_by_the_shutdown() {
    loom::model(|| {
        let runtime = Runtime::new();
        let theirs = Arc::clone(&runtime);
        let spawner = thread::spawn(move || theirs.insert(Some(&Desk::new(0))).0);
        let seen = runtime.ending.begin(&runtime.registry).len();
        assert!(!spawner.join().unwrap() || seen == 1, "it is never aborted");
    });
}

/// A parent registers its child, then ends: the registry is not empty in between, whoever looks.
///
/// Broken to see it fail: `Registry::len` reading the registrations first.
#[test]
fn a_child_is_counted_before_its_parent_goes() {
    loom::model(|| {
        let runtime = Runtime::new();
        let desk = Desk::new(0);
        let (_, parent) = runtime.insert(Some(&desk));
        let theirs = Arc::clone(&runtime);
        let worker = thread::spawn(move || {
            let (_, child) = theirs.insert(Some(&desk));
            theirs.registry.remove(Some(&desk), parent.header());
            child
        });
        assert!(!runtime.registry.is_empty());
        drop(worker.join().unwrap());
    });
}

/// A reader against the completion of the task that it looks at, and of the one that then takes its
/// place: what is read is alive, and every task is freed once.
///
/// Broken to see it fail: `Place::read` counting its reference without the mark.
#[test]
fn a_task_that_is_read_is_alive() {
    loom::model(|| {
        let runtime = Runtime::new();
        let desk = Desk::new(0);
        let (_, first) = runtime.insert(Some(&desk));
        let theirs = Arc::clone(&runtime);
        let worker = thread::spawn(move || {
            theirs.registry.remove(Some(&desk), first.header());
            release_both(first);
            theirs.insert(Some(&desk)).1
        });
        let seen = runtime.registry.close();
        assert!(seen.iter().all(|task| task.header().id.as_u64() == 1));
        let second = worker.join().unwrap();
        drop(seen);
        assert_eq!(runtime.world.freed(), 1, "the first one, once");
        drop(second);
    });
}

/// The registry's reference, which came back with the removal, and the caller's.
fn release_both(task: TaskRef) {
    let raw = std::ptr::NonNull::new(task.into_raw()).expect("a reference");
    // SAFETY: these are the two references that a new task has.
    unsafe {
        drop(TaskRef::from_raw(raw));
        drop(TaskRef::from_raw(raw));
    }
}
