//! Things that come out when their time has come.
//!
//! One timer, for the earliest. Things are numbered, and lie in the order of their deadlines by an index beside them.

use crate::time::{Instant, Sleep, sleep_until};
use futures_core::Stream;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

/// A queue whose things come out when their time has come, the earliest first. It is a [`Stream`] of them.
///
/// It belongs to one task, and costs one timer however much is in it. The stream says `None` when nothing is in it, and
/// goes on when something is put in again.
///
/// ```
/// use filch::stream::StreamExt;
/// use filch::sync::DelayQueue;
/// use std::time::Duration;
///
/// # filch::run(async {
/// let mut retries = DelayQueue::new();
/// retries.insert("later", Duration::from_millis(2));
/// let key = retries.insert("never", Duration::from_millis(3));
/// retries.insert("soon", Duration::from_millis(1));
/// assert_eq!(retries.remove(&key).into_inner(), "never");
/// let mut order = Vec::new();
/// while let Some(expired) = retries.next().await {
///     order.push(expired.into_inner());
/// }
/// assert_eq!(order, ["soon", "later"]);
/// # });
/// ```
pub struct DelayQueue<T> {
    things: BTreeMap<u64, (Instant, T)>,
    /// Deadlines, and of one deadline the order of insertion.
    order: BTreeSet<(Instant, u64)>,
    next: u64,
    /// For the earliest deadline, once that was waited for.
    timer: Option<Pin<Box<Sleep>>>,
    /// Who waits for something to be put in, or for an earlier deadline.
    waits: Option<Waker>,
}

/// Which thing of a [`DelayQueue`]. It is never used for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DelayKey(u64);

/// A thing that has come out of a [`DelayQueue`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired<T> {
    thing: T,
    deadline: Instant,
    key: DelayKey,
}

impl<T> Expired<T> {
    /// The thing.
    pub fn get_ref(&self) -> &T {
        &self.thing
    }

    /// The thing.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.thing
    }

    /// The thing.
    pub fn into_inner(self) -> T {
        self.thing
    }

    /// When it was to come out.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The key that it had.
    pub fn key(&self) -> DelayKey {
        self.key
    }
}

impl<T> DelayQueue<T> {
    /// Without anything.
    #[must_use]
    pub fn new() -> DelayQueue<T> {
        DelayQueue {
            things: BTreeMap::new(),
            order: BTreeSet::new(),
            next: 0,
            timer: None,
            waits: None,
        }
    }

    /// Puts something in, which comes out after `delay`.
    pub fn insert(&mut self, thing: T, delay: Duration) -> DelayKey {
        self.insert_at(thing, Instant::now().saturating_add(delay))
    }

    /// Puts something in, which comes out at `deadline`. Of equal ones the first that was put in comes first.
    pub fn insert_at(&mut self, thing: T, deadline: Instant) -> DelayKey {
        let key = self.next;
        self.next += 1;
        self.things.insert(key, (deadline, thing));
        self.order.insert((deadline, key));
        self.look_again();
        DelayKey(key)
    }

    /// Takes something out before its time. `None`: it has come out.
    pub fn try_remove(&mut self, key: &DelayKey) -> Option<Expired<T>> {
        let (deadline, thing) = self.things.remove(&key.0)?;
        self.order.remove(&(deadline, key.0));
        self.look_again();
        Some(Expired {
            thing,
            deadline,
            key: *key,
        })
    }

    /// As [`try_remove`](DelayQueue::try_remove).
    ///
    /// # Panics
    /// If it has come out.
    #[track_caller]
    pub fn remove(&mut self, key: &DelayKey) -> Expired<T> {
        let removed = self.try_remove(key);
        removed.expect("what has this key has come out of the queue")
    }

    /// Lets something come out at another time, from now on.
    ///
    /// # Panics
    /// If it has come out.
    #[track_caller]
    pub fn reset(&mut self, key: &DelayKey, delay: Duration) {
        self.reset_at(key, Instant::now().saturating_add(delay));
    }

    /// Lets something come out at another time.
    ///
    /// # Panics
    /// If it has come out.
    #[track_caller]
    pub fn reset_at(&mut self, key: &DelayKey, deadline: Instant) {
        let place = self.things.get_mut(&key.0);
        let place = place.expect("what has this key has come out of the queue");
        let before = std::mem::replace(&mut place.0, deadline);
        self.order.remove(&(before, key.0));
        self.order.insert((deadline, key.0));
        self.look_again();
    }

    /// When it is to come out. `None`: it has.
    pub fn deadline(&self, key: &DelayKey) -> Option<Instant> {
        self.things.get(&key.0).map(|(deadline, _)| *deadline)
    }

    /// The key of what comes out next.
    pub fn peek(&self) -> Option<DelayKey> {
        self.order.first().map(|(_, key)| DelayKey(*key))
    }

    /// How many things are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.things.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// Drops all that is in it.
    pub fn clear(&mut self) {
        self.order.clear();
        self.things.clear();
        self.look_again();
    }

    /// What has come out, if its time has come. `None`: nothing is in it; the task is woken when something is put in.
    ///
    /// # Panics
    /// If it has to wait outside a filch runtime.
    #[track_caller]
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Option<Expired<T>>> {
        let Some((deadline, key)) = self.order.first().copied() else {
            ready!(filch_executor::leaf::poll_budget_of(self, cx));
            self.keep(cx.waker());
            return Poll::Ready(None);
        };
        let is_set = |timer: &Pin<Box<Sleep>>| timer.deadline() == deadline;
        if !self.timer.as_ref().is_some_and(is_set) {
            match &mut self.timer {
                Some(timer) => timer.as_mut().get_mut().reset(deadline),
                None => self.timer = Some(Box::pin(sleep_until(deadline))),
            }
        }
        if let Some(timer) = &mut self.timer {
            if timer.as_mut().poll(cx).is_pending() {
                self.keep(cx.waker());
                return Poll::Pending;
            }
        }
        self.timer = None;
        Poll::Ready(self.try_remove(&DelayKey(key)))
    }

    fn keep(&mut self, waker: &Waker) {
        match &mut self.waits {
            Some(kept) => kept.clone_from(waker),
            None => self.waits = Some(waker.clone()),
        }
    }

    /// Whoever polled last learns that the earliest has changed. It may be elsewhere, with the queue in a lock.
    fn look_again(&mut self) {
        if let Some(waker) = self.waits.take() {
            super::wakers::wake(waker);
        }
    }
}

impl<T> Default for DelayQueue<T> {
    fn default() -> DelayQueue<T> {
        DelayQueue::new()
    }
}

impl<T> Unpin for DelayQueue<T> {}

impl<T> fmt::Debug for DelayQueue<T> {
    /// `DelayQueue { len: 2 }`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelayQueue")
            .field("len", &self.len())
            .finish()
    }
}

impl<T> Stream for DelayQueue<T> {
    type Item = Expired<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Expired<T>>> {
        self.poll_expired(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.len()))
    }
}
