//! The runtime's own reference to each of its tasks that is not complete.
//!
//! Shutdown aborts what is in here and waits until it is empty; `task::all()` reads it. There is a
//! list per worker, so that a spawn and the completion that follows touch a lock that nobody else
//! wants, and some more for threads outside. An entry is a counted [`TaskRef`]: the one that rule 3
//! of `task` speaks of.

use crate::primitive::Mutex;
use crate::task::{Header, TaskInfo, TaskRef};
use crossbeam_utils::CachePadded;
use slab::Slab;
use std::sync::atomic::Ordering::Relaxed;

/// In place of a list's index: the task was never registered.
const NO_LIST: u32 = u32::MAX;

/// How many lists threads outside the runtime share.
const FOREIGN_LISTS: usize = if cfg!(all(test, filch_loom)) { 1 } else { 8 };

/// All incomplete tasks of a runtime.
#[derive(Debug)]
pub(crate) struct Registry {
    lists: Box<[CachePadded<Mutex<List>>]>,
    workers: usize,
}

#[derive(Debug)]
struct List {
    tasks: Slab<TaskRef>,
    /// The runtime shuts down: nothing is registered any more.
    closed: bool,
}

impl Registry {
    pub(crate) fn new(workers: usize) -> Registry {
        let list = |_| {
            CachePadded::new(Mutex::new(List {
                tasks: Slab::new(),
                closed: false,
            }))
        };
        Registry {
            lists: (0..workers + FOREIGN_LISTS).map(list).collect(),
            workers,
        }
    }

    /// The list for a task that is spawned outside the runtime's threads: one after the other, so
    /// that its spawner and the worker that completes the one before seldom want the same.
    pub(crate) fn foreign_list(&self, id: u64) -> usize {
        self.workers + (id % FOREIGN_LISTS as u64) as usize
    }

    /// Registers a task that was not published yet. `false`: the runtime shuts down; the caller
    /// keeps the duty to end the task, and the reference is already the runtime's.
    pub(crate) fn insert(&self, list: usize, task: TaskRef) -> bool {
        let mut guard = self.lists[list].lock();
        if guard.closed {
            drop(guard);
            task.header().list.store(NO_LIST, Relaxed);
            task.into_runtime();
            return false;
        }
        let entry = guard.tasks.vacant_entry();
        let header = task.header();
        header.list.store(list as u32, Relaxed);
        header.key.store(
            u32::try_from(entry.key()).expect("over 2^32 tasks"),
            Relaxed,
        );
        entry.insert(task);
        true
    }

    /// Takes a task out that is about to complete; its reference goes to the completing code.
    /// Returns whether its list became empty.
    pub(crate) fn remove(&self, header: &Header) -> bool {
        let list = header.list.load(Relaxed);
        if list == NO_LIST {
            return false;
        }
        let mut guard = self.lists[list as usize].lock();
        guard
            .tasks
            .remove(header.key.load(Relaxed) as usize)
            .into_runtime();
        guard.tasks.is_empty()
    }

    /// From now on nothing is registered; what is there is returned, for its abort.
    pub(crate) fn close(&self) -> Vec<TaskRef> {
        let mut tasks = Vec::new();
        for list in &self.lists {
            let mut guard = list.lock();
            guard.closed = true;
            tasks.extend(guard.tasks.iter().map(|(_, task)| task.clone()));
        }
        tasks
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lists.iter().all(|list| list.lock().tasks.is_empty())
    }

    pub(crate) fn len(&self) -> usize {
        self.lists.iter().map(|list| list.lock().tasks.len()).sum()
    }

    /// What every task is doing, by id.
    pub(crate) fn infos(&self) -> Vec<TaskInfo> {
        let mut tasks = Vec::new();
        for list in &self.lists {
            // References first: copying names is not done under the lock that spawns need.
            let refs: Vec<TaskRef> = list.lock().tasks.iter().map(|(_, t)| t.clone()).collect();
            tasks.extend(refs.iter().map(|task| TaskInfo::of(task.header())));
        }
        tasks.sort_by_key(TaskInfo::id);
        tasks
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::task::Runnable;
    use crate::testing::World;

    /// A task that is registered unless the registry is closed.
    fn insert(registry: &Registry, list: usize, world: &std::sync::Arc<World>) -> (bool, Runnable) {
        let allocated = world.allocate(async {});
        allocated.joined.detach(false);
        (
            registry.insert(list, allocated.registered),
            allocated.runnable,
        )
    }

    #[test]
    fn a_removal_says_whether_its_list_became_empty() {
        let (world, registry) = (World::new(), Registry::new(2));
        let tasks = [0, 0, 1].map(|list| insert(&registry, list, &world).1);
        assert_eq!((registry.len(), registry.infos().len()), (3, 3));
        assert!(!registry.remove(tasks[1].header()));
        assert!(registry.remove(tasks[0].header()));
        assert!(!registry.is_empty(), "there is another list");
        assert!(registry.remove(tasks[2].header()));
        assert!(registry.is_empty());
        tasks.into_iter().for_each(|task| world.run(task));
        assert_eq!(world.freed(), 3);
    }

    #[test]
    fn a_closed_registry_gives_out_its_tasks_and_takes_none() {
        let (world, registry) = (World::new(), Registry::new(1));
        let (taken, early) = insert(&registry, registry.foreign_list(7), &world);
        assert!(taken);
        assert_eq!(registry.close().len(), 1);
        let (taken, late) = insert(&registry, 0, &world);
        assert!(!taken);
        assert!(!registry.remove(late.header()), "it was never in");
        assert_eq!(registry.len(), 1, "closing takes nothing out");
        assert!(registry.remove(early.header()));
        [early, late].into_iter().for_each(|task| world.run(task));
        assert_eq!(world.freed(), 2);
    }
}
