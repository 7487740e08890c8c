//! Where threads wait for something that others will have done, and are told when they have.

use filch_timer::{Instant, system_now};
use parking_lot::{Condvar, Mutex};

/// Rung for all who wait. It carries no news by itself: each asks again for what it waits for.
#[derive(Debug)]
pub(crate) struct Bell {
    lock: Mutex<()>,
    rung: Condvar,
}

impl Bell {
    pub(crate) const fn new() -> Bell {
        Bell {
            lock: Mutex::new(()),
            rung: Condvar::new(),
        }
    }

    /// Wakes everybody who waits. Called after what they wait for has come true.
    ///
    /// The lock is taken once: who has asked in vain holds it until it waits, and so hears the bell.
    pub(crate) fn ring(&self) {
        drop(self.lock.lock());
        self.rung.notify_all();
    }

    /// Waits until `is_done`, at most until `deadline`. Returns whether it is done.
    pub(crate) fn wait_until(&self, is_done: impl Fn() -> bool, deadline: Option<Instant>) -> bool {
        let mut guard = self.lock.lock();
        while !is_done() {
            let Some(deadline) = deadline else {
                self.rung.wait(&mut guard);
                continue;
            };
            let now = system_now();
            if now >= deadline {
                return false;
            }
            let rest = deadline.duration_since(now);
            self.rung.wait_for(&mut guard, rest);
        }
        true
    }
}
