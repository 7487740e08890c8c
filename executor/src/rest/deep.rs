//! The backstop thread's deep sleep: without an interval, until a worker becomes busy.
//!
//! ```text
//!  backstop                                 worker that leaves idleness
//!  D1  say that it sleeps                   B1  clear own idle bit (or find it cleared)
//!  D2  fence(SeqCst)       [deep-sleep]     B2  fence(SeqCst)         [deep-busy]
//!  D3  look for busy workers                B3  does it sleep? then wake it
//!  D4  none: park
//! ```
//!
//! Whichever fence comes first, either D3 sees the worker busy, or B3 sees that the backstop sleeps.

use crate::primitive::atomic::Ordering::{AcqRel, Relaxed, SeqCst};
use crate::primitive::atomic::{AtomicBool, fence};

/// Whether the backstop thread sleeps deeply.
#[derive(Debug)]
pub(crate) struct DeepSleep(AtomicBool);

impl DeepSleep {
    pub(crate) fn new() -> DeepSleep {
        DeepSleep(AtomicBool::new(false))
    }

    /// D1 and D2.
    pub(crate) fn announce(&self) {
        self.0.store(true, Relaxed);
        fence(SeqCst); // [deep-sleep], pairs with [deep-busy]
    }

    /// The backstop is awake, or did not go to sleep after all.
    pub(crate) fn end(&self) {
        self.0.store(false, Relaxed);
    }

    /// B2 and B3. `true`: the caller wakes the backstop; of several callers one does.
    pub(crate) fn disturb(&self) -> bool {
        fence(SeqCst); // [deep-busy], pairs with [deep-sleep]
        self.0.load(Relaxed) && self.0.swap(false, AcqRel)
    }
}
