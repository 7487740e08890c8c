//! The end that changes the value.

use super::receiver::{Receiver, Ref};
use super::shared::{Shared, shared};
use crate::sync::error::SendError;
use crate::sync::wait_list::{Outcome, Waiter};
use crate::sync::waiting::{Leaf, future};
use crate::sync::wakers::Kept;
use filch_executor::foreign::discard;
use filch_executor::leaf::{Wait, WaitKind};
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// Changes the value that receivers watch. Clone it for more senders; with the last one's drop the receivers learn that
/// it will not change any more.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// A sender without receivers, with its first value.
    pub fn new(value: T) -> Sender<T> {
        Sender {
            shared: shared(value),
        }
    }

    /// Replaces the value, if there is a receiver.
    ///
    /// # Errors
    /// [`SendError`] with the new value, if there is none. [`send_replace`](Sender::send_replace) does it all the same.
    ///
    /// ```
    /// let (sender, receiver) = filch::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// drop(receiver);
    /// assert_eq!(sender.send(3).unwrap_err().0, 3);
    /// assert_eq!(*sender.borrow(), 2);
    /// ```
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        // The old one is dropped here, after the lock.
        discard(self.send_replace(value));
        Ok(())
    }

    /// Changes the value in its place. It counts as changed, whatever `change` does. If that panics, so does this, and
    /// nobody is told.
    ///
    /// `change` is called with the value locked: it must not use this channel.
    pub fn send_modify(&self, change: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            change(value);
            true
        });
    }

    /// Changes the value in its place, and tells the receivers if `change` says that it did. Returns what that says. If
    /// it panics, so does this, and nobody is told.
    ///
    /// `change` is called with the value locked: it must not use this channel.
    ///
    /// ```
    /// let (sender, receiver) = filch::sync::watch::channel(vec![1]);
    /// let add = |number| sender.send_if_modified(|all| {
    ///     let is_new = !all.contains(&number);
    ///     all.extend(is_new.then_some(number));
    ///     is_new
    /// });
    /// assert!(!add(1));
    /// assert!(!receiver.has_changed().unwrap());
    /// assert!(add(2));
    /// assert!(receiver.has_changed().unwrap());
    /// ```
    pub fn send_if_modified(&self, change: impl FnOnce(&mut T) -> bool) -> bool {
        let mut value = self.shared.value.write();
        let is_changed = change(&mut value);
        let somebody_waits = is_changed && self.shared.version.change();
        drop(value);
        if somebody_waits {
            self.shared.version.wake();
        }
        is_changed
    }

    /// Replaces the value, receivers or not, and returns the old one.
    pub fn send_replace(&self, mut value: T) -> T {
        self.send_modify(|old| mem::swap(old, &mut value));
        value
    }

    /// Looks at the value.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref::new(self.shared.value.read(), false)
    }

    /// Whether there is no receiver.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancel safety
    /// It holds nothing.
    ///
    /// ```
    /// # filch::run(async {
    /// let (sender, receiver) = filch::sync::watch::channel(1);
    /// drop(receiver);
    /// sender.closed().await;
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> WaitClosed<'_, T> {
        WaitClosed::of(Close(&self.shared), Wait::here(WaitKind::Channel))
    }

    /// Another receiver, which has seen the value that there is.
    pub fn subscribe(&self) -> Receiver<T> {
        let seen = self.shared.version.now();
        Receiver::new(Arc::clone(&self.shared), seen)
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.shared.version.receivers()
    }

    /// How many senders there are.
    #[must_use]
    pub fn sender_count(&self) -> usize {
        self.shared.version.senders()
    }

    /// Whether both change the same value.
    #[must_use]
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.shared.version.add_sender();
        Sender {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Sender<T> {
        Sender::new(T::default())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.version.remove_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("receivers", &self.receiver_count())
            .finish()
    }
}

struct Close<'a, T>(&'a Shared<T>);

impl<T> Leaf for Close<'_, T> {
    type Output = ();

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<()> {
        match ended.is_some() || self.0.version.closed_or_wait(waiter, kept) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.version.update(true, waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.0.version.give_up(true, waiter);
    }
}

future! {
    /// The future of [`Sender::closed`].
    WaitClosed ['a, T] ['a, T] of Close<'a, T> => ()
}
