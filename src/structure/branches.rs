//! What the structure macros know of their branches: which of them are still polled, and which one first.
//!
//! Called by the expansions of `select!` and `race!`, which hold the futures themselves; each branch is known here by
//! its place in the macro's arguments.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use filch_executor::leaf::{self, Notes, Records, WaitKind};

/// The branches of one `select!`. `SLOTS` is one more than their number: the first is the macro's own.
#[doc(hidden)]
#[derive(Debug)]
pub struct Branches<const COUNT: usize, const SLOTS: usize> {
    /// One bit for each branch that is still polled.
    enabled: u64,
    /// The number of preconditions so far.
    preconditions: u32,
    is_biased: bool,
    records: Records<SLOTS>,
}

impl<const COUNT: usize, const SLOTS: usize> Branches<COUNT, SLOTS> {
    /// Any branch may be the first one polled, each time anew.
    #[track_caller]
    #[must_use]
    pub fn random() -> Branches<COUNT, SLOTS> {
        Branches {
            enabled: 0,
            preconditions: 0,
            is_biased: false,
            records: Records::here(WaitKind::First),
        }
    }

    /// They are polled in the order in which they stand.
    #[track_caller]
    #[must_use]
    pub fn biased() -> Branches<COUNT, SLOTS> {
        Branches {
            is_biased: true,
            ..Branches::random()
        }
    }

    /// The precondition of the next branch.
    pub fn add(&mut self, is_enabled: bool) {
        self.enabled |= u64::from(is_enabled) << self.preconditions;
        self.preconditions += 1;
    }

    /// The future of the branch at this place, if there is one: else the branch is disabled.
    pub fn made<G: Given>(&mut self, place: usize, given: G) -> Option<G::Future> {
        let future = given.into_future();
        if future.is_none() {
            self.enabled &= !(1 << place);
        }
        future
    }

    /// Which branch is polled first this time. Pending: the task has had its turn, and none is.
    ///
    /// Branches that spend no budget would be chosen for ever where the others are refused.
    pub fn poll_first(&self, cx: &mut Context<'_>) -> Poll<usize> {
        leaf::poll_budget_left(self, cx).map(|()| match self.is_biased || COUNT < 2 {
            true => 0,
            false => leaf::choose(COUNT as u32) as usize,
        })
    }

    /// Polls that branch, unless it is disabled. One that is ready is polled no more.
    #[inline]
    pub fn poll<F: Future>(
        &mut self,
        notes: &mut Notes<SLOTS>,
        place: usize,
        future: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        if self.enabled & (1 << place) == 0 {
            return Poll::Pending;
        }
        let future = future.as_pin_mut();
        let future = future.expect("an enabled branch has a future");
        let polled = self.records.poll(notes, place, || future.poll(cx));
        if polled.is_ready() {
            self.enabled &= !(1 << place);
        }
        polled
    }

    /// After a round in which none was chosen. Pending, if a branch is left that may become ready.
    pub fn wait(&mut self, notes: &Notes<SLOTS>) -> Poll<()> {
        if self.enabled == 0 {
            return Poll::Ready(());
        }
        self.records.wait(notes);
        Poll::Pending
    }
}

/// What a branch was given: a future, as a tuple, in which a temporary would live as long as it does; or with `if let`
/// perhaps one.
#[doc(hidden)]
pub trait Given {
    /// The future.
    type Future: Future;

    /// The future, if there is one.
    fn into_future(self) -> Option<Self::Future>;
}

impl<F: IntoFuture> Given for (F,) {
    type Future = F::IntoFuture;

    fn into_future(self) -> Option<F::IntoFuture> {
        Some(self.0.into_future())
    }
}

impl<F: IntoFuture> Given for Option<F> {
    type Future = F::IntoFuture;

    fn into_future(self) -> Option<F::IntoFuture> {
        self.map(F::into_future)
    }
}
