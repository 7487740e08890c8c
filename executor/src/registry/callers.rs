//! The threads in `block_on`: an unhandled panic that ends the runtime ends their waiting too.

use crate::primitive::Mutex;
use crate::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::primitive::atomic::{AtomicBool, AtomicU64};
use crate::rest::parker::ThreadParker;
use slab::Slab;
use std::sync::Arc;

/// Who waits in `block_on`, and whether that makes sense any more.
#[derive(Debug)]
pub(crate) struct Callers {
    parkers: Mutex<Slab<Arc<ThreadParker>>>,
    failed: AtomicBool,
    /// How often one of them has gone to sleep.
    parks: AtomicU64,
}

/// A thread's stay in `block_on`.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    callers: &'a Callers,
    key: usize,
    pub(crate) parker: Arc<ThreadParker>,
}

impl Callers {
    pub(crate) fn new() -> Callers {
        Callers {
            parkers: Mutex::new(Slab::new()),
            failed: AtomicBool::new(false),
            parks: AtomicU64::new(0),
        }
    }

    pub(crate) fn enter(&self) -> Caller<'_> {
        let parker = Arc::new(ThreadParker::new());
        let key = self.parkers.lock().insert(Arc::clone(&parker));
        Caller {
            callers: self,
            key,
            parker,
        }
    }

    /// An unhandled panic ends the runtime: all who wait are woken, and hear of it from
    /// `has_failed`.
    ///
    /// Orderings: whoever enters later finds the flag through the lock; who is in there is unparked
    /// after it was set.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Release);
        self.parkers
            .lock()
            .iter()
            .for_each(|(_, parker)| parker.unpark());
    }

    /// One of them goes to sleep. Before it does.
    pub(crate) fn count_park(&self) {
        self.parks.fetch_add(1, Relaxed);
    }

    /// If all sleep, how often one of them has gone to sleep up to now.
    ///
    /// Orderings: who is seen asleep has counted that before.
    pub(crate) fn all_parked(&self) -> Option<u64> {
        let parkers = self.parkers.lock();
        let are_parked = parkers.iter().all(|(_, parker)| parker.is_parked());
        are_parked.then(|| self.parks.load(Relaxed))
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Acquire)
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.callers.parkers.lock().remove(self.key);
    }
}
