//! The life of a task, in one word.
//!
//! Every transition a task can make is a method of [`State`]; nobody else touches the word. Each
//! returns a `#[must_use]` action that says what the caller now owes. Pointers, futures and wakers
//! are not known here: see `raw/` for those.
//!
//! ```text
//!              wake, abort                    start
//!      IDLE ───────────────▶ SCHEDULED ─────────────────▶ RUNNING
//!       ▲                    (a Runnable                   │  │ │
//!       │                     exists)  ◀───────────────────┘  │ │
//!       │                      requeue, or park               │ │
//!       │                      after a wake during the poll   │ │
//!       └─────────────────────────────────────────────────────┘ │
//!                    park, nobody woke it                       │ complete
//!                                                               ▼
//!                                                           COMPLETE
//! ```
//!
//! A task whose future left something behind goes round once more or several times, DRAINING, between its last poll and
//! its completion: it waits for that as it has waited for what its future waited for.
//!
//! The reference count in the upper bits counts: one for the runtime from spawn to completion (held
//! by the registry's entry), one for the `JoinHandle`, one for each waker and `AbortHandle`, one for
//! each reader that the registry lent a reference. A `Runnable` is not counted: it exists only while
//! the task is not complete, and until then the runtime's reference keeps the memory.

use crate::primitive::atomic::AtomicUsize;
use crate::primitive::atomic::Ordering::{AcqRel, Acquire, Relaxed};

/// A [`Runnable`](super::Runnable) exists, or, while RUNNING, is owed when the poll ends.
/// Set by a wake or an abort; cleared when a poll starts. Means nothing once COMPLETE.
const SCHEDULED: usize = 1 << 0;
/// Somebody polls or drops the future and has exclusive access to it. Never set together with
/// COMPLETE.
const RUNNING: usize = 1 << 1;
/// The future is gone and the output is in its place (or was already dropped). Never cleared.
const COMPLETE: usize = 1 << 2;
/// The next start cancels the future instead of polling it. Never cleared.
const ABORTED: usize = 1 << 3;
/// The `JoinHandle` lives, so the output is wanted. Cleared when the handle is dropped early.
const JOIN: usize = 1 << 4;
/// The join waker is stored. While clear, the slot belongs to the `JoinHandle`; while set, both
/// sides may only read it; at COMPLETE with this bit set it belongs to whoever completed.
const JOIN_WAKER: usize = 1 << 5;
/// The future is gone, its output or error is in its place, and the task is not complete before what scopes in the
/// future left behind is gone: a start drains. Set by whoever is RUNNING; never cleared.
const DRAINING: usize = 1 << 6;
/// One reference.
const REF: usize = 1 << 7;

/// More references than memory could hold: something clones in a loop and forgets.
const REF_LIMIT: usize = usize::MAX / 2;

/// The state word of one task.
#[derive(Debug)]
pub(crate) struct State(AtomicUsize);

/// What a started poll has to do.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Poll the future.
    Poll,
    /// The task was aborted: drop the future, then complete as cancelled.
    Cancel,
    /// The future is gone already: see whether what it left behind is, too.
    Drain,
}

/// What follows a poll that returned Pending.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Park {
    /// Nothing: the task waits. It may be polled elsewhere already; do not touch it.
    Idle,
    /// The task was woken meanwhile: the caller holds its `Runnable` and has to enqueue it.
    Requeue,
}

/// What follows a wake.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Nothing: somebody else will poll, or the task is complete.
    Nothing,
    /// The caller now holds the task's `Runnable` and has to enqueue it.
    Enqueue,
    /// The caller dropped the last reference and has to free the task.
    Dealloc,
}

/// What follows completion.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Complete {
    /// Nothing: the runtime's reference is given up and the memory may be gone.
    Done,
    /// The caller owns the join waker: take and wake it, then drop the runtime's reference.
    WakeJoiner,
    /// Nobody wants the output: drop it unless that is done, then drop the runtime's reference.
    DropOutput,
}

/// What follows the drop of a `JoinHandle`.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Detach {
    /// Nothing: the handle's reference is given up.
    Done,
    /// The stored waker is the caller's again: drop it, then drop the handle's reference.
    DropWaker,
    /// The output is the caller's to drop, then the handle's reference.
    DropOutput,
}

/// A copy of the word, for introspection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot(usize);

impl State {
    /// A spawned task: scheduled, wanted by its `JoinHandle`, with the runtime's reference and the
    /// handle's.
    pub(crate) fn new() -> State {
        State(AtomicUsize::new(SCHEDULED | JOIN | (2 * REF)))
    }

