//! One worker's timers: a wheel of wakers that several threads may use.
//!
//! A [`Timers`] puts the wheel behind a lock, which is nearly always free: its worker inserts, cancels and fires, while
//! the monitor and other workers come only when that worker is stuck, or when a task that had started to sleep here has
//! moved on. The wheel's next deadline stands beside the lock in an atomic, so that whoever has to know how long to
//! sleep, or whether anything is due, never takes the lock.
//!
//! No waker is woken, cloned or dropped while the lock is held: each of these may run code that comes back here, such
//! as the drop of a task whose future sleeps.
//!
//! # Places
//!
//! A timer may outlive its wheel's runtime, and is then dropped all the same, on any thread. A counted reference of its
//! own would be two read-modify-writes for each sleep. So these timers keep themselves: whoever [enters](Timers::enter)
//! has a place, the places are counted under the lock, which is taken anyway, and as long as there is one, or the
//! timers are not [closed](Timers::close), they hold a reference to themselves.
//!
//! # The published deadline
//!
//! `next` is written only under the lock, at the end of each change, so its values follow each other as the changes do.
//! It promises this to whoever reads it without the lock: *it is at or before the earliest deadline of every change
//! that happens before the read*. It may be too early (the earliest entry was cancelled and the search for its
//! successor waits, see [`Wheel::bound`]), which costs one look in vain; it is never too late.
//!
//! Who [leaves](Timers::leave) does not write it at all, and who [enters](Timers::enter) only makes it earlier: where
//! one time limit follows another, none of them is the earliest then, and nobody need hear of it. Before somebody plans
//! a sleep by it, [`settle`](Timers::settle) puts it right.
//!
//! Orderings: all accesses of `next` are relaxed. Nobody reads anything else on the strength of its value: the wheel
//! itself is protected by the lock. The one thing that matters is that a sleeper does not miss an earlier deadline:
//!
//! ```text
//! inserting thread                        sleeping thread
//! I1  insert: next.store(when)            S1  say that it sleeps (executor)
//! I2  fence(SeqCst)        (executor)     S2  fence(SeqCst)      (executor)
//! I3  read who sleeps      (executor)     S3  next_deadline: next.load()
//! ```
//!
//! `insert` and `reset` say `earliest: true` if they made `next` earlier, and I1 comes before they return. The caller
//! then does I2 and I3. Whichever fence comes first in the total order of fences, either S3 sees I1's value, or I3 sees
//! that S1 happened and the caller wakes the sleeper, who looks again. The fences belong to the executor, since S1 and
//! I3 are its own and one pair of fences serves all the reasons to wake a worker. A caller on the sleeping thread
//! itself needs no fence: a thread sees its own stores.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use parking_lot::{Mutex, MutexGuard};

use crate::instant::Instant;
use crate::slab::Key;
use crate::wheel::Wheel;

/// What `next` holds while there is no deadline.
const NONE: u64 = u64::MAX;

/// How many wakers one call of [`Timers::fire`] hands out, so that a worker soon gets to run what it woke.
const FIRED_PER_CALL: usize = 256;

/// How many entries one call of [`Timers::fire`] moves between levels, so that it holds the lock for a quarter of a
/// millisecond at most, however many timers share a slot. A move takes 5 ns, or up to 250 ns while a million entries
/// are in no cache.
const MOVED_PER_CALL: usize = 1024;

/// One worker's timers. See the notes at the head of `timers.rs` for who calls what.
///
/// # Examples
///
/// ```
/// # use filch_timer::{Instant, Timers};
/// use std::task::Waker;
/// use std::time::Duration;
///
/// let start = Instant::now();
/// let timers = Timers::new(start);
/// let inserted = timers.insert(start + Duration::from_secs(1), Waker::noop()).unwrap();
/// assert!(inserted.earliest);
/// assert_eq!(timers.next_deadline(), Some(start + Duration::from_secs(1)));
///
/// let mut woken = Vec::new();
/// timers.fire(start + Duration::from_secs(2), &mut woken);
/// woken.into_iter().for_each(Waker::wake);
/// assert!(!timers.cancel(inserted.key)); // too late
/// ```
// Aligned so that the timers of two workers never share a cache line, nor a pair of lines that the processor fetches
// together.
#[repr(align(128))]
pub struct Timers {
    /// The wheel's bound in nanoseconds, or a time before it, or `NONE`.
    next: AtomicU64,
    /// Somebody has left since `next` was the bound. Written under the lock; a hint without it.
    is_early: AtomicBool,
    inner: Mutex<Inner>,
}

// Wakers are woken and dropped after the lock, so a panic of one leaves nothing half changed.
impl UnwindSafe for Timers {}
impl RefUnwindSafe for Timers {}

struct Inner {
    wheel: Wheel<Waker>,
    closed: bool,
    /// How many have entered and not left.
    places: usize,
    /// These timers themselves: from the first who entered, until they are closed and nobody has a place.
    own: Option<Arc<Timers>>,
}

