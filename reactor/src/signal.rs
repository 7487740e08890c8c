//! The notification: a word that decides whether the thread in the selector must be woken, and by whom.
//!
//! ```text
//!             begin                        notify: wake the selector
//!   IDLE  ------------->  WAITING  ----------------------------------->  NOTIFIED
//!    ^ ^                     |                                            |    ^
//!    | +------ end ----------+                                            |    |
//!    +---------------------------------- end -----------------------------+    |
//!    |                                                                         |
//!    +-------------- notify: nobody to wake, the next wait does not sleep -----+
//! ```
//!
//! A notifier that finds NOTIFIED owes nothing: whoever set it woke the selector, or will in a moment, or nobody
//! sleeps. One that finds WAITING wakes the selector. It may do so late, after the wait has ended by itself: then the
//! next wait ends at once without cause, which is harmless. One that finds IDLE makes no system call: the next `begin`
//! finds the word and does not sleep. Since all of this is one word, read and written by read-modify-writes alone,
//! there is no moment between two waits in which a notification could be missed.

use crate::primitive::{AtomicU8, Ordering};
use std::time::Duration;

const IDLE: u8 = 0;
const WAITING: u8 = 1;
const NOTIFIED: u8 = 2;

#[derive(Debug)]
pub(crate) struct Signal {
    state: AtomicU8,
}

impl Signal {
    pub(crate) fn new() -> Signal {
        Signal {
            state: AtomicU8::new(IDLE),
        }
    }

    /// Asks for an early return. True: the caller must wake the selector.
    ///
    /// Orderings: Release publishes what the notifier did before to the thread whose `end` sees this, whether or not
    /// this call was the one that woke it: a later notifier's read-modify-write continues this one's release sequence.
    #[must_use = "the selector must be woken"]
    pub(crate) fn notify(&self) -> bool {
        self.state.swap(NOTIFIED, Ordering::Release) == WAITING
    }

    /// The holder of the turn is about to wait. Returns the time that it may sleep at most.
    ///
    /// Orderings: Relaxed, since whatever is read here, `end` synchronises before anybody acts on it.
    pub(crate) fn begin(&self, timeout: Option<Duration>) -> Option<Duration> {
        if timeout == Some(Duration::ZERO) {
            // It returns at once anyway: nobody needs to wake it.
            return timeout;
        }
        match self
            .state
            .compare_exchange(IDLE, WAITING, Ordering::Relaxed, Ordering::Relaxed)
        {
            Ok(_) => timeout,
            Err(_) => Some(Duration::ZERO),
        }
    }

    /// The wait is over, however it ended, and with it every notification so far.
    ///
    /// Orderings: Acquire, against `notify`'s Release: who returns from a wait sees what all those did whom it answers.
    pub(crate) fn end(&self) {
        self.state.swap(IDLE, Ordering::Acquire);
    }
}
