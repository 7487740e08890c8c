//! Loom: waiting is looking again. Time does not pass in a model.

use loom::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(crate) fn wait(word: &AtomicU32, expected: u32, _timeout: Option<Duration>) {
    while word.load(Ordering::Relaxed) == expected {
        loom::thread::yield_now();
    }
}

pub(crate) fn wake_one(_word: &AtomicU32) {}

/// Timeouts are as precise as the system makes them.
#[derive(Debug)]
pub(crate) struct PreciseTimeouts;

impl PreciseTimeouts {
    pub(crate) fn start() -> PreciseTimeouts {
        PreciseTimeouts
    }
}
