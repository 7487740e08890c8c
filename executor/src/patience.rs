//! Waiting for another thread that is in the midst of a few instructions.

use crate::primitive::yield_now;
use std::time::Duration;

/// How often whoever waits for a few instructions of another thread lets others run before it sleeps.
const YIELDS: u32 = 64;
/// How long it sleeps then, each time.
const NAP: Duration = Duration::from_micros(50);

/// How long one stays away who is in another thread's way for a few instructions. That thread may have been preempted:
/// so others get the processor, and if that does not help, because this one is of real-time priority, it sleeps.
#[derive(Debug)]
pub(crate) struct Patience(u32);

impl Patience {
    pub(crate) fn new() -> Patience {
        Patience(0)
    }

    /// In a model the others run when this one yields.
    #[cold]
    pub(crate) fn wait(&mut self) {
        if self.0 < YIELDS || cfg!(all(test, filch_loom)) {
            self.0 += 1;
            yield_now();
        } else {
            std::thread::sleep(NAP);
        }
    }
}
