//! Room that is reserved before there is a value.
//!
//! A permit counts in the channel from the moment when it is made until it is used or dropped; see `core.rs`.

use super::core::{Channel, For, Refused, wake};
use super::sender::Sender;
use crate::sync::error::{SendError, TrySendError};
use crate::sync::wait_list::{Outcome, Waiter};
use crate::sync::waiting::{Leaf, future};
use crate::sync::wakers::Kept;
use filch_executor::foreign::discard;
use filch_executor::leaf::{Wait, WaitKind};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// Room for one value, which is given back if this is dropped. [`Sender::reserve`] makes one.
#[must_use = "the room is given back at once if this is dropped"]
pub struct Permit<'a, T> {
    room: PermitIterator<'a, T>,
}

/// Room for several values, as that many [`Permit`]s. What is left is given back when this is dropped.
/// [`Sender::reserve_many`] makes one.
#[must_use = "the room is given back at once if this is dropped"]
pub struct PermitIterator<'a, T> {
    channel: &'a Channel<T>,
    left: usize,
}

/// A [`Permit`] that holds its sender and borrows nothing. [`Sender::reserve_owned`] makes one.
#[must_use = "the room is given back at once if this is dropped"]
pub struct OwnedPermit<T> {
    /// There until it is used.
    sender: Option<Sender<T>>,
}

impl<T> Sender<T> {
    /// Waits for room for one value, and reserves it.
    ///
    /// # Errors
    /// [`SendError`], if the channel is or gets closed.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. Room that it was given meanwhile goes to the next. So a
    /// value that must not be lost is sent by `sender.reserve().await?.send(value)`.
    ///
    /// ```
    /// # filch::run(async {
    /// let (sender, receiver) = filch::sync::mpsc::channel(1);
    /// let permit = sender.reserve().await.unwrap();
    /// assert!(sender.try_send(2).is_err());
    /// permit.send(1);
    /// assert_eq!(receiver.recv().await, Some(1));
    /// # });
    /// ```
    #[track_caller]
    pub fn reserve(&self) -> Reserve<'_, T> {
        let wait = Wait::here(WaitKind::Channel);
        Reserve::of(Room(self.reserve_many_at(1)), wait)
    }

    /// Waits for room for several values, and reserves it for all of them together.
    ///
    /// # Errors
    /// [`SendError`], if the channel is or gets closed, or has never room for so many.
    ///
    /// # Cancel safety
    /// As [`reserve`](Sender::reserve).
    ///
    /// ```
    /// # filch::run(async {
    /// let (sender, receiver) = filch::sync::mpsc::channel(2);
    /// for (permit, value) in sender.reserve_many(2).await.unwrap().zip([1, 2]) {
    ///     permit.send(value);
    /// }
    /// assert_eq!(receiver.len(), 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn reserve_many(&self, amount: usize) -> ReserveMany<'_, T> {
        let wait = Wait::here(WaitKind::Channel);
        ReserveMany::of(self.reserve_many_at(amount), wait)
    }

    fn reserve_many_at(&self, amount: usize) -> Rooms<'_, T> {
        Rooms {
            channel: &self.channel,
            amount,
        }
    }

    /// As [`reserve`](Sender::reserve), with a permit that holds the sender.
    ///
    /// # Errors
    /// [`SendError`], if the channel is or gets closed.
    #[track_caller]
    pub fn reserve_owned(self) -> ReserveOwned<T> {
        let room = OwnedRoom {
            channel: Arc::clone(&self.channel),
            sender: Some(self),
        };
        ReserveOwned::of(room, Wait::here(WaitKind::Channel))
    }

    /// Reserves room for one value, if there is some.
    ///
    /// # Errors
    /// [`TrySendError`], if there is none, or others wait for it, or the channel is closed.
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        let room = self.try_reserve_many(1)?;
        Ok(Permit { room })
    }

    /// Reserves room for several values, if there is as much.
    ///
    /// # Errors
    /// [`TrySendError`], if there is not, or others wait for it, or the channel is closed.
    pub fn try_reserve_many(
        &self,
        amount: usize,
    ) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        self.channel.reserve(amount).map_err(refused)?;
        Ok(PermitIterator {
            channel: &self.channel,
            left: amount,
        })
    }

    /// As [`try_reserve`](Sender::try_reserve), with a permit that holds the sender.
    ///
    /// # Errors
    /// [`TrySendError`] with the sender, if there is no room, or others wait for it, or the channel is closed.
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Sender<T>>> {
        match self.channel.reserve(1) {
            Ok(()) => Ok(OwnedPermit { sender: Some(self) }),
            Err(Refused::Full(())) => Err(TrySendError::Full(self)),
            Err(Refused::Closed(())) => Err(TrySendError::Closed(self)),
        }
    }
}

fn refused(refused: Refused<()>) -> TrySendError<()> {
    match refused {
        Refused::Full(()) => TrySendError::Full(()),
        Refused::Closed(()) => TrySendError::Closed(()),
    }
}

/// Sends into a permit. A value that nobody will receive is dropped here.
fn send_permitted<T>(channel: &Channel<T>, value: T) {
    match channel.send_permitted(value) {
        Ok(receiver) => wake(receiver),
        Err(value) => discard(value),
    }
}