    /// SCHEDULED to RUNNING. The caller holds the `Runnable`, which ends here.
    ///
    /// Orderings: Acquire sees what the previous poll wrote (its `park` or `requeue` released) and
    /// what every waker so far published (its `wake` released).
    ///
    /// An addition, as SCHEDULED is set and RUNNING is not: one instruction, where a change of bits whose old ones
    /// matter is a loop.
    #[inline]
    pub(crate) fn start(&self) -> Start {
        let old = self.0.fetch_add(RUNNING - SCHEDULED, Acquire);
        debug_assert_eq!(old & (SCHEDULED | RUNNING | COMPLETE), SCHEDULED);
        if old & (ABORTED | DRAINING) == 0 {
            Start::Poll
        } else if old & DRAINING == 0 {
            Start::Cancel
        } else {
            Start::Drain
        }
    }

    /// The future is gone and the output in its place, but something is left to wait for. The caller is RUNNING, and
    /// parks.
    ///
    /// Orderings: Relaxed, as the next start sees it by the Release of `park` or `requeue`.
    pub(crate) fn drain(&self) {
        let old = self.0.fetch_or(DRAINING, Relaxed);
        debug_assert_eq!(old & (RUNNING | COMPLETE), RUNNING);
    }

    /// RUNNING to IDLE, or to SCHEDULED when the task was woken during the poll.
    ///
    /// Orderings: Release hands the future to the next `start`; Acquire, for the case that the
    /// caller goes on with it. A subtraction, as RUNNING is set; see `start`.
    #[inline]
    pub(crate) fn park(&self) -> Park {
        let old = self.0.fetch_sub(RUNNING, AcqRel);
        debug_assert_eq!(old & (RUNNING | COMPLETE), RUNNING);
        if old & SCHEDULED == 0 {
            Park::Idle
        } else {
            Park::Requeue
        }
    }

    /// RUNNING to SCHEDULED: the task asked to run again. The caller holds its `Runnable`.
    ///
    /// Orderings: as `park`.
    #[inline]
    pub(crate) fn requeue(&self) {
        self.update(|old| (old & !RUNNING) | SCHEDULED);
    }

    /// A wake that keeps the waker's reference.
    ///
    /// Orderings: always a read-modify-write with Release, even when nothing is to do, so that the
    /// poll that follows sees what the waker's thread wrote before it.
    pub(crate) fn wake_by_ref(&self) -> Wake {
        let old = self.0.fetch_or(SCHEDULED, AcqRel);
        if old & (SCHEDULED | RUNNING | COMPLETE) == 0 {
            Wake::Enqueue
        } else {
            Wake::Nothing
        }
    }

    /// A wake that gives up the waker's reference, in one step. When it schedules the task, the
    /// runtime's reference is there (the task is not complete), so the memory stays.
    ///
    /// Orderings: as `wake_by_ref`; Acquire for `Dealloc`, as in `drop_ref`.
    pub(crate) fn wake_by_value(&self) -> Wake {
        let old = self.update(|old| (old | SCHEDULED) - REF);
        if old & (SCHEDULED | RUNNING | COMPLETE) == 0 {
            Wake::Enqueue
        } else if old < 2 * REF {
            Wake::Dealloc
        } else {
            Wake::Nothing
        }
    }

    /// Asks for cancellation at the next scheduling. Keeps the caller's reference.
    pub(crate) fn abort(&self) -> Wake {
        let old = self.0.fetch_or(ABORTED | SCHEDULED, AcqRel);
        if old & (SCHEDULED | RUNNING | COMPLETE) == 0 {
            Wake::Enqueue
        } else {
            Wake::Nothing
        }
    }

    /// Whether the `JoinHandle` lives, so that the output is wanted. Once false, it stays so.
    ///
    /// Orderings: Acquire pairs with the Release of the handle's `detach`.
    pub(crate) fn is_joined(&self) -> bool {
        self.0.load(Acquire) & JOIN != 0
    }

    /// Whether the caller, who is RUNNING, holds the only reference, so that nobody can ever ask
    /// for the output and nobody can take another reference.
    ///
    /// Orderings: Acquire pairs with the Release of every dropped reference.
    pub(crate) fn is_last(&self) -> bool {
        let now = self.0.load(Acquire);
        debug_assert_ne!(now & RUNNING, 0);
        now & JOIN == 0 && now < 2 * REF
    }

