//! What the ends of a channel share. Every transition of it is a method of [`Channel`]; each returns who is to be
//! woken.
//!
//! Senders meet under one lock and receivers under another, on cache lines of their own, so that a sender and a
//! receiver on two cores are not in each other's way. What one side has to tell the other is a count:
//!
//! - `allowed` (written by receivers) is how many sends there may have been by whoever came; it begins with the
//!   capacity, and each receive adds one.
//! - `offered` (written by senders) is how many receives there may have been by whoever came; each send adds one.
//!
//! Each side remembers the other's count, and looks again only when it seems to have run out. Whoever then still has to
//! wait takes both locks and looks once more, and is put **into a list under the lock of those it waits for**: a sender
//! into one of the receivers', who find it there when they make room. So no wake can be missed, and nothing here
//! depends on the order of two atomics.
//!
//! Both directions are fair. As long as somebody waits, a receive does not raise `allowed` but *reserves* its room for
//! the sender that has waited longest, and a send does not raise `offered` but *promises* a value to such a receiver.
//! Newcomers get nothing of that. A future that is dropped with a reservation or a promise passes it on; no value is
//! lost, as it stays in the queue until a receiver runs. Room for several values is saved up (`banked`) until the
//! sender that has waited longest for so much can have it.
//!
//! A reservation may leave its future as a permit, which may be used though the channel was closed meanwhile. So
//! receivers have reached the end only when no permit is out any more.
//!
//! The queue's rules (`queue.rs`) hold: pushes are under one lock, pops under the other. A pop needs an offer or a
//! promise, of which there is one per push, published after it with Release and found with Acquire (the count, or the
//! waiter's stage). Of the n pops so far one used the n-th of them or a later one, and all pops are ordered by their
//! lock: so the n-th comes after the n-th push.
//!
//! The order of the locks: the receivers' before the senders'. Room that is reserved is in `room.rs`, who comes
//! and goes in `ends.rs`.

use super::queue::{self, Head, Tail};
use crate::sync::lock::{Guard, Lock};
use crate::sync::primitive::atomic::AtomicUsize;
use crate::sync::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sync::wait_list::{Outcome, WaitList, Waiter};
use crate::sync::wakers::{self, Kept, keep};
use filch_executor::foreign::discard;
use std::pin::Pin;
use std::task::Waker;

/// The shared part of a channel.
pub(super) struct Channel<T> {
    pub(super) capacity: usize,
    pub(super) senders: Side<Senders<T>>,
    pub(super) receivers: Side<Receivers<T>>,
}

/// One side's lock, and the count that it publishes under it. Two cache lines, which processors fetch in pairs.
#[repr(C, align(128))]
pub(super) struct Side<S> {
    pub(super) published: AtomicUsize,
    pub(super) state: Lock<S>,
}

/// What senders share. The order is that of use.
#[repr(C)]
pub(super) struct Senders<T> {
    tail: Tail<T>,
    /// Sends without a reservation, and reservations of those who did not wait.
    pub(super) used: usize,
    /// `allowed` when it was last looked at.
    pub(super) allowed: usize,
    pub(super) receiving: WaitList,
    /// Nothing more may be sent.
    pub(super) closed: bool,
    /// No receiver is left: what is sent into a permit is dropped.
    pub(super) abandoned: bool,
    pub(super) ends: usize,
    /// Ends that do not count.
    pub(super) weak_ends: usize,
    /// Reservations that somebody holds as a permit.
    pub(super) permits: usize,
    /// All sends.
    pub(super) sent: usize,
    /// Who waits for the channel to be closed.
    pub(super) closing: WaitList,
}

/// What receivers share. The order is that of use.
#[repr(C)]
pub(super) struct Receivers<T> {
    pub(super) head: Head<T>,
    /// Receives without a promise.
    used: usize,
    /// `offered` when it was last looked at.
    offered: usize,
    pub(super) sending: WaitList,
    /// Room that is kept for the first of them, which waits for more than that.
    pub(super) banked: usize,
    pub(super) ends: usize,
    /// All receives.
    pub(super) received: usize,
}

/// A value that could not be sent.
pub(super) enum Refused<T> {
    Full(T),
    Closed(T),
}

/// Why a receiver got nothing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Vain {
    /// A value has come meanwhile.
    Again,
    /// There is none yet.
    Empty,
    /// There will be none.
    Ended,
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum For {
    /// Room for so many values.
    Room(usize),
    Value,
    Close,
}

