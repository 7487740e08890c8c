//! Linux: `futex(2)`, private to the process, and the thread's timer slack.

use rustix::fs::Timespec;
use rustix::thread::{current_timer_slack, futex, set_current_timer_slack};
use std::num::NonZeroU64;
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

/// While it lives, this thread's timeouts end when they are due.
///
/// The kernel lets a thread's timeouts slip by its timer slack, 50 µs by default, to serve several
/// with one interrupt: `PR_SET_TIMERSLACK(2const)`. That would be most of a sleep's lateness.
#[derive(Debug)]
pub(crate) struct PreciseTimeouts {
    before: Option<NonZeroU64>,
}

impl PreciseTimeouts {
    pub(crate) fn start() -> PreciseTimeouts {
        // Without it, timeouts are only less precise.
        let before = current_timer_slack().ok().and_then(NonZeroU64::new);
        let _ = set_current_timer_slack(NonZeroU64::new(1));
        PreciseTimeouts { before }
    }
}

impl Drop for PreciseTimeouts {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            let _ = set_current_timer_slack(Some(before));
        }
    }
}
