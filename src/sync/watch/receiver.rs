//! The end that watches.

use super::shared::Shared;
use super::version::Seen;
use crate::sync::Closed;
use crate::sync::wait_list::{Outcome, Waiter};
use crate::sync::waiting::{Leaf, future};
use crate::sync::wakers::Kept;
use filch_executor::leaf::{Wait, WaitKind};
use parking_lot::RwLockReadGuard;
use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// Watches a value. Clone it for more receivers; each remembers which version it has seen.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

/// A look at the value, which nobody changes meanwhile. Whoever sends waits, with its thread: drop it soon, and before
/// the next `.await`; the compiler sees to that where a future has to be `Send`.
#[must_use = "the value is locked as long as this is there"]
pub struct Ref<'a, T> {
    value: RwLockReadGuard<'a, T>,
    has_changed: bool,
}

impl<'a, T> Ref<'a, T> {
    pub(super) fn new(value: RwLockReadGuard<'a, T>, has_changed: bool) -> Ref<'a, T> {
        Ref { value, has_changed }
    }

    /// Whether the receiver had not seen this value before.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Receiver<T> {
    /// The caller has read `seen` before.
    pub(super) fn new(shared: Arc<Shared<T>>, seen: u64) -> Receiver<T> {
        shared.version.add_receiver();
        Receiver { shared, seen }
    }

    /// Looks at the value. It counts as seen as little or as much as before.
    ///
    /// In a task that holds a look already, another one may wait for a sender that waits for the first: look once.
    pub fn borrow(&self) -> Ref<'_, T> {
        let value = self.shared.value.read();
        let has_changed = self.shared.version.now() != self.seen;
        Ref::new(value, has_changed)
    }

    /// Looks at the value, which counts as seen from now on.
    ///
    /// ```
    /// let (sender, mut receiver) = filch::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert!(receiver.has_changed().unwrap());
    /// assert_eq!(*receiver.borrow_and_update(), 2);
    /// assert!(!receiver.has_changed().unwrap());
    /// ```
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let value = self.shared.value.read();
        // With the lock held nobody changes it.
        let now = self.shared.version.now();
        let has_changed = std::mem::replace(&mut self.seen, now) != now;
        Ref::new(value, has_changed)
    }

    /// Whether there is a value that was not seen.
    ///
    /// # Errors
    /// [`Closed`], if the senders are gone, whether or not there is one.
    pub fn has_changed(&self) -> Result<bool, Closed> {
        if self.shared.version.is_closed() {
            return Err(Closed);
        }
        Ok(self.shared.version.now() != self.seen)
    }

    /// The value counts as not seen.
    pub fn mark_changed(&mut self) {
        // A number that no version has had yet.
        self.seen = self.shared.version.now().wrapping_sub(2);
    }

    /// The value counts as seen.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.version.now();
    }

    /// Waits for a value that was not seen, which counts as seen then.
    ///
    /// # Errors
    /// [`Closed`], if there is none and the senders are gone.
    ///
    /// # Cancel safety
    /// A future that is dropped before it is ready has seen nothing.
    #[track_caller]
    pub fn changed(&mut self) -> Changed<'_, T> {
        Changed::of(Change(self), Wait::here(WaitKind::Channel))
    }

    /// Waits for a value that `condition` holds for, which may be the one that is there, and looks at it. It counts as
    /// seen then.
    ///
    /// `condition` is called with the value locked: it must not use this channel.
    ///
    /// # Errors
    /// [`Closed`], if the condition does not hold and the senders are gone.
    ///
    /// # Cancel safety
    /// A future that is dropped before it is ready holds nothing. Values that the condition was asked about count as
    /// seen.
    ///
    /// ```
    /// # filch::run(async {
    /// let (sender, mut receiver) = filch::sync::watch::channel(0);
    /// let task = filch::spawn(async move { receiver.wait_for(|count| *count >= 3).await.map(|count| *count) });
    /// for count in 1..=3 {
    ///     sender.send_replace(count);
    /// }
    /// assert_eq!(task.await.unwrap(), Ok(3));
    /// # });
    /// ```
    #[track_caller]
    pub fn wait_for<F: FnMut(&T) -> bool>(&mut self, condition: F) -> WaitFor<'_, T, F> {
        WaitFor::of(
            Hold {
                shared: &self.shared,
                seen: &mut self.seen,
                condition,
            },
            Wait::here(WaitKind::Channel),
        )
    }

    /// As [`changed`](Receiver::changed), on a thread that is not async. In a task it blocks that task and whatever is
    /// joined with it.
    ///
    /// # Errors
    /// As [`changed`](Receiver::changed).
    ///
    /// ```
    /// let (sender, mut receiver) = filch::sync::watch::channel(1);
    /// let thread = std::thread::spawn(move || receiver.blocking_changed());
    /// sender.send(2).unwrap();
    /// thread.join().unwrap().unwrap();
    /// ```
    #[track_caller]
    pub fn blocking_changed(&mut self) -> Result<(), Closed> {
        self.changed().waiting.block()
    }

    /// Whether both watch the same value.
    #[must_use]
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver::new(Arc::clone(&self.shared), self.seen)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.version.remove_receiver();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("changed", &(self.shared.version.now() != self.seen))
            .field("closed", &self.shared.version.is_closed())
            .finish()
    }
}

struct Change<'a, T>(&'a mut Receiver<T>);

impl<T> Leaf for Change<'_, T> {
    type Output = Result<(), Closed>;

    #[inline]
    fn take_or_wait(
        &mut self,
        _: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Self::Output> {
        let version = &self.0.shared.version;
        match version.look_or_wait(self.0.seen, waiter, kept) {
            Seen::Changed => {
                self.0.seen = version.now();
                Poll::Ready(Ok(()))
            }
            Seen::Same => Poll::Pending,
            Seen::Closed => Poll::Ready(Err(Closed)),
        }
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.shared.version.update(false, waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.0.shared.version.give_up(false, waiter);
    }
}

future! {
    /// The future of [`Receiver::changed`].
    Changed ['a, T] ['a, T] of Change<'a, T> => Result<(), Closed>
}

struct Hold<'a, T, F> {
    shared: &'a Shared<T>,
    seen: &'a mut u64,
    condition: F,
}

impl<'a, T, F: FnMut(&T) -> bool> Hold<'a, T, F> {
    /// The value, if the condition holds for it. It is seen in any case.
    fn look(&mut self) -> Option<Ref<'a, T>> {
        let value = self.shared.value.read();
        let now = self.shared.version.now();
        let has_changed = std::mem::replace(self.seen, now) != now;
        (self.condition)(&value).then(|| Ref::new(value, has_changed))
    }
}

impl<'a, T, F: FnMut(&T) -> bool> Leaf for Hold<'a, T, F> {
    type Output = Result<Ref<'a, T>, Closed>;

    fn take_or_wait(
        &mut self,
        _: Option<Outcome>,
        mut waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Self::Output> {
        loop {
            if let Some(value) = self.look() {
                return Poll::Ready(Ok(value));
            }
            let version = &self.shared.version;
            match version.look_or_wait(*self.seen, waiter.as_mut(), kept) {
                Seen::Changed => {}
                Seen::Same => return Poll::Pending,
                Seen::Closed => return Poll::Ready(Err(Closed)),
            }
        }
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.shared.version.update(false, waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.shared.version.give_up(false, waiter);
    }
}

future! {
    /// The future of [`Receiver::wait_for`].
    WaitFor ['a, T, F: FnMut(&T) -> bool] ['a, T, F] of Hold<'a, T, F> => Result<Ref<'a, T>, Closed>
}
