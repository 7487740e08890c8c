//! The queue behind `spawn_blocking`: closures that block wait here for a thread of their own.
//!
//! Threads are started on demand up to a cap, and retire when they have been idle for a while. At most
//! one thread at a time is on its way to the queue: it takes a task, and if others wait, it calls the
//! next thread before it runs its own. So a burst of short closures wakes one or two threads, not one
//! each, and a burst of long ones gets its threads one after the other, some microseconds apart.
//!
//! A thread that has run a closure looks around for some microseconds before it sleeps, one at a time: for that
//! long it counts as arriving, so the next closure costs nobody a wake.
//!
//! Why no closure is left behind: the queue is not empty only while a thread is arriving, or while
//! every thread that may exist is busy with a closure, after which it comes to the queue.
//!
//! In the end, what was given while a thread was free, or could have been started, is run all the same, as if the
//! thread had been quicker: whether a closure that flushes a log is run should not depend on that. The rest is
//! cancelled.
//!
//! The threads themselves are in `runtime/threads.rs`; this is what they share.

use crate::signs::look;
use crate::task::Runnable;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// An idle thread lives this long: tokio's value, not measured here.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How often a thread looks around before it sleeps: for about as long as a wake takes.
const LINGER_LOOKS: u32 = 20;

/// What the blocking threads of a runtime share.
#[derive(Debug)]
pub(crate) struct BlockingPool {
    inner: Mutex<Inner>,
    /// Something was queued since somebody began to look around, or the pool was closed; a hint.
    news: AtomicBool,
    work: Condvar,
    max_threads: usize,
}

#[derive(Debug)]
struct Inner {
    queue: VecDeque<Runnable>,
    /// Threads that will come to the queue, now or after their closure.
    threads: usize,
    /// Those of them that are inside a closure.
    busy: usize,
    /// Threads that wait for work and were not promised any.
    idle: usize,
    /// Wake-ups that were given and not yet received.
    promised: usize,
    /// A thread was woken or started and has not come to the queue yet, or looks around.
    arriving: bool,
    closed: bool,
}

/// What a push asks of its caller. Told again to a thread that takes a task and leaves others.
#[must_use]
#[derive(Debug)]
pub(crate) enum Pushed {
    /// Nothing.
    Queued,
    /// Start a thread; it is already counted.
    NeedsThread,
    /// The pool is closed; the task comes back.
    Closed(Runnable),
}

