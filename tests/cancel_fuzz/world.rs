//! What trees share, and what was made in it.

use super::common::Count;
use filch::sync::{Mutex, Queue, Semaphore, mpsc};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) const PERMITS: usize = 3;

/// How many there were, and how many are gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Count, Count);

impl Tally {
    pub(super) fn one(&self) -> Counted {
        self.0.add();
        Counted(vec![self.clone()])
    }

    pub(super) fn made(&self) -> usize {
        self.0.get()
    }

    fn is_even(&self) -> bool {
        self.0.get() == self.1.get()
    }
}

/// Counts its own end.
pub(super) struct Counted(Vec<Tally>);

impl Counted {
    /// In another tally as well.
    fn and(mut self, tally: &Tally) -> Counted {
        tally.0.add();
        self.0.push(tally.clone());
        self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        for tally in &self.0 {
            tally.1.add();
        }
    }
}

pub(super) struct World {
    pub(super) lock: Mutex<()>,
    is_locked: AtomicBool,
    pub(super) permits: Semaphore,
    pub(super) sender: mpsc::Sender<Counted>,
    pub(super) receiver: mpsc::Receiver<Counted>,
    pub(super) queue: Queue<Counted>,
    /// Futures, of all trees.
    pub(super) lives: Tally,
    items: Tally,
    /// Items that a send or a put has said it has handed over, and those that came out.
    pub(super) handed: Count,
    pub(super) taken: Count,
}

impl World {
    pub(super) fn new() -> Arc<World> {
        let (sender, receiver) = mpsc::channel(2);
        Arc::new(World {
            lock: Mutex::new(()),
            is_locked: AtomicBool::new(false),
            permits: Semaphore::new(PERMITS),
            sender,
            receiver,
            queue: Queue::bounded(2),
            lives: Tally::default(),
            items: Tally::default(),
            handed: Count::new(),
            taken: Count::new(),
        })
    }

    /// For one tree.
    pub(super) fn branch(self: &Arc<World>) -> Branch {
        Branch {
            world: self.clone(),
            lives: Tally::default(),
            cleanups: Tally::default(),
        }
    }

    pub(super) fn item(&self) -> Counted {
        self.items.one()
    }

    /// Holds the lock's place, in which there is never more than one.
    pub(super) fn alone(&self) -> Alone<'_> {
        assert!(
            !self.is_locked.swap(true, Ordering::AcqRel),
            "two have the lock"
        );
        Alone(self)
    }

    pub(super) async fn assert_nothing_is_left(&self, seed: u64) {
        assert!(
            self.lives.is_even(),
            "seed {seed}: futures {:?}",
            self.lives
        );
        assert!(
            self.lock.try_lock().is_ok(),
            "seed {seed}: the lock is not free"
        );
        assert_eq!(
            self.permits.available_permits(),
            PERMITS,
            "seed {seed}: permits"
        );
        let (mut left, mut queued) = (0, 0);
        while self.receiver.try_recv().is_ok() {
            left += 1;
        }
        while self.queue.try_get().is_ok() {
            queued += 1;
        }
        assert_eq!(
            self.sender.capacity(),
            2,
            "seed {seed}: room in the channel"
        );
        assert!(self.items.is_even(), "seed {seed}: items {:?}", self.items);
        let there = self.taken.get() + left + queued;
        assert_eq!(
            there,
            self.handed.get(),
            "seed {seed}: items that were handed over"
        );
    }
}

/// While it lives, one has the lock.
pub(super) struct Alone<'a>(&'a World);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.is_locked.store(false, Ordering::Release);
    }
}

/// What one tree has made.
#[derive(Clone)]
pub(super) struct Branch {
    pub(super) world: Arc<World>,
    lives: Tally,
    /// Cleanups that were armed, and those that have run to their end or out of time.
    cleanups: Tally,
}

impl Branch {
    pub(super) fn life(&self) -> Counted {
        self.lives.one().and(&self.world.lives)
    }

    /// A cleanup that has `may_overrun` or not; it says when it has run to its end.
    pub(super) fn cleanup(&self, may_overrun: bool) -> Cleaning {
        Cleaning {
            counted: Some(self.cleanups.one()),
            may_overrun,
            is_done: false,
        }
    }

    pub(super) fn is_deserted(&self) -> bool {
        self.lives.is_even() && self.cleanups.is_even()
    }
}

impl fmt::Debug for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "futures {:?}, cleanups {:?}", self.lives, self.cleanups)
    }
}

/// In a cleanup's future.
pub(super) struct Cleaning {
    counted: Option<Counted>,
    may_overrun: bool,
    is_done: bool,
}

impl Cleaning {
    pub(super) fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Cleaning {
    fn drop(&mut self) {
        assert!(
            self.is_done || self.may_overrun,
            "a cleanup was not awaited"
        );
        self.counted.take();
    }
}