impl<T> Permit<'_, T> {
    /// Sends a value into the room. It cannot fail: what was reserved before the channel was closed is still received.
    pub fn send(mut self, value: T) {
        self.room.left = 0;
        send_permitted(self.room.channel, value);
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        self.left = self.left.checked_sub(1)?;
        let room = PermitIterator {
            channel: self.channel,
            left: 1,
        };
        Some(Permit { room })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> std::iter::FusedIterator for PermitIterator<'_, T> {}

impl<T> Drop for PermitIterator<'_, T> {
    fn drop(&mut self) {
        self.channel.give_permits_back(self.left);
    }
}

impl<T> OwnedPermit<T> {
    fn take(&mut self) -> Sender<T> {
        self.sender.take().expect("a permit is used once")
    }

    /// Sends a value into the room, and gives the sender back. It cannot fail: what was reserved before the channel
    /// was closed is still received.
    ///
    /// ```
    /// # filch::run(async {
    /// let (sender, receiver) = filch::sync::mpsc::channel(1);
    /// let permit = sender.reserve_owned().await.unwrap();
    /// let sender = permit.send(1);
    /// assert_eq!(receiver.recv().await, Some(1));
    /// assert_eq!(sender.capacity(), 1);
    /// # });
    /// ```
    pub fn send(mut self, value: T) -> Sender<T> {
        let sender = self.take();
        send_permitted(&sender.channel, value);
        sender
    }

    /// Gives the room back, and the sender.
    pub fn release(mut self) -> Sender<T> {
        let sender = self.take();
        sender.channel.give_permits_back(1);
        sender
    }

    /// Whether both are for the same channel.
    #[must_use]
    pub fn same_channel(&self, other: &OwnedPermit<T>) -> bool {
        let others = other.sender.as_ref();
        others.is_some_and(|sender| self.same_channel_as_sender(sender))
    }

    /// Whether it is for that sender's channel.
    #[must_use]
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        let own = self.sender.as_ref();
        own.is_some_and(|own| own.same_channel(sender))
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.channel.give_permits_back(1);
        }
    }
}

macro_rules! debug {
    ($($name:literal: $type:ty;)*) => {
        $(impl<T> fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name).finish_non_exhaustive()
            }
        })*
    };
}

debug! {
    "Permit": Permit<'_, T>;
    "PermitIterator": PermitIterator<'_, T>;
    "OwnedPermit": OwnedPermit<T>;
}

/// Waits for room for so many.
struct Rooms<'a, T> {
    channel: &'a Channel<T>,
    amount: usize,
}

impl<'a, T> Leaf for Rooms<'a, T> {
    type Output = Result<PermitIterator<'a, T>, SendError<()>>;

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Self::Output> {
        if self.amount > self.channel.capacity {
            return Poll::Ready(Err(SendError(())));
        }
        let reserved = reserve(self.channel, self.amount, ended, waiter, kept);
        reserved.map(|reserved| {
            reserved.map(|()| PermitIterator {
                channel: self.channel,
                left: self.amount,
            })
        })
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.channel.update(For::Room(self.amount), waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.channel.give_up(For::Room(self.amount), waiter);
    }
}

fn reserve<T>(
    channel: &Channel<T>,
    amount: usize,
    ended: Option<Outcome>,
    waiter: Pin<&mut Waiter>,
    kept: &mut Kept<'_>,
) -> Poll<Result<(), SendError<()>>> {
    let mut reserved = match ended {
        Some(Outcome::Released) => Err(Refused::Closed(())),
        Some(_) => channel.claim(amount),
        None => channel.reserve(amount),
    };
    if let Err(Refused::Full(())) = reserved {
        reserved = channel.reserve_or_wait(amount, waiter, kept);
    }
    match reserved {
        Ok(()) => Poll::Ready(Ok(())),
        Err(Refused::Closed(())) => Poll::Ready(Err(SendError(()))),
        Err(Refused::Full(())) => Poll::Pending,
    }
}

/// Waits for room for one.
struct Room<'a, T>(Rooms<'a, T>);

impl<'a, T> Leaf for Room<'a, T> {
    type Output = Result<Permit<'a, T>, SendError<()>>;

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Self::Output> {
        let reserved = self.0.take_or_wait(ended, waiter, kept);
        reserved.map(|reserved| reserved.map(|room| Permit { room }))
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.update(waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.0.give_up(waiter);
    }
}

/// The same, with the sender.
struct OwnedRoom<T> {
    channel: Arc<Channel<T>>,
    sender: Option<Sender<T>>,
}

impl<T> Leaf for OwnedRoom<T> {
    type Output = Result<OwnedPermit<T>, SendError<()>>;

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Self::Output> {
        let reserved = reserve(&self.channel, 1, ended, waiter, kept);
        reserved.map(|reserved| {
            let sender = self.sender.take();
            reserved.map(|()| OwnedPermit { sender })
        })
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.channel.update(For::Room(1), waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.channel.give_up(For::Room(1), waiter);
    }
}

future! {
    /// The future of [`Sender::reserve`].
    Reserve ['a, T] ['a, T] of Room<'a, T> => Result<Permit<'a, T>, SendError<()>>
}
future! {
    /// The future of [`Sender::reserve_many`].
    ReserveMany ['a, T] ['a, T] of Rooms<'a, T> => Result<PermitIterator<'a, T>, SendError<()>>
}
future! {
    /// The future of [`Sender::reserve_owned`].
    ReserveOwned [T] [T] of OwnedRoom<T> => Result<OwnedPermit<T>, SendError<()>>
}
