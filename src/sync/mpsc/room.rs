//! Room that is reserved, for one value or several.

use super::core::{Channel, Refused, Senders};
use crate::sync::primitive::atomic::Ordering::Acquire;
use crate::sync::wait_list::Waiter;
use crate::sync::wakers::{Kept, wake_all};
use std::pin::Pin;
use std::task::Waker;

impl<T> Channel<T> {
    /// Reserves room for so many values, if there is as much that nobody has an older claim to.
    pub(super) fn reserve(&self, amount: usize) -> Result<(), Refused<()>> {
        let mut senders = self.senders.state.lock();
        if senders.closed {
            return Err(Refused::Closed(()));
        }
        if self.free_room(&mut senders, amount) < amount {
            return Err(Refused::Full(()));
        }
        senders.used = senders.used.wrapping_add(amount);
        senders.permits += amount;
        Ok(())
    }

    /// As `reserve`. Who finds too little begins to wait, or wants another section to do so; what there is is kept for
    /// the first who waits.
    pub(super) fn reserve_or_wait(
        &self,
        amount: usize,
        mut waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Result<(), Refused<()>> {
        let mut receivers = self.receivers.state.lock();
        let reserved = self.reserve(amount);
        if let Err(Refused::Full(())) = reserved {
            receivers.sending.wait(waiter.as_mut(), kept, amount);
            if receivers.sending.holds_before(&waiter, u64::MAX) {
                let mut senders = self.senders.state.lock();
                let free = self.free_room(&mut senders, usize::MAX);
                senders.used = senders.used.wrapping_add(free);
                receivers.banked += free;
            }
        }
        reserved
    }

    /// A waiter's reservation becomes a permit, or ends here: the channel was closed meanwhile.
    pub(super) fn claim(&self, amount: usize) -> Result<(), Refused<()>> {
        let mut senders = self.senders.state.lock();
        if senders.closed {
            return Err(Refused::Closed(()));
        }
        senders.permits += amount;
        Ok(())
    }

    /// Sends into a permit, which ends here. It goes through though the channel was closed; without a receiver the
    /// value comes back.
    pub(super) fn send_permitted(&self, value: T) -> Result<Option<Waker>, T> {
        let mut senders = self.senders.state.lock();
        senders.permits -= 1;
        if senders.abandoned {
            return Err(value);
        }
        let receiver = self.push(&mut senders, value);
        let is_last = senders.is_over();
        drop(senders);
        if is_last {
            self.release_receivers();
        }
        Ok(receiver)
    }

    /// Permits end that were not used.
    pub(super) fn give_permits_back(&self, amount: usize) {
        if amount == 0 {
            return;
        }
        let mut senders = self.senders.state.lock();
        senders.permits -= amount;
        let is_last = senders.is_over();
        drop(senders);
        if is_last {
            self.release_receivers();
        }
        self.give_room_back(amount);
    }

    /// Reservations are passed on, or what was kept for one who gave up.
    pub(super) fn give_room_back(&self, amount: usize) {
        let mut left = amount;
        wake_all(|section| {
            let mut receivers = self.receivers.state.lock();
            receivers.banked += std::mem::take(&mut left);
            section.fill(|| receivers.grant());
            if receivers.sending.is_empty() {
                let free = std::mem::take(&mut receivers.banked);
                self.receivers.publish_more(free);
            }
        });
    }

    /// How much room there is for whoever comes, looked at anew if it seems to be less than `wanted`.
    ///
    /// Orderings: as in `has_room`.
    fn free_room(&self, senders: &mut Senders<T>, wanted: usize) -> usize {
        if senders.allowed.wrapping_sub(senders.used) < wanted {
            senders.allowed = self.receivers.published.load(Acquire);
        }
        senders.allowed.wrapping_sub(senders.used)
    }
}
