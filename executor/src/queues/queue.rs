//! The run queues: one per worker, which others steal from, and the injector for everybody else.
//!
//! This is the single door to crossbeam-deque, so that a model can stand in for it under loom. The
//! FIFO flavour: its batch steal is one compare-and-swap, where LIFO pays one per task, and tasks
//! start in the order in which they were spawned.

use crate::task::Runnable;
use crossbeam_deque::{Steal, Worker};

/// Beyond this length a local queue spills to the injector: a bound on how much one worker can hoard.
/// A short limit was tried and cost more than a long queue does (docs/architecture.md).
pub(crate) const LOCAL_LIMIT: usize = 1 << 20;

/// Tasks that I/O events wake go to the injector beyond this length. It is shared by all, so a worker that the
/// operating system has preempted does not keep them waiting, and connections that are served in turn are fewer than
/// their caches hold: with 1000 of them, 1.1 times the throughput at a lower p99 (docs/architecture.md).
pub(crate) const EVENTS_LIMIT: usize = 192;

/// At most this many tasks move in one steal.
const BATCH_LIMIT: usize = 64;

/// A worker's own end of its queue. Not shared; `Stealer` is the other end.
#[derive(Debug)]
pub(crate) struct Local(Worker<Runnable>);

/// The end of a worker's queue that others take from.
#[derive(Debug)]
pub(crate) struct Stealer(crossbeam_deque::Stealer<Runnable>);

/// The queue for tasks that were scheduled outside the runtime's threads.
#[derive(Debug)]
pub(crate) struct Injector(crossbeam_deque::Injector<Runnable>);

/// What an attempt to steal gave.
#[must_use]
#[derive(Debug)]
pub(crate) enum Stolen {
    /// One task, and perhaps more in the thief's queue.
    Task(Runnable),
    /// The queue was empty.
    Empty,
    /// Somebody else was at it; there may be more.
    Retry,
}

impl From<Steal<Runnable>> for Stolen {
    fn from(steal: Steal<Runnable>) -> Stolen {
        match steal {
            Steal::Success(task) => Stolen::Task(task),
            Steal::Empty => Stolen::Empty,
            Steal::Retry => Stolen::Retry,
        }
    }
}

impl Local {
    pub(crate) fn new() -> Local {
        Local(Worker::new_fifo())
    }

    pub(crate) fn stealer(&self) -> Stealer {
        Stealer(self.0.stealer())
    }

    #[inline]
    pub(crate) fn push(&self, task: Runnable) {
        self.0.push(task);
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<Runnable> {
        self.0.pop()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Stealer {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Moves half of the queue, at most a batch, to `into` and returns one more.
    pub(crate) fn steal(&self, into: &Local) -> Stolen {
        self.0
            .steal_batch_with_limit_and_pop(&into.0, BATCH_LIMIT)
            .into()
    }
}

impl Injector {
    pub(crate) fn new() -> Injector {
        Injector(crossbeam_deque::Injector::new())
    }

    #[inline]
    pub(crate) fn push(&self, task: Runnable) {
        self.0.push(task);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Moves a fair share for one of so many workers, at most a batch, to the tail of `into`.
    #[inline]
    pub(crate) fn move_some(&self, into: &Local, workers: usize) {
        if !self.0.is_empty() {
            // Whoever is in the way is taking tasks too, so nothing is lost by not trying again.
            let _ = self.0.steal_batch_with_limit(&into.0, self.share(workers));
        }
    }

    /// Takes one.
    pub(crate) fn steal_one(&self) -> Stolen {
        self.0.steal().into()
    }

    fn share(&self, workers: usize) -> usize {
        (self.0.len() / workers + 1).min(BATCH_LIMIT)
    }

    /// Moves a worker's fair share, at most a batch, to `into` and returns one more.
    pub(crate) fn steal(&self, into: &Local, workers: usize) -> Stolen {
        if self.0.is_empty() {
            return Stolen::Empty;
        }
        self.0
            .steal_batch_with_limit_and_pop(&into.0, self.share(workers))
            .into()
    }
}
