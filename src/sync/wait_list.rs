//! Who waits for a primitive, in the order in which they came: a doubly linked list through the futures themselves, so
//! that waiting allocates nothing.
//!
//! A [`Waiter`] is a field of a future; a [`WaitList`] is part of what a primitive keeps behind its
//! [`Lock`](super::lock::Lock). Whoever has something to give takes the first waiter out of the list, which decides
//! what it got, releases the lock, and wakes it. The waiter finds its outcome in itself and, for most primitives, needs
//! no lock to go on.
//!
//! ```text
//!            push                  pop
//!    IDLE ──────────▶ WAITING ───────────▶ GRANTED | RELEASED
//!     ▲                  │                     │
//!     └──────────────────┴─────────────────────┘
//!             remove              take_outcome
//! ```
//!
//! The rules that the unsafe code here relies on:
//!
//! 1. A waiter that is WAITING is linked into one list and stays where it is: it is pinned, and its drop aborts the
//!    process in that state. So every pointer in a list is to a live waiter.
//! 2. The links of a waiter that is WAITING are touched only by methods of its list that have `&mut` to it, so by one
//!    thread at a time: the list is behind a lock.
//! 3. The links of any other waiter are its owner's alone, who has `Pin<&mut>` to it.
//! 4. WAITING ends under the lock, and the store that ends it is the last access to the waiter by anybody but its
//!    owner, who may free it at once.
//! 5. `list` in the links is written by the owner only, so the owner may read it, when it has waited.
//! 6. The links are written when a waiter is pushed, and have no value before. While it is WAITING they have a waker in
//!    them, which is taken out before that ends. So nothing is lost by never dropping them.
//!
//! Orderings: that last store is Release, and the owner's look at the state is Acquire: what was written before the
//! waiter was popped is seen by whoever goes on because of it, though it does not take the lock again. That is what
//! makes a mutex handed over this way a mutex.

use super::primitive::UnsafeCell;
use super::primitive::atomic::AtomicU8;
use super::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use super::wakers::Kept;
use std::fmt;
use std::marker::PhantomPinned;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::process::abort;
use std::ptr::{self, NonNull};
use std::task::Waker;

/// Waiters are counted up to so many, for showing: counting holds a lock.
pub(super) const MOST_SHOWN: usize = 1000;

const IDLE: u8 = 0;
const WAITING: u8 = 1;
const GRANTED: u8 = 2;
const RELEASED: u8 = 3;
const GRANTED_LAST: u8 = 4;

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The waiter was given what it waits for, and has to use it or pass it on.
    Granted,
    /// The same, as the last one who came: it is passed on to the last one.
    GrantedLast,
    /// It was sent away with the others: the primitive was closed, or everybody was notified.
    Released,
}

/// Where a waiter is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// In no list, and without an outcome that was not taken.
    Idle,
    /// In a list, unless it is popped just now.
    Waiting,
    /// Popped.
    Ended(Outcome),
}

/// A future's place in a list.
pub(super) struct Waiter {
    state: AtomicU8,
    /// Most futures never wait, so that they need not be filled in, or moved about with them.
    links: UnsafeCell<MaybeUninit<Links>>,
    /// A `&mut Waiter` does not promise that nobody else has a pointer to it.
    _pinned: PhantomPinned,
}

// Its links are changed under the list's lock, where nothing panics.
impl std::panic::UnwindSafe for Waiter {}
impl std::panic::RefUnwindSafe for Waiter {}

struct Links {
    prev: Option<NonNull<Waiter>>,
    next: Option<NonNull<Waiter>>,
    /// There from push until pop or remove.
    waker: Option<Waker>,
    /// How much is waited for, where that differs.
    amount: usize,
    /// See [`WaitList::next_turn`].
    turn: u64,
    /// Which list it was pushed to; to compare, not to follow.
    list: *const WaitList,
}

// SAFETY: by rules 2 and 3 the links are touched by one thread at a time; a `Waker` may be moved to any thread and
// dropped there.
unsafe impl Send for Waiter {}
// SAFETY: a shared reference gives no access but to the atomic.
unsafe impl Sync for Waiter {}

impl Waiter {
    #[inline]
    pub(super) fn new() -> Waiter {
        Waiter {
            state: AtomicU8::new(IDLE),
            links: UnsafeCell::new(MaybeUninit::uninit()),
            _pinned: PhantomPinned,
        }
    }

