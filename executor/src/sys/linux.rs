//! Linux: `futex(2)`, private to the process.

use rustix::fs::Timespec;
use rustix::thread::futex;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    // A timeout too large for the kernel is as good as none; a spurious return is allowed.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    // Every error (EAGAIN, EINTR, ETIMEDOUT) means: look at the word again.
    let _ = futex::wait(word, futex::Flags::PRIVATE, expected, timeout.as_ref());
}

pub(crate) fn wake_one(word: &AtomicU32) {
    let _ = futex::wake(word, futex::Flags::PRIVATE, 1);
}
