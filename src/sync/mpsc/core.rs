//! What the ends of a channel share. Every transition of it is a method of [`State`], under the lock; each returns who is to be woken after it.
//!
//! Both directions are fair in the same way. Room that becomes free is *reserved* for the sender that has waited longest, and a value that comes in is *promised* to the
//! receiver that has; newcomers get what is left, which is nothing as long as anybody waits. A sender whose future is dropped with a reservation passes it on, and so
//! does a receiver with a promise: no value is lost, as it is not taken out of the queue before the receiver runs.
//!
//! The invariants, outside of a transition:
//!
//! 1. Values and reservations together are at most the capacity, and exactly that while a sender waits.
//! 2. Promises are at most as many as values, and exactly as many while a receiver waits.
//! 3. No sender waits on a closed channel, and no receiver on one that is closed or has no senders.

use crate::sync::lock::Lock;
use crate::sync::wait_list::{Outcome, WaitList, Waiter};
use crate::sync::wakers::wake_all;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::Waker;

/// The shared part of a channel.
#[repr(C, align(64))]
pub(super) struct Channel<T> {
    pub(super) state: Lock<State<T>>,
    pub(super) capacity: usize,
}

/// In this order, as what a send touches fits into the lock's cache line then. A receive reads one more, which changes only when senders wait.
#[repr(C)]
pub(super) struct State<T> {
    values: VecDeque<T>,
    /// Room that belongs to senders which were woken and have not run yet.
    reserved: u32,
    /// Values that belong to receivers which were woken and have not run yet.
    promised: u32,
    receiving: WaitList,
    sending: WaitList,
    capacity: usize,
    /// Nothing more may be sent.
    closed: bool,
    /// Ends of either kind.
    pub(super) senders: usize,
    pub(super) receivers: usize,
    /// Who waits for the channel to be closed.
    closing: WaitList,
}

/// A value that could not be sent.
pub(super) enum Refused<T> {
    Full(T),
    Closed(T),
}

/// What there is to receive.
pub(super) enum Received<T> {
    /// A value, and a sender to wake.
    Value(T, Option<Waker>),
    /// Nothing now.
    Empty,
    /// Nothing, for ever.
    Ended,
}

impl<T> State<T> {
    /// Sends, unless others have an older claim to the room.
    #[inline]
    pub(super) fn send(&mut self, value: T) -> Result<Option<Waker>, Refused<T>> {
        if self.closed {
            return Err(Refused::Closed(value));
        }
        if self.is_full() {
            return Err(Refused::Full(value));
        }
        self.values.push_back(value);
        Ok(self.promise())
    }

    /// Sends into the caller's reservation, which ends here.
    #[inline]
    pub(super) fn send_reserved(&mut self, value: T) -> Result<Option<Waker>, T> {
        self.reserved -= 1;
        if self.closed {
            return Err(value);
        }
        self.values.push_back(value);
        Ok(self.promise())
    }

    /// Receives, unless others have an older claim to the values.
    #[inline]
    pub(super) fn receive(&mut self) -> Received<T> {
        if self.values.len() > self.promised as usize
            && let Some(value) = self.values.pop_front()
        {
            return Received::Value(value, self.reserve());
        }
        if self.closed || self.senders == 0 {
            Received::Ended
        } else {
            Received::Empty
        }
    }

    /// Receives what was promised to the caller. The promise ends here.
    #[inline]
    pub(super) fn receive_promised(&mut self) -> Received<T> {
        self.promised -= 1;
        self.receive()
    }

    /// Reserves free room for the first sender.
    #[inline]
    fn reserve(&mut self) -> Option<Waker> {
        if self.is_full() {
            return None;
        }
        let first = self.sending.pop(Outcome::Granted);
        self.reserved += u32::from(first.is_some());
        first
    }

    /// Promises a value to the first receiver.
    #[inline]
    fn promise(&mut self) -> Option<Waker> {
        if self.values.len() == self.promised as usize {
            return None;
        }
        let first = self.receiving.pop(Outcome::Granted);
        self.promised += u32::from(first.is_some());
        first
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.values.len() + self.reserved as usize >= self.capacity
    }

