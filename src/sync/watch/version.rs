//! How often the value was changed, who waits for a change, and how many ends there are.
//!
//! The version and the end are one number: a change adds 2, the end of the senders sets the lowest bit. It is written
//! under the lock of those who wait, so whoever finds it unchanged there and begins to wait is woken by the next
//! change.
//! Without the lock it is read by those who go on at once.
//!
//! Orderings: written with Release and read with Acquire. What it leads to, the value, has a lock of its own.

use crate::sync::lock::Lock;
use crate::sync::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sync::primitive::atomic::{AtomicU64, AtomicUsize};
use crate::sync::wait_list::{Outcome, WaitList, Waiter};
use crate::sync::wakers::{Kept, wake_all};
use filch_executor::foreign::discard;
use std::pin::Pin;

const CLOSED: u64 = 1;
const CHANGE: u64 = 2;

#[derive(Debug)]
pub(super) struct Version {
    number: AtomicU64,
    /// How many receivers there are; written under the lock. Relaxed: it leads to nothing.
    receivers: AtomicUsize,
    state: Lock<State>,
}

struct State {
    senders: usize,
    /// Receivers that wait for a change, and senders that wait for the last receiver to go.
    changing: WaitList,
    closing: WaitList,
}

/// What a receiver finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Changed,
    Same,
    /// The same, and it will not change any more.
    Closed,
}

impl Version {
    pub(super) fn new() -> Version {
        Version {
            number: AtomicU64::new(0),
            receivers: AtomicUsize::new(0),
            state: Lock::new(State {
                senders: 1,
                changing: WaitList::new(),
                closing: WaitList::new(),
            }),
        }
    }

    /// The version now, without the end.
    pub(super) fn now(&self) -> u64 {
        self.number.load(Acquire) & !CLOSED
    }

    pub(super) fn is_closed(&self) -> bool {
        self.number.load(Acquire) & CLOSED != 0
    }

    #[inline]
    pub(super) fn look(&self, seen: u64) -> Seen {
        let number = self.number.load(Acquire);
        match (number & !CLOSED == seen, number & CLOSED) {
            (false, _) => Seen::Changed,
            (true, 0) => Seen::Same,
            (true, _) => Seen::Closed,
        }
    }

    /// As `look`; one that sees the same begins to wait, or wants another section to do so.
    pub(super) fn look_or_wait(
        &self,
        seen: u64,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Seen {
        let found = self.look(seen);
        if found != Seen::Same {
            return found;
        }
        let mut state = self.state.lock();
        let found = self.look(seen);
        if found == Seen::Same {
            state.changing.wait(waiter, kept, 1);
        }
        found
    }

    /// The value was changed: whoever waits looks. The caller still has the value's lock, or a version might be seen
    /// before its value; so nobody is woken here. Returns whether somebody waits.
    pub(super) fn change(&self) -> bool {
        let state = self.state.lock();
        let number = self.number.load(Relaxed);
        self.number.store(number + CHANGE, Release);
        !state.changing.is_empty()
    }

    /// Wakes whoever waits for a change, after one.
    pub(super) fn wake(&self) {
        let mut until = None;
        wake_all(|section| {
            let mut state = self.state.lock();
            let until = *until.get_or_insert(state.changing.next_turn());
            section.fill(|| state.changing.pop_before(until, Outcome::Released));
        });
    }

    pub(super) fn add_sender(&self) {
        self.state.lock().senders += 1;
    }

    pub(super) fn remove_sender(&self) {
        let mut state = self.state.lock();
        state.senders -= 1;
        let is_last = state.senders == 0;
        if is_last {
            let number = self.number.load(Relaxed);
            self.number.store(number | CLOSED, Release);
        }
        drop(state);
        if is_last {
            self.wake();
        }
    }

    pub(super) fn add_receiver(&self) {
        let _state = self.state.lock();
        self.receivers.store(self.receivers() + 1, Relaxed);
    }

    /// With the last receiver, senders that wait for that go on.
    pub(super) fn remove_receiver(&self) {
        let state = self.state.lock();
        let left = self.receivers() - 1;
        self.receivers.store(left, Relaxed);
        drop(state);
        if left == 0 {
            wake_all(|section| {
                let mut state = self.state.lock();
                section.fill(|| state.closing.pop(Outcome::Released));
            });
        }
    }

    pub(super) fn senders(&self) -> usize {
        self.state.lock().senders
    }

    pub(super) fn receivers(&self) -> usize {
        self.receivers.load(Relaxed)
    }

    pub(super) fn closed_or_wait(&self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) -> bool {
        let mut state = self.state.lock();
        let is_closed = self.receivers() == 0;
        if !is_closed {
            state.closing.wait(waiter, kept, 1);
        }
        is_closed
    }

    /// Replaces the waker of a receiver that waits, or of a sender that waits for the end.
    pub(super) fn update(&self, ends: bool, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.state.lock().list(ends).update(waiter, kept);
    }

    /// One of those gives up. It held nothing.
    pub(super) fn give_up(&self, ends: bool, waiter: Pin<&mut Waiter>) {
        let removed = self.state.lock().list(ends).remove(waiter);
        discard(removed);
    }
}

impl State {
    fn list(&mut self, ends: bool) -> &mut WaitList {
        match ends {
            true => &mut self.closing,
            false => &mut self.changing,
        }
    }
}
