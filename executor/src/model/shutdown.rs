//! The registry and the end of a runtime: announced, and not too early; and its threads: joined, each by one.

use super::Queue;
use crate::primitive::atomic::Ordering::{Relaxed, SeqCst};
use crate::primitive::atomic::{AtomicUsize, fence};
use crate::registry::ending::Ending;
use crate::registry::tasks::{Desk, Registry};
use crate::registry::threads::{Kind, Threads};
use crate::task::memory::{Depot, Store, lend};
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

impl Drop for Runtime {
    /// Takes out what a model has left registered, as a runtime does before it goes; its `Table` sees to that.
    /// By now all threads are joined. Not after a panic: what a drop would then do is not part of the model.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for task in self.registry.tasks() {
            self.registry.remove(None, task.header());
        }
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
        let theirs = Arc::clone(&runtime);
        let looker = thread::spawn(move || theirs.registry.is_empty());
        // The worker first: loom knows of each atomic only who was there last. A counter that is loaded before it is
        // stored hides from it whoever has only loaded it earlier, and it would try no other order.
        drop(worker.join().unwrap());
        assert!(!looker.join().unwrap(), "it looked empty");
    });
}

/// A reader against the completion of the task that it looks at, and of the one that then takes its
/// place, in the same memory if that was free by then: what is read is alive, and every task is freed once.
///
/// Broken to see it fail: `Place::read` counting its reference without the mark.
#[test]
fn a_task_that_is_read_is_alive() {
    loom::model(|| {
        // The allocator would decide by chance whether the second task has the first one's address, and so whether
        // the reader's exchange succeeds; loom repeats an execution only if nothing is left to chance.
        let memory = Store::new(Arc::new(Depot::new()));
        let _lent = lend(Some(&memory));
        let runtime = Runtime::new();
        let desk = Desk::new(0);
        let (_, first) = runtime.insert(Some(&desk));
        let theirs = Arc::clone(&runtime);
        let worker = thread::spawn(move || {
            theirs.registry.remove(Some(&desk), first.header());
            let place = address(&first);
            release_both(first);
            let is_free = theirs.world.freed() == 1;
            let second = theirs.insert(Some(&desk)).1;
            assert_eq!(address(&second) == place, is_free);
            second
        });
        let seen = runtime.registry.close();
        assert!(seen.iter().all(|task| task.header().id.as_u64() == 1));
        let second = worker.join().unwrap();
        drop(seen);
        assert_eq!(runtime.world.freed(), 1, "the first one, once");
        drop(second);
    });
}

fn address(task: &TaskRef) -> usize {
    std::ptr::from_ref(task.header()).addr()
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

/// The threads of a runtime, and how many times one was joined.
struct Crew {
    threads: Threads<thread::JoinHandle<()>>,
    joins: AtomicUsize,
}

impl Crew {
    fn new() -> Arc<Crew> {
        Arc::new(Crew {
            threads: Threads::new(),
            joins: AtomicUsize::new(0),
        })
    }

    /// Starts a thread that ends at once, as one that has rested for long. Whether it was not too late.
    fn start(self: &Arc<Crew>) -> bool {
        let own = Arc::clone(self);
        let body = move |number| {
            if let Some(before) = own.threads.end(number) {
                own.join(before);
            }
        };
        let start = |number| Ok(thread::spawn(move || body(number)));
        let started = self.threads.start(Kind::Crew, String::new(), start);
        started.expect("a model's thread starts")
    }

    /// As `Threads::join`.
    fn join(&self, (number, handle): (u64, thread::JoinHandle<()>)) {
        handle.join().unwrap();
        self.joins.fetch_add(1, Relaxed);
        self.threads.joined(number);
    }

    /// As `Shared::see_to_the_end`.
    fn see_to_the_end(&self) {
        assert!(self.threads.await_ends(None));
        while let Some(thread) = self.threads.next_ended() {
            self.join(thread);
        }
    }
}

/// Two threads end by themselves while the undertaker comes: each is joined, once, by the other one or by the
/// undertaker.
///
/// Broken to see it fail: `end` not notifying.
#[test]
fn each_thread_is_joined_once() {
    loom::model(|| {
        let crew = Crew::new();
        assert!(crew.start() && crew.start());
        crew.see_to_the_end();
        assert_eq!(crew.joins.load(Relaxed), 2);
        assert!(crew.threads.is_empty());
    });
}

/// A thread is started while the undertaker comes: it is joined, or does not come.
///
/// Broken to see it fail: `start` without its look at `over`.
#[test]
fn a_thread_that_comes_late_is_joined_or_kept_from_coming() {
    loom::model(|| {
        let crew = Crew::new();
        let theirs = Arc::clone(&crew);
        let starter = thread::spawn(move || theirs.start());
        crew.see_to_the_end();
        let joins = crew.joins.load(Relaxed);
        assert_eq!(joins, usize::from(starter.join().unwrap()));
        assert!(crew.threads.is_empty());
    });
}
