//! Loom: waiting is looking again. Time does not pass in a model.

use super::Usage;
use loom::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(crate) fn wait(word: &AtomicU32, expected: u32, _timeout: Option<Duration>) {
    while word.load(Ordering::Relaxed) == expected {
        loom::thread::yield_now();
    }
}

pub(crate) fn wake_one(_word: &AtomicU32) {}

/// Threads are as prompt as the system makes them.
#[derive(Debug)]
pub(crate) struct Prompt;

impl Prompt {
    pub(crate) fn start_own() -> Prompt {
        Prompt
    }

    pub(crate) fn start() -> Prompt {
        Prompt
    }
}

pub(crate) fn set_prompt(_thread: u32, _prompt: bool) {}

pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(usize::MAX, usize::from)
}

/// Any number but 0 will do where nothing can be asked about a thread.
pub(crate) fn thread_number() -> u32 {
    1
}

pub(crate) const TELLS_CPU_TIME: bool = false;

pub(crate) fn cpu_time(_thread: u32) -> Option<Duration> {
    None
}

pub(crate) fn own_cpu_time() -> Option<Duration> {
    None
}

pub(crate) fn is_asleep(_thread: u32) -> Option<bool> {
    None
}

pub(crate) fn waits_for_ever(_thread: u32) -> Option<bool> {
    None
}

pub(crate) fn own_usage() -> Option<Usage> {
    None
}
