//! The runtime's own reference to each of its tasks that is not complete.
//!
//! Shutdown aborts what is in here and waits until it is empty; `task::all()` reads it. Every task has
//! a place in a [`Table`]; an entry is a counted [`TaskRef`]: the one that rule 3 of `task` speaks of.
//!
//! No lock and no line that others write lies on a worker's path from spawn to completion. A worker has
//! a *desk* of its own: a stock of free places, exchanged in batches with the store that all share, and a
//! tally of tasks that it has registered and removed. Whoever completes a task keeps its place, so a
//! worker that runs what another one spawned takes nothing from it but the task. So has a thread in `block_on` that
//! found a place (`seats/guests.rs`). Other threads share a few desks, each behind a lock: those that spawn
//! with what else that takes (`seats/outside.rs`), the rest here.
//!
//! # When it is empty
//!
//! When as many tasks were removed as registered. The tallies only grow, and nobody removes a task
//! before it is registered. Whoever reads all removals first and all registrations afterwards, and
//! finds the sums equal, knows that they were equal in between.
//!
//! # Why a closed registry takes nothing
//!
//! Whoever registers a task puts it in its place, fences [registry-in] and looks whether the
//! registry is closed; whoever closes it says so, fences [registry-close] and lists the tasks. Either
//! the first sees that it is closed, and takes its task back, or the second sees the task.

use crate::primitive::Mutex;
use crate::primitive::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use crate::primitive::atomic::{AtomicBool, AtomicU64, fence};
use crate::registry::holders::Holders;
use crate::registry::table::Table;
use crate::task::{Header, TaskId, TaskInfo, TaskRef};
use crossbeam_utils::CachePadded;
use filch_timer::Instant;
use std::cell::RefCell;
use std::panic::Location;

/// In place of a place's index: the task was never registered.
const NO_PLACE: u32 = u32::MAX;

/// Free places are exchanged so many at a time.
const BATCH: usize = if cfg!(all(test, filch_loom)) { 1 } else { 64 };

/// How many threads in `block_on` have a desk, and what else it takes to spawn, of their own at a time.
pub(crate) const GUEST_DESKS: usize = if cfg!(all(test, filch_loom)) { 1 } else { 4 };

/// How many desks there are for other threads that spawn. They are behind locks, elsewhere (`seats/outside.rs`).
pub(crate) const OUTSIDE_KITS: usize = if cfg!(all(test, filch_loom)) { 1 } else { 8 };

/// How many desks those share that have none: threads for blocking calls, and spare ones.
const OUTSIDE_DESKS: usize = if cfg!(all(test, filch_loom)) { 1 } else { 8 };

/// All incomplete tasks of a runtime.
#[derive(Debug)]
pub(crate) struct Registry {
    table: Table,
    /// The runtime shuts down: nothing is registered any more.
    closed: AtomicBool,
    /// One per guest and kit outside, then one per worker, then one per outside desk.
    tallies: Box<[CachePadded<Tally>]>,
    outside: Box<[CachePadded<Mutex<Stock>>]>,
    store: Mutex<Store>,
    pub(crate) holders: Holders,
}

/// What one desk has registered and removed. Written by its holder alone.
#[derive(Debug)]
struct Tally {
    registered: AtomicU64,
    removed: AtomicU64,
}

/// Free places.
#[derive(Debug, Default)]
struct Stock(Vec<u32>);

/// The free places that no desk holds.
#[derive(Debug)]
struct Store {
    free: Vec<u32>,
    /// From here on, places were never given out.
    unused: usize,
}

/// A stock of one's own, and the number of its tally.
#[derive(Debug)]
pub(crate) struct Desk {
    number: usize,
    stock: RefCell<Stock>,
}

impl Desk {
    /// A worker's. Spare ones come after the workers, and have no tally: they use what all share.
    pub(crate) fn new(worker: usize) -> Desk {
        Desk::numbered(GUEST_DESKS + OUTSIDE_KITS + worker)
    }

    /// That of a place for guests. Whoever has the place next has seen what the one before has written.
    pub(crate) fn of_guest(place: usize) -> Desk {
        debug_assert!(place < GUEST_DESKS);
        Desk::numbered(place)
    }

    /// That of a kit outside. Its lock orders its holders.
    pub(crate) fn of_outside(kit: usize) -> Desk {
        debug_assert!(kit < OUTSIDE_KITS);
        Desk::numbered(GUEST_DESKS + kit)
    }

    fn numbered(number: usize) -> Desk {
        Desk {
            number,
            stock: RefCell::default(),
        }
    }
}