    /// Orderings: Acquire pairs with the Release in `pop`, see above.
    #[inline]
    pub(super) fn stage(&self) -> Stage {
        match self.state.load(Acquire) {
            IDLE => Stage::Idle,
            WAITING => Stage::Waiting,
            GRANTED => Stage::Ended(Outcome::Granted),
            GRANTED_LAST => Stage::Ended(Outcome::GrantedLast),
            _ => Stage::Ended(Outcome::Released),
        }
    }

    /// Whether it is in no list, and without an outcome, asked by its owner.
    ///
    /// Orderings: Relaxed, as only the owner's own stores make it idle, or end that.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.state.load(Relaxed) == IDLE
    }

    /// The outcome, if there is one; it is the caller's now.
    #[inline]
    pub(super) fn take_outcome(self: Pin<&mut Self>) -> Option<Outcome> {
        let Stage::Ended(outcome) = self.stage() else {
            return None;
        };
        // Relaxed: out of every list, the waiter is its owner's alone.
        self.state.store(IDLE, Relaxed);
        Some(outcome)
    }

    /// # Safety
    /// The waiter is WAITING, and rule 2 gives the caller the links, for as long as `change` runs.
    #[inline]
    unsafe fn links<R>(&self, change: impl FnOnce(&mut Links) -> R) -> R {
        // SAFETY: the caller's promise; by rule 6 they have a value.
        self.links
            .with_mut(|links| change(unsafe { (*links).assume_init_mut() }))
    }
}

impl Drop for Waiter {
    #[inline]
    fn drop(&mut self) {
        if self.state.load(Relaxed) == WAITING {
            // A future forgot to take its waiter out. Pointers to it remain, so there is no way to go on (rule 1).
            abort();
        }
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Waiter").field(&self.stage()).finish()
    }
}

/// The waiters, first come first. The head is what is looked at most, so it comes first in memory too.
///
/// Futures borrow their primitive or share its ownership, so a list that is dropped is empty, or holds waiters that
/// were forgotten: those are never polled or dropped, and nobody follows the links between them any more.
#[derive(Debug)]
#[repr(C)]
pub(super) struct WaitList {
    head: Option<NonNull<Waiter>>,
    tail: Option<NonNull<Waiter>>,
    /// A number for each push, by which those who came before a point in time are told from later ones.
    next_turn: u64,
}

// SAFETY: what the pointers lead to may be reached from any thread that has `&mut` to the list (rules 1 and 2).
unsafe impl Send for WaitList {}