/// What [`Timers::insert`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the key is the only way to cancel, and the owner of the timers must hear of an earlier deadline"]
pub struct Inserted {
    /// Names the new entry.
    pub key: Key,
    /// Whether [`Timers::next_deadline`] became earlier: a worker that sleeps by the old one has to be woken.
    pub earliest: bool,
}

/// What somebody leaves who had a place in [`Timers`].
#[derive(Debug)]
#[must_use = "it may hold the last reference to the timers, to be dropped when nothing uses them any more"]
pub struct Left {
    /// Whom the entry would have woken, unless it has fired before.
    pub waker: Option<Waker>,
    /// Of the last who leaves timers that are closed.
    #[expect(dead_code, reason = "it is dropped with the rest")]
    last: Option<Arc<Timers>>,
}

impl Timers {
    /// No timers; their time starts at `now`. An entry that is due before that is due then.
    pub fn new(now: Instant) -> Timers {
        let inner = Inner {
            wheel: Wheel::new(now),
            closed: false,
            places: 0,
            own: None,
        };
        Timers {
            next: AtomicU64::new(NONE),
            is_early: AtomicBool::new(false),
            inner: Mutex::new(inner),
        }
    }

    /// Has a clone of `waker` handed out by [`fire`](Timers::fire) once `when` has come. Returns `None` if these timers
    /// were [closed](Timers::close).
    pub fn insert(&self, when: Instant, waker: &Waker) -> Option<Inserted> {
        let waker = waker.clone();
        let mut inner = self.inner.lock();
        if inner.closed {
            drop(inner);
            drop(waker);
            return None;
        }
        let key = inner.wheel.insert(when, waker);
        let earliest = self.publish_insertion(&inner);
        Some(Inserted { key, earliest })
    }

    /// As [`insert`](Timers::insert), and the caller has a place: these timers stay in memory, whatever becomes of
    /// every other reference to them, until it has dropped what [`leave`](Timers::leave), or
    /// [`renew`](Timers::renew), has returned. They must be closed some day, or stay for ever.
    pub fn enter(self: &Arc<Timers>, when: Instant, waker: &Waker) -> Option<Inserted> {
        let waker = waker.clone();
        let mut inner = self.inner.lock();
        if inner.closed {
            drop(inner);
            drop(waker);
            return None;
        }
        inner.places += 1;
        if inner.own.is_none() {
            inner.own = Some(Arc::clone(self));
        }
        let key = inner.wheel.insert(when, waker);
        // Orderings: relaxed, as in `publish`, and under the lock.
        let earliest = when.as_nanos() < self.next.load(Ordering::Relaxed);
        if earliest {
            self.next.store(when.as_nanos(), Ordering::Relaxed);
        }
        Some(Inserted { key, earliest })
    }

    /// As [`take`](Timers::take), by who has [entered](Timers::enter), and gives the place up. Does not change
    /// [`next_deadline`](Timers::next_deadline), which may be too early then until somebody [settles](Timers::settle)
    /// it.
    pub fn leave(&self, key: Key) -> Left {
        let mut inner = self.inner.lock();
        let waker = inner.wheel.cancel(key);
        self.is_early.store(true, Ordering::Relaxed);
        inner.give_up_place(waker)
    }

    /// Makes [`next_deadline`](Timers::next_deadline) as exact as it is after [`cancel`](Timers::cancel): for who is
    /// about to sleep by it. Reads one atomic and does not lock if nobody has left since.
    pub fn settle(&self) {
        // Orderings: relaxed. Who has just left on another thread costs a look in vain, as who leaves in a moment does.
        if self.is_early.load(Ordering::Relaxed) {
            self.publish(&self.inner.lock());
        }
    }

    /// As [`update`](Timers::update), by who has [entered](Timers::enter). `Some`: the key is stale, and the place is
    /// given up.
    pub fn renew(&self, key: Key, waker: &Waker, replaced: &mut Option<Waker>) -> Option<Left> {
        {
            let mut inner = self.inner.lock();
            match inner.wheel.get_mut(key) {
                None => return Some(inner.give_up_place(None)),
                Some(present) if present.will_wake(waker) => return None,
                Some(_) => {}
            }
        }
        let is_there = self.update(key, waker, replaced);
        // Else it has fired in between.
        (!is_there).then(|| self.leave(key))
    }

    /// Changes whom an entry wakes; the waker that was there goes to `replaced`, for the caller to drop. Returns
    /// `false` if the key is stale: the entry has fired, or was handed out by [`close`](Timers::close).
    pub fn update(&self, key: Key, waker: &Waker, replaced: &mut Option<Waker>) -> bool {
        match self.inner.lock().wheel.get_mut(key) {
            None => return false,
            Some(present) if present.will_wake(waker) => return true,
            Some(_) => {}
        }
        let clone = replaced.insert(waker.clone());
        let mut inner = self.inner.lock();
        let Some(present) = inner.wheel.get_mut(key) else {
            return false;
        };
        std::mem::swap(present, clone);
        true
    }

