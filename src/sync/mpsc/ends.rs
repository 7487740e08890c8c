//! Who holds a channel's ends, and what becomes of it when they go.

use super::core::{Channel, Receivers, Senders};
use crate::sync::lock::Guard;
use crate::sync::primitive::atomic::Ordering::Relaxed;
use crate::sync::wait_list::{Outcome, Waiter};
use crate::sync::wakers::{Kept, wake_all};
use filch_executor::foreign::discard;
use std::fmt;
use std::pin::Pin;

impl<T> Channel<T> {
    /// Nothing more may be sent. Whoever waits for room gets its value back, whoever waits for a value learns that
    /// there is none.
    pub(super) fn close(&self) {
        wake_all(|section| {
            let mut receivers = self.receivers.state.lock();
            let mut senders = self.senders.state.lock();
            senders.closed = true;
            section.fill(|| receivers.sending.pop(Outcome::Released));
            section.fill(|| senders.closing.pop(Outcome::Released));
        });
        self.release_receivers();
    }

    pub(super) fn add_sender(&self) {
        self.senders.state.lock().ends += 1;
    }

    /// Counts another sender, unless the last one is gone.
    pub(super) fn try_add_sender(&self) -> bool {
        let mut senders = self.senders.state.lock();
        let is_there = senders.ends > 0;
        senders.ends += usize::from(is_there);
        is_there
    }

    pub(super) fn add_weak_sender(&self) {
        self.senders.state.lock().weak_ends += 1;
    }

    pub(super) fn remove_weak_sender(&self) {
        self.senders.state.lock().weak_ends -= 1;
    }

    /// How many senders there are, and how many that do not count.
    pub(super) fn senders(&self) -> (usize, usize) {
        let senders = self.senders.state.lock();
        (senders.ends, senders.weak_ends)
    }

    /// A sender is gone. With the last one, whoever waits for a value learns that there will be none.
    pub(super) fn remove_sender(&self) {
        let mut senders = self.senders.state.lock();
        senders.ends -= 1;
        if senders.ends == 0 {
            drop(senders);
            self.release_receivers();
        }
    }

    /// Whoever waits for a value looks again whether there will be one.
    #[cold]
    pub(super) fn release_receivers(&self) {
        let mut until = None;
        wake_all(|section| {
            let mut senders = self.senders.state.lock();
            // One that looks and waits again is not meant.
            let until = *until.get_or_insert(senders.receiving.next_turn());
            section.fill(|| senders.receiving.pop_before(until, Outcome::Released));
        });
    }

    pub(super) fn add_receiver(&self) {
        self.receivers.state.lock().ends += 1;
    }

    /// A receiver is gone. With the last one, the channel is closed and what nobody received is dropped.
    pub(super) fn remove_receiver(&self) {
        let mut receivers = self.receivers.state.lock();
        receivers.ends -= 1;
        if receivers.ends == 0 {
            drop(receivers);
            self.close();
            self.senders.state.lock().abandoned = true;
            self.drop_left();
        }
    }

    /// Drops what nobody received, each value after the locks: it is a user's, and what it does then is no other
    /// value's business.
    fn drop_left(&self) {
        while let Some(value) = self.take_left() {
            discard(value);
        }
    }

    /// A value that nobody received: nobody is left who could, and promises and offers do not count any more.
    fn take_left(&self) -> Option<T> {
        let (mut receivers, senders) = self.both();
        if receivers.received == senders.sent {
            return None;
        }
        // SAFETY: under both locks, and fewer were popped than pushed.
        let value = unsafe { receivers.head.pop() };
        receivers.received = receivers.received.wrapping_add(1);
        Some(value)
    }

    fn both(&self) -> (Guard<'_, Receivers<T>>, Guard<'_, Senders<T>>) {
        let receivers = self.receivers.state.lock();
        (receivers, self.senders.state.lock())
    }

    pub(super) fn len(&self) -> usize {
        let (receivers, senders) = self.both();
        senders.sent.wrapping_sub(receivers.received)
    }

    /// How many could send now without waiting.
    pub(super) fn room(&self) -> usize {
        let (_receivers, senders) = self.both();
        let allowed = self.receivers.published.load(Relaxed);
        allowed.wrapping_sub(senders.used)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.senders.state.lock().closed
    }

    pub(super) fn has_senders(&self) -> bool {
        self.senders.state.lock().ends > 0
    }

    /// Waits for the channel to be closed, unless it is.
    pub(super) fn closed_or_wait(&self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) -> bool {
        let mut senders = self.senders.state.lock();
        if !senders.closed {
            senders.closing.wait(waiter, kept, 1);
        }
        senders.closed
    }
}

impl<T> Drop for Channel<T> {
    fn drop(&mut self) {
        // Normally none: the last receiver has dropped them.
        self.drop_left();
        // SAFETY: all that was pushed was popped, and nobody is left who would do either.
        unsafe { self.receivers.state.lock().head.free() };
    }
}

impl<T> Channel<T> {
    /// `Sender { queued: 3, capacity: 8, closed: false }`, of either end.
    pub(super) fn fmt_end(&self, end: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(end)
            .field("queued", &self.len())
            .field("capacity", &self.capacity)
            .field("closed", &self.is_closed())
            .finish()
    }
}