impl WaitList {
    pub(super) const fn new() -> WaitList {
        WaitList {
            head: None,
            tail: None,
            next_turn: 0,
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    /// How many wait, for showing: at most `limit`, as the caller has the lock.
    pub(super) fn count(&mut self, limit: usize) -> usize {
        let (mut count, mut next) = (0, self.head);
        while let Some(waiter) = next.filter(|_| count < limit) {
            // SAFETY: rules 1 and 2.
            next = unsafe { waiter.as_ref().links(|links| links.next) };
            count += 1;
        }
        count
    }

    /// The turn that the next waiter will get: those that wait now have lower ones.
    pub(super) fn next_turn(&self) -> u64 {
        self.next_turn
    }

    /// Puts an idle waiter at the end, if it can keep its waker here; otherwise nothing happens, and there will be
    /// another section.
    ///
    /// # Panics
    /// If it is not idle.
    #[inline]
    pub(super) fn wait(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>, amount: usize) {
        if let Some(waker) = kept.take() {
            self.push(waiter, waker, amount);
        }
    }

    /// A function of its own, which is given nothing by reference but what is in memory anyhow: so `kept` need not be.
    #[inline(never)]
    fn push(&mut self, waiter: Pin<&mut Waiter>, waker: Waker, amount: usize) {
        assert_eq!(waiter.stage(), Stage::Idle, "a waiter waits once at a time");
        let node = NonNull::from(&*waiter);
        let links = Links {
            prev: self.tail,
            next: None,
            waker: Some(waker),
            amount,
            turn: self.next_turn,
            list: self,
        };
        // SAFETY: rule 3; the old links hold no waker (rule 6), as the waiter is idle.
        waiter
            .links
            .with_mut(|old| unsafe { ptr::write(old, MaybeUninit::new(links)) });
        // Relaxed: others learn of the waiter from the list, which is behind a lock.
        waiter.state.store(WAITING, Relaxed);
        match self.tail.replace(node) {
            // SAFETY: rules 1 and 2.
            Some(last) => unsafe { last.as_ref().links(|links| links.next = Some(node)) },
            None => self.head = Some(node),
        }
        self.next_turn += 1;
    }

    /// Replaces the waker of a waiter that is still in the list, if it would wake another task.
    #[inline]
    pub(super) fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        if self.holds(&waiter) {
            // SAFETY: rule 2, as the waiter is in this list.
            unsafe { waiter.links(|links| kept.replace(&mut links.waker)) }
        }
    }

    /// How much the first waiter waits for.
    #[inline]
    pub(super) fn first_amount(&mut self) -> Option<usize> {
        // SAFETY: rules 1 and 2.
        self.head
            .map(|head| unsafe { head.as_ref().links(|links| links.amount) })
    }

    /// Ends the first waiter's wait. The caller wakes it after the lock.
    #[inline]
    pub(super) fn pop(&mut self, outcome: Outcome) -> Option<Waker> {
        let first = self.head?;
        // SAFETY: it is in this list.
        unsafe { self.end(first, outcome) }
    }

    /// As `pop`, of the last one.
    pub(super) fn pop_last(&mut self, outcome: Outcome) -> Option<Waker> {
        let last = self.tail?;
        // SAFETY: it is in this list.
        unsafe { self.end(last, outcome) }
    }

    /// # Safety
    /// The waiter is in this list.
    #[inline]
    unsafe fn end(&mut self, waiter: NonNull<Waiter>, outcome: Outcome) -> Option<Waker> {
        // SAFETY: rules 1 and 2, until the store below.
        let waiter = unsafe { waiter.as_ref() };
        // SAFETY: the caller's promise.
        let waker = unsafe { self.unlink(waiter) };
        let state = match outcome {
            Outcome::Granted => GRANTED,
            Outcome::GrantedLast => GRANTED_LAST,
            Outcome::Released => RELEASED,
        };
        waiter.state.store(state, Release); // The last access: rule 4.
        waker
    }

    /// As `pop`, if the first waiter came before that turn.
    pub(super) fn pop_before(&mut self, turn: u64, outcome: Outcome) -> Option<Waker> {
        // SAFETY: rules 1 and 2.
        let first = unsafe { self.head?.as_ref().links(|links| links.turn) };
        if first < turn {
            self.pop(outcome)
        } else {
            None
        }
    }

    /// Whether a waiter is in the list and came before that turn, asked by its owner.
    pub(super) fn holds_before(&self, waiter: &Waiter, turn: u64) -> bool {
        // SAFETY: rule 2, as the waiter is in this list.
        self.holds(waiter) && unsafe { waiter.links(|links| links.turn < turn) }
    }

    /// Takes a waiter out whose wait is given up. `None`: it is not in the list, and perhaps has an outcome. The caller
    /// drops the waker after the lock.
    pub(super) fn remove(&mut self, waiter: Pin<&mut Waiter>) -> Option<Waker> {
        if !self.holds(&waiter) {
            return None;
        }
        // SAFETY: the waiter is in this list: rules 1 and 2.
        let waker = unsafe { self.unlink(&waiter) };
        waiter.state.store(IDLE, Relaxed);
        waker
    }

    /// Whether that waiter is in the list, asked by its owner.
    ///
    /// # Panics
    /// If it is in another list.
    fn holds(&self, waiter: &Waiter) -> bool {
        if waiter.stage() != Stage::Waiting {
            return false;
        }
        // SAFETY: rule 5, and rule 6. Nobody else makes a reference to the links without `&mut` to their list: if that
        // is another one, this panics.
        let list = waiter
            .links
            .with(|links| unsafe { (*(*links).as_ptr()).list });
        assert!(
            ptr::eq(list, self),
            "a waiter is in the list of another primitive"
        );
        true
    }

    /// Takes a waiter out of the list's links and returns its waker.
    ///
    /// # Safety
    /// It is in this list.
    #[inline]
    unsafe fn unlink(&mut self, waiter: &Waiter) -> Option<Waker> {
        // SAFETY: rule 2.
        let (prev, next, waker) = unsafe {
            waiter.links(|links| (links.prev.take(), links.next.take(), links.waker.take()))
        };
        match prev {
            // SAFETY: rules 1 and 2, for the neighbours.
            Some(prev) => unsafe { prev.as_ref().links(|links| links.next = next) },
            None => self.head = next,
        }
        match next {
            // SAFETY: as above.
            Some(next) => unsafe { next.as_ref().links(|links| links.prev = prev) },
            None => self.tail = prev,
        }
        waker
    }
}