impl BlockingPool {
    pub(crate) fn new(max_threads: usize) -> BlockingPool {
        BlockingPool {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                threads: 0,
                busy: 0,
                idle: 0,
                promised: 0,
                arriving: false,
                closed: false,
            }),
            news: AtomicBool::new(false),
            work: Condvar::new(),
            max_threads,
        }
    }

    /// Queues a closure's task.
    pub(crate) fn push(&self, task: Runnable) -> Pushed {
        let mut inner = self.inner.lock();
        if inner.closed {
            return Pushed::Closed(task);
        }
        inner.queue.push_back(task);
        self.call_thread(inner)
    }

    /// Sees to it that some thread is on its way to a queue that is not empty.
    fn call_thread(&self, mut inner: MutexGuard<'_, Inner>) -> Pushed {
        if inner.arriving {
            self.news.store(true, Relaxed);
            return Pushed::Queued;
        }
        if inner.idle > 0 {
            inner.idle -= 1;
            inner.promised += 1;
            inner.arriving = true;
            drop(inner);
            self.work.notify_one();
        } else if inner.threads < self.max_threads {
            inner.threads += 1;
            inner.arriving = true;
            return Pushed::NeedsThread;
        }
        Pushed::Queued
    }

    /// A thread that was counted could not be started. The others take its task in time; if there
    /// are none, whatever waits comes back.
    pub(crate) fn start_failed(&self) -> VecDeque<Runnable> {
        let mut inner = self.inner.lock();
        inner.threads -= 1;
        inner.arriving = false;
        if inner.threads == 0 {
            return std::mem::take(&mut inner.queue);
        }
        if inner.idle > 0 && !inner.queue.is_empty() {
            // It became idle while this thread counted as arriving, and nobody called it for what came since.
            let called = self.call_thread(inner);
            debug_assert!(matches!(called, Pushed::Queued), "an idle thread is called");
        }
        VecDeque::new()
    }

    /// For a blocking thread: the next task, and what its taking asks of the thread before it runs
    /// it. `arriving`: the thread was started for the queue and is here for the first time; else it has run a task
    /// that it got here. `None`: the thread ends.
    pub(crate) fn next(&self, mut arriving: bool) -> Option<(Runnable, Pushed)> {
        let mut inner = self.inner.lock();
        if !arriving {
            inner.busy -= 1;
        }
        if !arriving && inner.queue.is_empty() && !inner.closed && !inner.arriving {
            inner.arriving = true;
            self.news.store(false, Relaxed);
            MutexGuard::unlocked(&mut inner, || self.linger());
            arriving = true;
        }
        loop {
            if arriving {
                inner.arriving = false;
            }
            if let Some(task) = inner.queue.pop_front() {
                inner.busy += 1;
                let others_wait = !inner.queue.is_empty();
                let then = if others_wait {
                    self.call_thread(inner)
                } else {
                    Pushed::Queued
                };
                return Some((task, then));
            }
            if inner.closed {
                break;
            }
            inner.idle += 1;
            let timed_out = self.work.wait_for(&mut inner, KEEP_ALIVE).timed_out();
            // Whoever wakes first takes a promise; they are all alike.
            arriving = inner.promised > 0;
            if arriving {
                inner.promised -= 1;
                continue;
            }
            inner.idle -= 1;
            if timed_out && inner.queue.is_empty() {
                break;
            }
        }
        // In one step with the last look at the queue: nobody may count on this thread from here on.
        inner.threads -= 1;
        None
    }

    /// Looks around for a while. The caller then looks at the queue in any case.
    fn linger(&self) {
        for _ in 0..LINGER_LOOKS {
            if self.news.load(Relaxed) {
                return;
            }
            look::pause();
        }
    }

    /// Shutdown: what no thread is free for is cancelled. Threads end when they find nothing more to do.
    pub(crate) fn close(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        self.news.store(true, Relaxed);
        let free = self.max_threads - inner.busy;
        let kept = free.min(inner.queue.len());
        let cancelled = inner.queue.split_off(kept);
        drop(inner);
        self.work.notify_all();
        drop(cancelled);
    }

    /// How many threads are inside a closure.
    pub(crate) fn busy(&self) -> usize {
        self.inner.lock().busy
    }

    pub(crate) fn threads(&self) -> usize {
        self.inner.lock().threads
    }

    pub(crate) fn depth(&self) -> usize {
        self.inner.lock().queue.len()
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::testing::World;
    use std::sync::Arc;

    /// A pool, and the tasks to put into it.
    /// The world comes first, to outlive what is left in the pool.
    fn pool(max_threads: usize) -> (Arc<World>, Arc<BlockingPool>) {
        (World::new(), Arc::new(BlockingPool::new(max_threads)))
    }

    fn push(pool: &BlockingPool, world: &Arc<World>) -> Pushed {
        let (task, joined) = world.spawn(async {});
        joined.detach(false);
        pool.push(task)
    }

    #[test]
    fn one_thread_at_a_time_is_called() {
        let (world, pool) = pool(8);
        assert!(matches!(push(&pool, &world), Pushed::NeedsThread));
        assert!(
            matches!(push(&pool, &world), Pushed::Queued),
            "one is on its way"
        );
        let (first, then) = pool.next(true).expect("the first task");
        assert!(matches!(then, Pushed::NeedsThread), "another task waits");
        world.run(first);
        assert_eq!((pool.threads(), pool.depth()), (2, 1));
        let (second, then) = pool.next(true).expect("the second task");
        assert!(matches!(then, Pushed::Queued));
        world.run(second);
    }

    #[test]
    fn at_the_cap_a_task_waits_for_a_busy_thread() {
        let (world, pool) = pool(1);
        assert!(matches!(push(&pool, &world), Pushed::NeedsThread));
        let (first, _) = pool.next(true).expect("the first task");
        assert!(matches!(push(&pool, &world), Pushed::Queued));
        world.run(first);
        world.run(pool.next(false).expect("the second task").0);
    }

    #[test]
    fn an_idle_thread_is_woken_in_place_of_a_new_one() {
        let (world, pool) = pool(8);
        assert!(matches!(push(&pool, &world), Pushed::NeedsThread));
        let (theirs, their_world) = (Arc::clone(&pool), Arc::clone(&world));
        let thread = std::thread::spawn(move || {
            let mut arriving = true;
            while let Some((task, _)) = theirs.next(std::mem::take(&mut arriving)) {
                their_world.run(task);
            }
        });
        let is_idle = || pool.inner.lock().idle == 1;
        while !is_idle() {
            std::thread::yield_now();
        }
        assert!(matches!(push(&pool, &world), Pushed::Queued));
        while !is_idle() {
            std::thread::yield_now();
        }
        assert_eq!((pool.threads(), pool.depth(), world.freed()), (1, 0, 2));
        pool.close();
        thread.join().unwrap();
        assert_eq!(pool.threads(), 0);
    }

    #[test]
    fn nobody_counts_on_a_thread_that_is_about_to_end() {
        let (world, pool) = pool(1);
        assert!(matches!(push(&pool, &world), Pushed::NeedsThread));
        world.run(pool.next(true).expect("the task").0);
        pool.inner.lock().closed = true;
        assert!(
            pool.next(false).is_none(),
            "this thread ends, as it would after its keep-alive"
        );
        pool.inner.lock().closed = false;
        assert!(
            matches!(push(&pool, &world), Pushed::NeedsThread),
            "although it has not ended yet"
        );
    }

    #[test]
    fn without_any_thread_whatever_waits_comes_back() {
        let (world, pool) = pool(8);
        assert!(matches!(push(&pool, &world), Pushed::NeedsThread));
        assert!(matches!(push(&pool, &world), Pushed::Queued));
        assert_eq!(pool.start_failed().len(), 2);
        assert!(
            matches!(push(&pool, &world), Pushed::NeedsThread),
            "the next push tries again"
        );
    }

    #[test]
    fn what_was_left_to_a_thread_that_did_not_start_goes_to_one_that_has_become_idle() {
        let (world, pool) = pool(8);
        assert!(matches!(push(&pool, &world), Pushed::NeedsThread));
        world.run(pool.next(true).expect("the first task").0);
        assert!(matches!(push(&pool, &world), Pushed::NeedsThread));
        let (theirs, their_world) = (Arc::clone(&pool), Arc::clone(&world));
        let thread = std::thread::spawn(move || {
            while let Some((task, _)) = theirs.next(false) {
                their_world.run(task);
            }
        });
        while pool.inner.lock().idle == 0 {
            std::thread::yield_now();
        }
        assert!(
            matches!(push(&pool, &world), Pushed::Queued),
            "one is on its way"
        );
        assert!(pool.start_failed().is_empty());
        // Well before its keep-alive ends.
        let begun = std::time::Instant::now();
        while pool.depth() > 0 {
            assert!(begun.elapsed() < KEEP_ALIVE / 2, "the idle one is called");
            std::thread::yield_now();
        }
        pool.close();
        thread.join().unwrap();
    }

    #[test]
    fn a_closed_pool_runs_what_a_thread_was_free_for_and_takes_nothing() {
        let (world, pool) = pool(2);
        assert!(matches!(push(&pool, &world), Pushed::NeedsThread));
        let (first, _) = pool.next(true).expect("the first task");
        assert!(matches!(push(&pool, &world), Pushed::NeedsThread));
        assert!(matches!(push(&pool, &world), Pushed::Queued));
        pool.close();
        assert_eq!(
            (world.freed(), pool.depth()),
            (1, 1),
            "one of two threads is busy"
        );
        assert!(matches!(push(&pool, &world), Pushed::Closed(_)));
        let (second, _) = pool.next(true).expect("the other thread's");
        world.run(second);
        world.run(first);
        assert!(pool.next(false).is_none() && pool.next(false).is_none());
        assert_eq!((pool.threads(), pool.busy()), (0, 0));
    }

    #[test]
    fn at_the_end_threads_go_on_to_be_called_one_after_the_other() {
        let (world, pool) = pool(8);
        for _ in 0..3 {
            let _ = push(&pool, &world);
        }
        pool.close();
        assert_eq!(pool.depth(), 3);
        for left in [2, 1, 0] {
            let (task, then) = pool.next(true).expect("a task");
            assert_eq!(matches!(then, Pushed::NeedsThread), left > 0);
            world.run(task);
        }
    }
}
