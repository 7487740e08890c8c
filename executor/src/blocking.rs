//! The queue behind `spawn_blocking`: closures that block wait here for a thread of their own.
//!
//! Threads are started on demand up to a cap, and retire when they have been idle for a while. At most
//! one thread at a time is on its way to the queue: it takes a task, and if others wait, it calls the
//! next thread before it runs its own. So a burst of short closures wakes one or two threads, not one
//! each, and a burst of long ones gets its threads one after the other, some microseconds apart.
//!
//! Why no closure is left behind: the queue is not empty only while a thread is arriving, or while
//! every thread that may exist is busy with a closure, after which it comes to the queue.
//!
//! The threads themselves are in `threads.rs`; this is what they share.

use crate::task::Runnable;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::time::Duration;

/// An idle thread lives this long: tokio's value, not measured here.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// What the blocking threads of a runtime share.
#[derive(Debug)]
pub(crate) struct BlockingPool {
    inner: Mutex<Inner>,
    work: Condvar,
    gone: Condvar,
    max_threads: usize,
}

#[derive(Debug)]
struct Inner {
    queue: VecDeque<Runnable>,
    threads: usize,
    /// Threads that wait for work and were not promised any.
    idle: usize,
    /// Wake-ups that were given and not yet received.
    promised: usize,
    /// A thread was woken or started and has not come to the queue yet.
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
                idle: 0,
                promised: 0,
                arriving: false,
                closed: false,
            }),
            work: Condvar::new(),
            gone: Condvar::new(),
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
        if inner.threads > 0 { VecDeque::new() } else { std::mem::take(&mut inner.queue) }
    }

    /// For a blocking thread: the next task, and what its taking asks of the thread before it runs
    /// it. `arriving`: the thread was started for the queue and is here for the first time. `None`:
    /// the thread ends, and is no longer counted once it says so with `leave`.
    pub(crate) fn next(&self, mut arriving: bool) -> Option<(Runnable, Pushed)> {
        let mut inner = self.inner.lock();
        loop {
            if arriving {
                inner.arriving = false;
            }
            if let Some(task) = inner.queue.pop_front() {
                let others_wait = !inner.queue.is_empty();
                let then = if others_wait { self.call_thread(inner) } else { Pushed::Queued };
                return Some((task, then));
            }
            if inner.closed {
                return None;
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
                return None;
            }
        }
    }

    /// A blocking thread is about to end.
    pub(crate) fn leave(&self) {
        self.inner.lock().threads -= 1;
        self.gone.notify_all();
    }

    /// Shutdown: what waits is cancelled, idle threads end, busy ones when their closure returns.
    pub(crate) fn close(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        let queue = std::mem::take(&mut inner.queue);
        drop(inner);
        self.work.notify_all();
        drop(queue);
    }

    /// Waits until no blocking thread is left, at most until `timeout`. Returns how many are.
    pub(crate) fn wait_gone(&self, timeout: Option<Duration>) -> usize {
        let mut inner = self.inner.lock();
        let has_threads = |inner: &mut Inner| inner.threads > 0;
        match timeout {
            Some(timeout) => {
                self.gone.wait_while_for(&mut inner, has_threads, timeout);
            }
            None => self.gone.wait_while(&mut inner, has_threads),
        }
        inner.threads
    }

    pub(crate) fn threads(&self) -> usize {
        self.inner.lock().threads
    }

    pub(crate) fn depth(&self) -> usize {
        self.inner.lock().queue.len()
    }
}
