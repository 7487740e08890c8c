//! What the ends of a broadcast share: a ring of the last values, all behind one lock.
//!
//! A value is cloned by whoever receives it, which is code of others and so has no place under a lock. So each place of
//! the ring is an `Arc`, whose count keeps the value while somebody clones it; the place is written again in the same
//! memory if nobody does. The last receiver takes the value itself.
//!
//! Values are numbered. `next` is the number of the one that will be sent; the ring keeps those from `next` minus its
//! length on. A receiver remembers the number of the one that it wants.

use crate::sync::lock::Lock;
use crate::sync::wait_list::{Outcome, WaitList, Waiter};
use crate::sync::wakers::{Kept, wake_all};
use filch_executor::foreign::discard;
use std::pin::Pin;
use std::sync::Arc;

/// The shared part of a broadcast.
pub(super) struct Channel<T>(Lock<State<T>>);

struct State<T> {
    /// A power of two long; longer as values come, up to `capacity`.
    ring: Vec<Place<T>>,
    capacity: usize,
    next: u64,
    receivers: usize,
    senders: usize,
    weak_senders: usize,
    /// Receivers that wait for the next value, and senders that wait for the last receiver to go.
    receiving: WaitList,
    closing: WaitList,
}

/// A value and how many receivers have yet to get it.
struct Place<T> {
    value: Arc<Option<T>>,
    left: usize,
}

/// What there is for a receiver.
pub(super) enum Found<T> {
    /// A value that it may take, as it is the last who wants it.
    Value(T),
    /// A value that others want too, or clone just now: it is cloned.
    Shared(Arc<Option<T>>),
    /// So many were missed.
    Lagged(u64),
    /// Nothing yet.
    Empty,
    /// Nothing, for ever.
    Closed,
}

impl<T> State<T> {
    /// The number of the oldest value that is kept.
    fn oldest(&self) -> u64 {
        self.next.saturating_sub(self.capacity as u64)
    }

    fn place(&self, number: u64) -> usize {
        // The length is a power of two.
        (number as usize) & (self.capacity - 1)
    }

    /// Puts a value into its place, and returns what was there.
    fn put(&mut self, value: T) -> Option<Arc<Option<T>>> {
        let (at, left) = (self.place(self.next), self.receivers);
        self.next += 1;
        if at == self.ring.len() {
            let value = Arc::new(Some(value));
            self.ring.push(Place { value, left });
            return None;
        }
        let place = &mut self.ring[at];
        place.left = left;
        match Arc::get_mut(&mut place.value) {
            // In the same memory, if nothing has to be dropped there.
            Some(empty @ None) => {
                *empty = Some(value);
                None
            }
            _ => Some(std::mem::replace(&mut place.value, Arc::new(Some(value)))),
        }
    }

    /// A receiver has got a value: the value itself for the last who wanted it.
    fn get(&mut self, number: u64) -> Found<T> {
        let at = self.place(number);
        let place = &mut self.ring[at];
        place.left -= 1;
        if place.left == 0 {
            if let Some(value) = Arc::get_mut(&mut place.value).and_then(Option::take) {
                return Found::Value(value);
            }
        }
        Found::Shared(Arc::clone(&place.value))
    }

    fn find(&mut self, wanted: &mut u64) -> Found<T> {
        let oldest = self.oldest();
        if *wanted < oldest {
            let missed = oldest - *wanted;
            *wanted = oldest;
            return Found::Lagged(missed);
        }
        if *wanted == self.next {
            return match self.senders {
                0 => Found::Closed,
                _ => Found::Empty,
            };
        }
        *wanted += 1;
        self.get(*wanted - 1)
    }
}

impl<T> Channel<T> {
    #[track_caller]
    pub(super) fn new(capacity: usize) -> Channel<T> {
        assert!(capacity > 0, "a broadcast channel keeps one value at least");
        assert!(
            capacity <= usize::MAX >> 1,
            "a broadcast channel keeps usize::MAX / 2 values at most"
        );
        Channel(Lock::new(State {
            ring: Vec::new(),
            capacity: capacity.next_power_of_two(),
            next: 0,
            receivers: 0,
            senders: 1,
            weak_senders: 0,
            receiving: WaitList::new(),
            closing: WaitList::new(),
        }))
    }