impl<T> Channel<T> {
    pub(super) fn new(capacity: usize) -> Channel<T> {
        let (tail, head) = queue::queue();
        let senders = Senders {
            tail,
            used: 0,
            allowed: capacity,
            receiving: WaitList::new(),
            closed: false,
            abandoned: false,
            ends: 1,
            weak_ends: 0,
            permits: 0,
            sent: 0,
            closing: WaitList::new(),
        };
        let receivers = Receivers {
            head,
            used: 0,
            offered: 0,
            sending: WaitList::new(),
            banked: 0,
            ends: 1,
            received: 0,
        };
        Channel {
            capacity,
            senders: Side {
                published: AtomicUsize::new(0),
                state: Lock::new(senders),
            },
            receivers: Side {
                published: AtomicUsize::new(capacity),
                state: Lock::new(receivers),
            },
        }
    }

    /// Sends, if there is room that nobody has an older claim to.
    #[inline]
    pub(super) fn send(&self, value: T) -> Result<Option<Waker>, Refused<T>> {
        let mut senders = self.senders.state.lock();
        if senders.closed {
            return Err(Refused::Closed(value));
        }
        if !self.has_room(&mut senders) {
            return Err(Refused::Full(value));
        }
        senders.used = senders.used.wrapping_add(1);
        Ok(self.push(&mut senders, value))
    }

    /// As `send`. A sender that finds no room begins to wait, or wants another section to do so.
    pub(super) fn send_or_wait(
        &self,
        value: T,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Result<Option<Waker>, Refused<T>> {
        let mut receivers = self.receivers.state.lock();
        let sent = self.send(value);
        if let Err(Refused::Full(_)) = sent {
            receivers.sending.wait(waiter, kept, 1);
        }
        sent
    }

    /// Sends into the caller's reservation, which ends here.
    #[inline]
    pub(super) fn send_reserved(&self, value: T) -> Result<Option<Waker>, T> {
        let mut senders = self.senders.state.lock();
        if senders.closed {
            return Err(value);
        }
        Ok(self.push(&mut senders, value))
    }

    /// Receives, if there is a value that nobody has an older claim to. If not, the lock is kept for `wait_to_receive`
    /// or `look_again`.
    #[inline]
    pub(super) fn receive(&self) -> Result<(T, Option<Waker>), Guard<'_, Receivers<T>>> {
        let mut receivers = self.receivers.state.lock();
        if !self.has_value(&mut receivers) {
            return Err(receivers);
        }
        receivers.used = receivers.used.wrapping_add(1);
        Ok(self.pop(&mut receivers))
    }

    /// After `receive` has found nothing: what a receiver finds that does not wait.
    pub(super) fn look_again(&self, mut receivers: Guard<'_, Receivers<T>>) -> Vain {
        let senders = self.senders.state.lock();
        self.second_look(&mut receivers, &senders)
    }

    /// After `receive` has found nothing: a receiver that still has to wait for a value begins to. No value goes
    /// through here, as `keep` would move it about.
    pub(super) fn wait_to_receive(
        &self,
        receivers: Guard<'_, Receivers<T>>,
        mut waiter: Pin<&mut Waiter>,
        waker: &Waker,
    ) -> Vain {
        let mut first = Some(receivers);
        keep(waker, |kept| {
            let receivers = first.take();
            let receivers = receivers.unwrap_or_else(|| self.receivers.state.lock());
            self.look_or_wait(receivers, waiter.as_mut(), kept)
        })
    }

    fn look_or_wait(
        &self,
        mut receivers: Guard<'_, Receivers<T>>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Vain {
        let mut senders = self.senders.state.lock();
        let found = self.second_look(&mut receivers, &senders);
        if let Vain::Empty = found {
            senders.receiving.wait(waiter, kept, 1);
        }
        found
    }

