//! Any system: a table of condition variables, chosen by the word's address.

use super::Usage;
use super::bucket::{BUCKETS, bucket_of};
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Threads that wait on words of the same bucket share it; they look at their word again after
/// every wake-up, so a wrong wake-up is only a spurious one.
struct Bucket {
    lock: Mutex<()>,
    woken: Condvar,
}

static TABLE: [Bucket; BUCKETS] = [const {
    Bucket {
        lock: Mutex::new(()),
        woken: Condvar::new(),
    }
}; BUCKETS];

fn bucket(word: &AtomicU32) -> &'static Bucket {
    &TABLE[bucket_of(std::ptr::from_ref(word).addr())]
}

pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    let bucket = bucket(word);
    let mut guard = bucket.lock.lock();
    // The lock orders this look against `wake_one`: a change made before the wake is seen here.
    if word.load(Ordering::Acquire) != expected {
        return;
    }
    match timeout {
        Some(timeout) => {
            bucket.woken.wait_for(&mut guard, timeout);
        }
        None => bucket.woken.wait(&mut guard),
    }
}

pub(crate) fn wake_one(word: &AtomicU32) {
    let bucket = bucket(word);
    drop(bucket.lock.lock());
    // All of them: the one that is meant cannot be told from its neighbours.
    bucket.woken.notify_all();
}

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
