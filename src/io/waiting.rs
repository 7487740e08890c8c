//! Who waits for something of the process, one of its streams or a signal: a place per handle, so that a handle which
//! is dropped leaves no waker behind.
//!
//! Plain data behind a lock. Nothing here clones, wakes or drops a waker, which may be anybody's code: wakers come in
//! by value, and those that are done with are handed out.

use std::collections::BTreeMap;
use std::task::Waker;

/// A handle's place; none before it first had to wait.
pub(crate) type Place = Option<u64>;

/// The wakers, in the order in which their handles first had to wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Waiting {
    #[cfg(any(not(target_os = "linux"), test))]
    pub(crate) const fn new() -> Waiting {
        Waiting {
            next: 0,
            wakers: BTreeMap::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.wakers.is_empty()
    }

    /// Does that waker wait in the place already?
    pub(crate) fn knows(&self, place: Place, waker: &Waker) -> bool {
        let present = place.and_then(|place| self.wakers.get(&place));
        present.is_some_and(|present| present.will_wake(waker))
    }

    /// Leaves a waker in the place. Returns the one that was there.
    #[must_use = "drop it after the lock is released"]
    pub(crate) fn put(&mut self, place: &mut Place, waker: Waker) -> Option<Waker> {
        let number = *place.get_or_insert_with(|| {
            self.next += 1;
            self.next
        });
        self.wakers.insert(number, waker)
    }

    /// The handle waits no longer. Returns the waker that was there.
    #[must_use = "drop it after the lock is released"]
    pub(crate) fn remove(&mut self, place: Place) -> Option<Waker> {
        self.wakers.remove(&place?)
    }

    /// Takes all of them, to be woken.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.wakers).into_values()
    }
}