    /// Sends to all receivers, and says how many those are. Without any, the value comes back.
    pub(super) fn send(&self, value: T) -> Result<usize, T> {
        let mut state = self.0.lock();
        let receivers = state.receivers;
        if receivers == 0 {
            return Err(value);
        }
        let replaced = state.put(value);
        let waits = !state.receiving.is_empty();
        drop(state);
        if let Some(replaced) = replaced {
            discard(replaced);
        }
        if waits {
            self.wake_receivers();
        }
        Ok(receivers)
    }

    /// Whoever waits now looks again.
    fn wake_receivers(&self) {
        let mut until = None;
        wake_all(|section| {
            let mut state = self.0.lock();
            let until = *until.get_or_insert(state.receiving.next_turn());
            section.fill(|| state.receiving.pop_before(until, Outcome::Released));
        });
    }

    pub(super) fn find(&self, wanted: &mut u64) -> Found<T> {
        self.0.lock().find(wanted)
    }

    /// As `find`; one that finds nothing yet begins to wait, or wants another section to do so.
    pub(super) fn find_or_wait(
        &self,
        wanted: &mut u64,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Found<T> {
        let mut state = self.0.lock();
        let found = state.find(wanted);
        if let Found::Empty = found {
            state.receiving.wait(waiter, kept, 1);
        }
        found
    }

    /// Another receiver, which gets what is sent from now on.
    pub(super) fn add_receiver(&self) -> u64 {
        let mut state = self.0.lock();
        state.receivers += 1;
        state.next
    }

    /// A receiver goes that wanted the values from this number on.
    pub(super) fn remove_receiver(&self, mut wanted: u64) {
        loop {
            let mut state = self.0.lock();
            match state.find(&mut wanted) {
                Found::Empty | Found::Closed => {
                    state.receivers -= 1;
                    let is_last = state.receivers == 0;
                    drop(state);
                    return self.end_closed(is_last);
                }
                found => {
                    drop(state);
                    discard(found);
                }
            }
        }
    }

    /// The last receiver is gone: whoever waits for that goes on.
    fn end_closed(&self, is_last: bool) {
        if is_last {
            wake_all(|section| {
                let mut state = self.0.lock();
                section.fill(|| state.closing.pop(Outcome::Released));
            });
        }
    }

    pub(super) fn closed_or_wait(&self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) -> bool {
        let mut state = self.0.lock();
        if state.receivers > 0 {
            state.closing.wait(waiter, kept, 1);
        }
        state.receivers == 0
    }

    /// Replaces the waker of a receiver that waits, or of a sender that waits for the end.
    pub(super) fn update(&self, ends: bool, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        let mut state = self.0.lock();
        let State {
            receiving, closing, ..
        } = &mut *state;
        let list = if ends { closing } else { receiving };
        list.update(waiter, kept);
    }

    /// One of those gives up. It held nothing.
    pub(super) fn give_up(&self, ends: bool, waiter: Pin<&mut Waiter>) {
        let mut state = self.0.lock();
        let State {
            receiving, closing, ..
        } = &mut *state;
        let list = if ends { closing } else { receiving };
        let removed = list.remove(waiter);
        drop(state);
        discard(removed);
    }

    pub(super) fn add_sender(&self) {
        self.0.lock().senders += 1;
    }

    /// Counts another sender, unless the last one is gone.
    pub(super) fn try_add_sender(&self) -> bool {
        let mut state = self.0.lock();
        let is_there = state.senders > 0;
        state.senders += usize::from(is_there);
        is_there
    }

    /// With the last sender, receivers that wait learn that nothing will come.
    pub(super) fn remove_sender(&self) {
        let mut state = self.0.lock();
        state.senders -= 1;
        let is_last = state.senders == 0;
        drop(state);
        if is_last {
            self.wake_receivers();
        }
    }

    pub(super) fn count_weak(&self, change: isize) {
        let mut state = self.0.lock();
        state.weak_senders = state.weak_senders.wrapping_add_signed(change);
    }

    /// Receivers, senders, and senders that do not count.
    pub(super) fn ends(&self) -> (usize, usize, usize) {
        let state = self.0.lock();
        (state.receivers, state.senders, state.weak_senders)
    }

    /// How many of the values from this number on are kept.
    pub(super) fn len_from(&self, wanted: u64) -> usize {
        let state = self.0.lock();
        (state.next - wanted.max(state.oldest())) as usize
    }

    /// How many values are kept that some receiver has yet to get.
    pub(super) fn len(&self) -> usize {
        let state = self.0.lock();
        let numbers = state.oldest()..state.next;
        numbers
            .rev()
            .take_while(|number| state.ring[state.place(*number)].left > 0)
            .count()
    }
}
