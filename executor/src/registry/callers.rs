//! The threads in `block_on`: an unhandled panic that ends the runtime ends their waiting too.

use crate::rest::parker::ThreadParker;
use parking_lot::Mutex;
use slab::Slab;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

/// Who waits in `block_on`, and whether that makes sense any more.
#[derive(Debug)]
pub(crate) struct Callers {
    parkers: Mutex<Slab<Arc<ThreadParker>>>,
    failed: AtomicBool,
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

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Acquire)
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.callers.parkers.lock().remove(self.key);
    }
}