    /// As `receive` and `wait_to_receive` together, within a section of a leaf's.
    pub(super) fn receive_or_wait(
        &self,
        mut waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Result<(T, Option<Waker>), Vain> {
        loop {
            let receivers = match self.receive() {
                Ok(received) => return Ok(received),
                Err(receivers) => receivers,
            };
            match self.look_or_wait(receivers, waiter.as_mut(), kept) {
                Vain::Again => {}
                vain => return Err(vain),
            }
        }
    }

    /// Under both locks nothing can come in between.
    fn second_look(&self, receivers: &mut Receivers<T>, senders: &Senders<T>) -> Vain {
        if self.has_value(receivers) {
            Vain::Again
        } else if senders.is_over() {
            Vain::Ended
        } else {
            Vain::Empty
        }
    }

    /// Receives what was promised to the caller. The promise ends here.
    #[inline]
    pub(super) fn receive_promised(&self) -> (T, Option<Waker>) {
        self.pop(&mut self.receivers.state.lock())
    }

    /// Orderings: Acquire pairs with the Release in `allow`.
    #[inline]
    fn has_room(&self, senders: &mut Senders<T>) -> bool {
        if senders.used == senders.allowed {
            senders.allowed = self.receivers.published.load(Acquire);
        }
        senders.used != senders.allowed
    }

    /// Orderings: Acquire pairs with the Release in `offer`.
    #[inline]
    fn has_value(&self, receivers: &mut Receivers<T>) -> bool {
        if receivers.used == receivers.offered {
            receivers.offered = self.senders.published.load(Acquire);
        }
        receivers.used != receivers.offered
    }

    #[inline]
    pub(super) fn push(&self, senders: &mut Senders<T>, value: T) -> Option<Waker> {
        // SAFETY: under the senders' lock; the queue's rules are shown to hold at the head of this file.
        unsafe { senders.tail.push(value) };
        senders.sent = senders.sent.wrapping_add(1);
        self.offer(senders)
    }

    #[inline]
    fn pop(&self, receivers: &mut Receivers<T>) -> (T, Option<Waker>) {
        // SAFETY: under the receivers' lock, with an offer or a promise; see the head of this file.
        let value = unsafe { receivers.head.pop() };
        receivers.received = receivers.received.wrapping_add(1);
        (value, self.allow(receivers))
    }

    /// A value is the first waiting receiver's, or anybody's.
    #[inline]
    fn offer(&self, senders: &mut Senders<T>) -> Option<Waker> {
        let first = senders.receiving.pop(Outcome::Granted);
        if first.is_none() {
            self.senders.publish_more(1);
        }
        first
    }

    /// Room is the first waiting sender's, or anybody's. If that one wants more, it is kept for it.
    #[inline]
    fn allow(&self, receivers: &mut Receivers<T>) -> Option<Waker> {
        if receivers.sending.is_empty() {
            self.receivers.publish_more(1);
            return None;
        }
        receivers.banked += 1;
        receivers.grant()
    }

    /// A receiver's promise is passed on.
    fn give_value_back(&self) -> Option<Waker> {
        self.offer(&mut self.senders.state.lock())
    }

    /// Replaces the waker of one that waits.
    pub(super) fn update(&self, what: For, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        match what {
            For::Room(_) => self.receivers.state.lock().sending.update(waiter, kept),
            For::Value => self.senders.state.lock().receiving.update(waiter, kept),
            For::Close => self.senders.state.lock().closing.update(waiter, kept),
        }
    }

    /// One that has begun to wait gives up. What it was granted goes to the next.
    #[cold]
    pub(super) fn give_up(&self, what: For, mut waiter: Pin<&mut Waiter>) {
        let removed = match what {
            For::Room(_) => self.receivers.state.lock().sending.remove(waiter.as_mut()),
            For::Value => self.senders.state.lock().receiving.remove(waiter.as_mut()),
            For::Close => self.senders.state.lock().closing.remove(waiter.as_mut()),
        };
        let is_granted = waiter.take_outcome() == Some(Outcome::Granted);
        match what {
            // What was kept for one that is removed may be enough for the next.
            For::Room(_) if removed.is_some() => self.give_room_back(0),
            For::Room(amount) if is_granted => self.give_room_back(amount),
            For::Value if is_granted => wake(self.give_value_back()),
            _ => {}
        }
        discard(removed);
    }
}

impl<T> Senders<T> {
    /// Whether nothing will come any more.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        (self.closed || self.ends == 0) && self.permits == 0
    }
}

impl<T> Receivers<T> {
    /// Gives the first sender the room that it waits for, if enough is saved up.
    #[inline]
    pub(super) fn grant(&mut self) -> Option<Waker> {
        let amount = self.sending.first_amount()?;
        self.banked = self.banked.checked_sub(amount)?;
        self.sending.pop(Outcome::Granted)
    }
}

impl<S> Side<S> {
    /// Orderings: Release, so that whoever uses the count comes after what was done before. Only holders of the lock
    /// write it.
    #[inline]
    pub(super) fn publish_more(&self, amount: usize) {
        let count = self.published.load(Relaxed);
        self.published.store(count.wrapping_add(amount), Release);
    }
}

/// Wakes after a lock.
#[inline]
pub(super) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        wakers::wake(waker);
    }
}