impl Registry {
    pub(crate) fn new(workers: usize) -> Registry {
        let tally = |_| {
            CachePadded::new(Tally {
                registered: AtomicU64::new(0),
                removed: AtomicU64::new(0),
            })
        };
        let desk = |_| CachePadded::new(Mutex::new(Stock::default()));
        let table = Table::new();
        table.grow(BATCH);
        Registry {
            table,
            closed: AtomicBool::new(false),
            tallies: (0..GUEST_DESKS + OUTSIDE_KITS + workers + OUTSIDE_DESKS)
                .map(tally)
                .collect(),
            outside: (0..OUTSIDE_DESKS).map(desk).collect(),
            store: Mutex::new(Store {
                free: Vec::new(),
                unused: 0,
            }),
            holders: Holders::new(),
        }
    }

    /// Registers a task that was not published yet; `desk` is the caller's own, `salt` spreads the
    /// others. `false`: the runtime shuts down; the caller keeps the duty to end the task, and the
    /// reference is already the runtime's.
    #[inline]
    pub(crate) fn insert(&self, desk: Option<&Desk>, salt: u64, task: TaskRef) -> bool {
        self.at(desk, salt, |stock, tally| {
            let place = stock.get(self);
            task.header().place.store(place, Relaxed);
            tally.add(&tally.registered);
            self.table.put(place, task);
            fence(SeqCst); // [registry-in], pairs with [registry-close]
            if !self.closed.load(Relaxed) {
                return true;
            }
            let refused = self.table.take(place);
            refused.header().place.store(NO_PLACE, Relaxed);
            refused.into_runtime();
            stock.give(self, place);
            tally.add(&tally.removed);
            false
        })
    }

    /// Takes a task out that is about to complete; its reference goes to the completing code.
    #[inline]
    pub(crate) fn remove(&self, desk: Option<&Desk>, header: &Header) {
        let place = header.place.load(Relaxed);
        if place == NO_PLACE {
            return;
        }
        self.at(desk, u64::from(place), |stock, tally| {
            self.table.take(place).into_runtime();
            stock.give(self, place);
            tally.add(&tally.removed);
        });
    }

    /// Runs `f` at the caller's desk.
    #[inline]
    fn at<R>(&self, desk: Option<&Desk>, salt: u64, f: impl FnOnce(&mut Stock, &Tally) -> R) -> R {
        let owned = self.tallies.len() - self.outside.len();
        match desk {
            Some(desk) if desk.number < owned => {
                f(&mut desk.stock.borrow_mut(), &self.tallies[desk.number])
            }
            _ => {
                let index = salt as usize % self.outside.len();
                let mut stock = self.outside[index].lock();
                f(&mut stock, &self.tallies[owned + index])
            }
        }
    }

    /// From now on nothing is registered; what is there is returned, for its abort.
    pub(crate) fn close(&self) -> Vec<TaskRef> {
        self.closed.store(true, Relaxed);
        fence(SeqCst); // [registry-close], pairs with [registry-in]
        self.table.tasks()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many tasks there are. Exact when zero: see the module's doc.
    ///
    /// Orderings: Acquire pairs with the Release in `Tally::add`: a removal that is seen brings with
    /// it the registration of every task that was registered before it.
    pub(crate) fn len(&self) -> usize {
        let sum = |count: fn(&Tally) -> &AtomicU64| -> u64 {
            let tallies = self.tallies.iter();
            tallies.map(|tally| count(tally).load(Acquire)).sum()
        };
        let removed = sum(|tally| &tally.removed);
        let registered = sum(|tally| &tally.registered);
        (registered - removed) as usize
    }

    /// What that task is doing, if it is still there. Looks through all tasks.
    pub(crate) fn info(&self, id: TaskId, now: Instant) -> Option<TaskInfo> {
        let tasks = self.table.tasks();
        let task = tasks.iter().find(|task| task.header().id == id)?;
        Some(TaskInfo::of(task.header(), now))
    }

    /// Where those of these tasks were spawned that are still there. Looks through all tasks.
    pub(crate) fn sites(&self, ids: &[TaskId]) -> Vec<&'static Location<'static>> {
        let tasks = self.table.tasks();
        let headers = tasks.iter().map(TaskRef::header);
        let meant = headers.filter(|header| ids.contains(&header.id));
        meant.map(|header| header.spawned_at).collect()
    }

    /// Every task, by id.
    pub(crate) fn tasks(&self) -> Vec<TaskRef> {
        let mut tasks = self.table.tasks();
        tasks.sort_by_key(|task| task.header().id);
        tasks
    }

    /// Whether only closures on threads of their own are left. Of a closed registry; then it stays so.
    pub(crate) fn has_only_closures(&self) -> bool {
        let tasks = self.table.tasks();
        tasks.iter().all(|task| task.header().habit.is_apart())
    }

    /// What every task is doing, by id.
    pub(crate) fn infos(&self, now: Instant) -> Vec<TaskInfo> {
        let tasks = self.table.tasks();
        let mut infos: Vec<_> = tasks
            .iter()
            .map(|task| TaskInfo::of(task.header(), now))
            .collect();
        infos.sort_by_key(TaskInfo::id);
        for wait in infos.iter_mut().flat_map(TaskInfo::waits_mut) {
            wait.find_holder(|lock| self.holders.get(lock));
        }
        infos
    }
}

impl Tally {
    /// Counts one more; `counter` is one of this tally's, which only its desk's holder writes.
    #[inline]
    fn add(&self, counter: &AtomicU64) {
        counter.store(counter.load(Relaxed) + 1, Release);
    }
}

impl Stock {
    /// A free place, which is the caller's now.
    #[inline]
    fn get(&mut self, registry: &Registry) -> u32 {
        if self.0.is_empty() {
            self.refill(registry);
        }
        self.0.pop().expect("it was refilled")
    }