    /// Changes when an entry is due. Returns whether [`next_deadline`](Timers::next_deadline) became earlier, as in
    /// [`Inserted::earliest`], or `None` if the key is stale.
    pub fn reset(&self, key: Key, when: Instant) -> Option<bool> {
        let mut inner = self.inner.lock();
        inner
            .wheel
            .reset(key, when)
            .then(|| self.publish_insertion(&inner))
    }

    /// Takes an entry out. Returns `false` if the key is stale: the entry has fired before.
    pub fn cancel(&self, key: Key) -> bool {
        // The waker is dropped here, after the lock is released.
        self.take(key).is_some()
    }

    /// Takes an entry out and returns its waker, so that it can be inserted elsewhere. Returns `None` if the key is
    /// stale: the entry has fired before.
    pub fn take(&self, key: Key) -> Option<Waker> {
        let mut inner = self.inner.lock();
        let waker = inner.wheel.cancel(key);
        self.publish(&inner);
        waker
    }

    /// When to call [`fire`](Timers::fire) next: the earliest deadline, or a time before it if the earliest entry was
    /// cancelled or somebody has left. `None` if there is nothing to wait for. Reads one atomic and never locks.
    pub fn next_deadline(&self) -> Option<Instant> {
        // Orderings: relaxed, see "The published deadline" above.
        match self.next.load(Ordering::Relaxed) {
            NONE => None,
            nanos => Some(Instant::from_nanos(nanos)),
        }
    }

    /// As [`next_deadline`](Timers::next_deadline), settled, and under the lock: who sees a deadline also sees what the
    /// one who made it did before.
    pub fn next_deadline_locked(&self) -> Option<Instant> {
        let inner = self.inner.lock();
        self.publish(&inner);
        self.next_deadline()
    }

    /// Takes out the entries that are due at `now` and appends their wakers to `woken`, in the order of their
    /// deadlines; the caller wakes them. Returns how many these are. Reads one atomic and does not lock if nothing is
    /// due.
    ///
    /// One call hands out at most 256 wakers and takes a quarter of a millisecond at most. When more is to be done,
    /// [`next_deadline`](Timers::next_deadline) stays at or before `now`, even if this call fired nothing.
    pub fn fire(&self, now: Instant, woken: &mut Vec<Waker>) -> usize {
        // Orderings: relaxed. Whoever inserts a due entry meanwhile hears that it is the earliest, and sees to it.
        if now.as_nanos() < self.next.load(Ordering::Relaxed) {
            return 0;
        }
        let mut inner = self.inner.lock();
        let fired = inner
            .wheel
            .advance_within(now, FIRED_PER_CALL, MOVED_PER_CALL, woken);
        self.publish(&inner);
        fired
    }

    /// Ends these timers: appends all wakers to `woken`, due or not, for the caller to wake, and lets every later
    /// [`insert`](Timers::insert) fail.
    pub fn close(&self, woken: &mut Vec<Waker>) {
        // Goes after the lock is released.
        let _own;
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.wheel.drain(woken);
        self.publish(&inner);
        _own = match inner.places {
            0 => inner.own.take(),
            _ => None,
        };
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.inner.lock().wheel.len()
    }

    /// Whether there are no entries. Reads one atomic and never locks.
    pub fn is_empty(&self) -> bool {
        self.next_deadline().is_none()
    }

    /// Publishes the bound after an entry came or moved. Returns whether it became earlier.
    fn publish_insertion(&self, inner: &MutexGuard<'_, Inner>) -> bool {
        // Orderings: relaxed; only holders of the lock write `next`, so this is the value of the last change.
        let before = self.next.load(Ordering::Relaxed);
        self.publish(inner) < before
    }

    /// Publishes the wheel's bound, which the holder of the lock may have changed. Returns it.
    fn publish(&self, inner: &MutexGuard<'_, Inner>) -> u64 {
        let bound = inner.wheel.bound_nanos().unwrap_or(NONE);
        // Orderings: relaxed, and before the lock is released and the caller told: I1 above. It is stored only when it
        // changes, to leave the cache line alone that others read.
        if self.next.load(Ordering::Relaxed) != bound {
            self.next.store(bound, Ordering::Relaxed);
        }
        if self.is_early.load(Ordering::Relaxed) {
            self.is_early.store(false, Ordering::Relaxed);
        }
        bound
    }
}

impl Inner {
    /// One place less, from which this waker came.
    #[inline]
    fn give_up_place(&mut self, waker: Option<Waker>) -> Left {
        self.places -= 1;
        let is_last = self.closed && self.places == 0;
        let last = if is_last { self.own.take() } else { None };
        Left { waker, last }
    }
}

impl std::fmt::Debug for Timers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timers")
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