    /// RUNNING to COMPLETE. The output is in place, the registry's entry is gone.
    ///
    /// Orderings: Release publishes the output to `JoinHandle`; Acquire takes the join waker.
    pub(crate) fn complete(&self) -> Complete {
        let mut action = Complete::Done;
        self.update(|old| {
            debug_assert_eq!(old & (RUNNING | COMPLETE), RUNNING);
            let new = (old & !RUNNING) | COMPLETE;
            if old & JOIN == 0 {
                action = Complete::DropOutput;
                new
            } else if old & JOIN_WAKER != 0 {
                action = Complete::WakeJoiner;
                new
            } else {
                action = Complete::Done;
                new - REF
            }
        });
        action
    }

    /// The `JoinHandle` goes away.
    ///
    /// Orderings: Acquire for the output or the waker; Release for the reference given up.
    pub(crate) fn detach(&self) -> Detach {
        let mut action = Detach::Done;
        self.update(|old| {
            if old & COMPLETE != 0 {
                action = Detach::DropOutput;
                old & !JOIN
            } else if old & JOIN_WAKER != 0 {
                action = Detach::DropWaker;
                old & !(JOIN | JOIN_WAKER)
            } else {
                action = Detach::Done;
                (old & !JOIN) - REF
            }
        });
        action
    }

    /// The `JoinHandle` wrote the waker's slot and hands it over. `false`: the task completed
    /// first; the slot is still the handle's and the output is ready.
    pub(crate) fn set_join_waker(&self) -> bool {
        self.update_unless_complete(|old| old | JOIN_WAKER)
    }

    /// The `JoinHandle` takes the waker's slot back to replace what is in it. `false`: the task
    /// completed first, whoever completed it owns the slot, and the output is ready.
    pub(crate) fn unset_join_waker(&self) -> bool {
        self.update_unless_complete(|old| old & !JOIN_WAKER)
    }

    /// One more reference.
    ///
    /// Orderings: Relaxed, as the caller already holds one.
    pub(crate) fn add_ref(&self) {
        let old = self.0.fetch_add(REF, Relaxed);
        if old > REF_LIMIT {
            // A wrapped count would free memory in use; there is nothing to return to.
            std::process::abort();
        }
    }

    /// One reference less; `true`: it was the last and the caller frees the task.
    ///
    /// Orderings: Release orders this holder's accesses before the free, Acquire orders the free
    /// after everybody's. Whoever sees only its own reference needs no read-modify-write: nobody
    /// is left to take another.
    #[must_use]
    pub(crate) fn drop_ref(&self) -> bool {
        if self.0.load(Acquire) < 2 * REF {
            return true;
        }
        let old = self.0.fetch_sub(REF, AcqRel);
        debug_assert!(old >= REF);
        old < 2 * REF
    }

    /// The word as it is now. Acquire, so that a COMPLETE that is seen brings the output with it.
    pub(crate) fn load(&self) -> Snapshot {
        Snapshot(self.0.load(Acquire))
    }

    fn update_unless_complete(&self, change: impl Fn(usize) -> usize) -> bool {
        let mut old = self.0.load(Acquire);
        while old & COMPLETE == 0 {
            match self
                .0
                .compare_exchange_weak(old, change(old), AcqRel, Acquire)
            {
                Ok(_) => return true,
                Err(now) => old = now,
            }
        }
        false
    }

    #[inline]
    fn update(&self, mut change: impl FnMut(usize) -> usize) -> usize {
        let mut old = self.0.load(Relaxed);
        loop {
            match self
                .0
                .compare_exchange_weak(old, change(old), AcqRel, Relaxed)
            {
                Ok(_) => return old,
                Err(now) => old = now,
            }
        }
    }
}

impl Snapshot {
    pub(crate) fn is_complete(self) -> bool {
        self.0 & COMPLETE != 0
    }

    pub(crate) fn is_running(self) -> bool {
        self.0 & RUNNING != 0
    }

    pub(crate) fn is_scheduled(self) -> bool {
        self.0 & SCHEDULED != 0
    }

    pub(crate) fn is_draining(self) -> bool {
        self.0 & DRAINING != 0
    }

    /// Aborted, and not complete yet.
    pub(crate) fn is_aborted(self) -> bool {
        self.0 & (ABORTED | COMPLETE) == ABORTED
    }

    pub(crate) fn has_join_waker(self) -> bool {
        self.0 & JOIN_WAKER != 0
    }
}