    /// A sender begins to wait. It found the channel full.
    #[inline]
    pub(super) fn wait_to_send(&mut self, waiter: Pin<&mut Waiter>, waker: &Waker) {
        self.sending.push(waiter, waker, 1);
    }

    /// A receiver begins to wait. It found the channel empty.
    #[inline]
    pub(super) fn wait_to_receive(&mut self, waiter: Pin<&mut Waiter>, waker: &Waker) {
        self.receiving.push(waiter, waker, 1);
    }

    /// A sender's reservation is passed on.
    pub(super) fn give_room_back(&mut self) -> Option<Waker> {
        self.reserved -= 1;
        self.reserve()
    }

    /// A receiver's promise is passed on.
    pub(super) fn give_value_back(&mut self) -> Option<Waker> {
        self.promised -= 1;
        self.promise()
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn room(&self) -> usize {
        self.capacity - self.values.len() - self.reserved as usize
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The list of those who wait for one thing.
    pub(super) fn list(&mut self, side: Side) -> &mut WaitList {
        match side {
            Side::Sending => &mut self.sending,
            Side::Receiving => &mut self.receiving,
            Side::Closing => &mut self.closing,
        }
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    /// Room.
    Sending,
    /// A value.
    Receiving,
    /// The end of the receivers.
    Closing,
}

impl<T> Channel<T> {
    pub(super) fn new(capacity: usize) -> Channel<T> {
        Channel {
            capacity,
            state: Lock::new(State {
                values: VecDeque::new(),
                capacity,
                reserved: 0,
                promised: 0,
                senders: 1,
                receivers: 1,
                closed: false,
                sending: WaitList::new(),
                receiving: WaitList::new(),
                closing: WaitList::new(),
            }),
        }
    }

    /// Nothing more may be sent. Whoever waits for room gets its value back, whoever waits for a value learns that there is none.
    pub(super) fn close(&self) {
        wake_all(|section| {
            let mut state = self.state.lock();
            state.closed = true;
            section.fill(|| state.sending.pop(Outcome::Released));
            section.fill(|| state.receiving.pop(Outcome::Released));
            section.fill(|| state.closing.pop(Outcome::Released));
        });
    }

    /// A sender is gone. With the last one, whoever waits for a value learns that there will be none.
    pub(super) fn remove_sender(&self) {
        let mut state = self.state.lock();
        state.senders -= 1;
        if state.senders == 0 {
            drop(state);
            wake_all(|section| {
                let mut state = self.state.lock();
                section.fill(|| state.receiving.pop(Outcome::Released));
            });
        }
    }

    /// A receiver is gone. With the last one, the channel is closed and what nobody received is dropped.
    pub(super) fn remove_receiver(&self) {
        let mut state = self.state.lock();
        state.receivers -= 1;
        if state.receivers == 0 {
            drop(state);
            self.close();
            let left = std::mem::take(&mut self.state.lock().values);
            drop(left); // Not under the lock: values are users'.
        }
    }

    /// Replaces the waker of one that waits.
    pub(super) fn update(&self, side: Side, waiter: Pin<&mut Waiter>, waker: &Waker) {
        let replaced = self.state.lock().list(side).update(waiter, waker);
        drop(replaced);
    }

    /// Ends a wait without an outcome. `false`: there is one already.
    pub(super) fn remove(&self, side: Side, waiter: Pin<&mut Waiter>) -> bool {
        let removed = self.state.lock().list(side).remove(waiter);
        removed.is_some()
    }
}

impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        let (len, closed) = (state.len(), state.closed);
        let ends = (state.senders, state.receivers);
        drop(state);
        f.debug_struct("Channel")
            .field("capacity", &self.capacity)
            .field("len", &len)
            .field("senders", &ends.0)
            .field("receivers", &ends.1)
            .field("closed", &closed)
            .finish()
    }
}

/// Wakes after a lock.
#[inline]
pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
