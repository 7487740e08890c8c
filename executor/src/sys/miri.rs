//! Miri: the same `futex(2)` as Linux, which it knows; of threads it knows their numbers and no more.
//!
//! Nobody is found blocked or preempted, and every poll that lasts counts as computing, as on systems that do not tell.
//! Waits last as much longer as the clock of the timer crate goes slower.

use super::Usage;
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// As in the timer crate.
const SLOWER: u32 = 100;

pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    // A timeout too large is as good as none; a spurious return is allowed.
    let timeout = timeout.and_then(|timeout| {
        let timeout = timeout.checked_mul(SLOWER)?;
        Some(libc::timespec {
            tv_sec: timeout.as_secs().try_into().ok()?,
            tv_nsec: timeout.subsec_nanos().into(),
        })
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    let call = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word lives for the call, and the time is a valid timespec or null. Every error means: look again.
    let _ = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), call, expected, timeout) };
}

pub(crate) fn wake_one(word: &AtomicU32) {
    let call = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word's address is all that is used of it.
    let _ = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), call, 1) };
}

/// Threads are as prompt as the interpreter makes them.
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

/// Its threads take turns on one. With as many as this, all workers of a test are woken when there is work.
pub(crate) fn processors() -> usize {
    4
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
