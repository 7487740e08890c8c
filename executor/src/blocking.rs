//! The queue behind `spawn_blocking`: closures that block wait here for a thread of their own.
//!
//! Threads are started on demand up to a cap, and retire when they have been idle for a while. The
//! threads themselves are in `threads.rs`; this is what they share.

use crate::task::Runnable;
use parking_lot::{Condvar, Mutex};
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
    closed: bool,
}

/// What a push asks of its caller.
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
        if inner.idle > 0 {
            inner.idle -= 1;
            inner.promised += 1;
            drop(inner);
            self.work.notify_one();
            return Pushed::Queued;
        }
        if inner.threads < self.max_threads {
            inner.threads += 1;
            return Pushed::NeedsThread;
        }
        Pushed::Queued
    }

    /// A thread that was counted could not be started. Others may still take its task; if there
    /// are none, the task comes back.
    pub(crate) fn start_failed(&self) -> Option<Runnable> {
        let mut inner = self.inner.lock();
        inner.threads -= 1;
        if inner.threads > 0 { None } else { inner.queue.pop_back() }
    }

    /// For a blocking thread: the next task. `None`: the thread ends, and is no longer counted once
    /// it says so with `leave`.
    pub(crate) fn next(&self) -> Option<Runnable> {
        let mut inner = self.inner.lock();
        loop {
            if let Some(task) = inner.queue.pop_front() {
                return Some(task);
            }
            if inner.closed {
                return None;
            }
            inner.idle += 1;
            let timed_out = self.work.wait_for(&mut inner, KEEP_ALIVE).timed_out();
            if inner.promised > 0 {
                // Whoever wakes first takes the promise; they are all alike.
                inner.promised -= 1;
            } else {
                inner.idle -= 1;
                if timed_out && inner.queue.is_empty() {
                    return None;
                }
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