    #[cold]
    fn refill(&mut self, registry: &Registry) {
        let mut store = registry.store.lock();
        if store.free.is_empty() {
            let start = store.unused;
            let end = u32::try_from(start + BATCH).expect("over 2^32 tasks");
            registry.table.grow(end as usize);
            store.unused = end as usize;
            // The lowest first, so that a runtime with few tasks touches few lines.
            self.0.extend((start as u32..end).rev());
        } else {
            let keep = store.free.len().saturating_sub(BATCH);
            self.0.extend(store.free.drain(keep..));
        }
    }

    /// Takes a free place back.
    #[inline]
    fn give(&mut self, registry: &Registry, place: u32) {
        self.0.push(place);
        if self.0.len() >= 2 * BATCH {
            self.return_some(registry);
        }
    }

    /// The places that were used last stay: their lines are warm.
    #[cold]
    fn return_some(&mut self, registry: &Registry) {
        registry.store.lock().free.extend(self.0.drain(..BATCH));
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::task::Runnable;
    use crate::testing::World;
    use std::sync::Arc;

    /// A task that is registered unless the registry is closed.
    fn insert(registry: &Registry, desk: Option<&Desk>, world: &Arc<World>) -> (bool, Runnable) {
        let allocated = world.allocate(async {});
        allocated.joined.detach(false);
        (
            registry.insert(desk, 7, allocated.registered),
            allocated.runnable,
        )
    }

    #[test]
    fn tasks_are_counted_whoever_removes_them() {
        let (world, registry) = (World::new(), Registry::new(2));
        let desks = [Desk::new(0), Desk::new(1)];
        let homes = [Some(&desks[0]), Some(&desks[1]), None];
        let tasks = homes.map(|desk| insert(&registry, desk, &world).1);
        assert_eq!(
            (registry.len(), registry.infos(Instant::from_nanos(0)).len()),
            (3, 3)
        );
        for (left, task) in tasks.iter().enumerate().rev() {
            registry.remove(homes[(left + 1) % 3], task.header());
            assert_eq!(
                (registry.len(), registry.infos(Instant::from_nanos(0)).len()),
                (left, left)
            );
        }
        assert!(registry.is_empty());
        tasks.into_iter().for_each(|task| world.run(task));
        assert_eq!(world.freed(), 3);
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many tasks for Miri")]
    fn places_are_used_again() {
        let (world, registry) = (World::new(), Registry::new(2));
        let (spawner, runner) = (Desk::new(0), Desk::new(1));
        let turns = 100;
        for _ in 0..turns {
            let tasks: Vec<_> = (0..3 * BATCH)
                .map(|_| insert(&registry, Some(&spawner), &world).1)
                .collect();
            for task in tasks {
                registry.remove(Some(&runner), task.header());
                world.run(task);
            }
        }
        let used = registry.store.lock().unused;
        assert!(used <= 6 * BATCH, "{used} places for {} tasks", 3 * BATCH);
        assert_eq!(world.freed(), turns * 3 * BATCH);
    }

    #[test]
    fn a_closed_registry_gives_out_its_tasks_and_takes_none() {
        let (world, registry, desk) = (World::new(), Registry::new(1), Desk::new(0));
        let (taken, early) = insert(&registry, None, &world);
        assert!(taken);
        assert_eq!(registry.close().len(), 1);
        let (taken, late) = insert(&registry, Some(&desk), &world);
        assert!(!taken);
        registry.remove(Some(&desk), late.header());
        assert_eq!(registry.len(), 1, "the late one was never in");
        registry.remove(None, early.header());
        assert!(registry.is_empty());
        [early, late].into_iter().for_each(|task| world.run(task));
        assert_eq!(world.freed(), 2);
    }
}
