//! What the system counts of a thread.

use std::time::Duration;

/// What a thread has used so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    /// Times it has waited for something.
    pub(crate) waits: u64,
    /// Times it had to give its processor to another thread.
    pub(crate) preemptions: u64,
}
