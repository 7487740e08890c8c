//! What the structure macros know of their branches: which of them are still polled, and which one first.
//!
//! Called by the expansions of `select!` and `race!`, which hold the futures themselves; each branch is known here by
//! its place in the macro's arguments.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use filch_executor::leaf::{self, Answer, Manner, Notes, Records, WaitKind};

/// The branches of one `select!`. `SLOTS` is one more than their number: the first is the macro's own.
#[doc(hidden)]
#[derive(Debug)]
pub struct Branches<const COUNT: usize, const SLOTS: usize> {
    /// One bit for each branch that is still polled.
    enabled: u64,
    is_biased: bool,
    /// Branches are asked before they are polled, if they can be (`leaf/asked.rs`): until they wait.
    asks: bool,
    /// How many rounds this poll has begun.
    rounds: u8,
    /// The branches that the round is for.
    in_round: u64,
    /// Those that were asked and are not ready: the second round is for them.
    not_yet: u64,
    records: Records<SLOTS>,
}

impl<const COUNT: usize, const SLOTS: usize> Branches<COUNT, SLOTS> {
    /// Any branch may be the first one polled, each time anew.
    #[track_caller]
    #[must_use]
    #[inline]
    pub fn random(enabled: u64) -> Branches<COUNT, SLOTS> {
        Branches {
            enabled,
            is_biased: false,
            asks: true,
            rounds: 0,
            in_round: 0,
            not_yet: 0,
            records: Records::here(WaitKind::First),
        }
    }

    /// They are polled in the order in which they stand.
    #[track_caller]
    #[must_use]
    #[inline]
    pub fn biased(enabled: u64) -> Branches<COUNT, SLOTS> {
        Branches {
            is_biased: true,
            ..Branches::random(enabled)
        }
    }

    /// Which branch is polled first this time. Pending: the task has had its turn, and none is.
    ///
    /// Branches that spend no budget would be chosen for ever where the others are refused.
    #[inline]
    pub fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        self.rounds = 0;
        leaf::poll_budget_left(self, cx).map(|()| match self.is_biased || COUNT < 2 {
            true => 0,
            false => leaf::choose(COUNT as u32) as usize,
        })
    }

    /// Whether there is a round to go. After the first one those are left that were only asked.
    #[inline]
    pub fn begin_round(&mut self) -> bool {
        self.in_round = match self.rounds {
            0 => self.enabled,
            1 => std::mem::take(&mut self.not_yet),
            _ => 0,
        };
        self.asks &= self.rounds == 0;
        self.rounds += 1;
        self.rounds == 1 || self.in_round != 0
    }

    /// Asks or polls that branch, unless it is disabled, or this round is not for it. One that is ready is polled no
    /// more.
    #[inline]
    pub fn poll<F: Future, M: Manner<F>>(
        &mut self,
        _manner: M,
        notes: &mut Notes<SLOTS>,
        place: usize,
        future: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        if self.in_round & (1 << place) == 0 {
            return Poll::Pending;
        }
        let future = future.as_pin_mut();
        let mut future = future.expect("an enabled branch has a future");
        let answer = match self.asks {
            true => M::ask(future.as_mut()),
            false => Answer::Unknown,
        };
        let polled = match answer {
            Answer::Ready(output) => Poll::Ready(output),
            Answer::NotYet => {
                self.not_yet |= 1 << place;
                return Poll::Pending;
            }
            Answer::Unknown => self.records.poll(notes, place, || future.poll(cx)),
        };
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
        self.asks = false;
        self.records.wait(notes);
        Poll::Pending
    }
}

/// The bit of the branch at this place, if its precondition holds.
#[doc(hidden)]
#[inline]
#[must_use]
pub fn enabled(place: u32, condition: bool) -> u64 {
    u64::from(condition) << place
}

/// The future of a branch, if there is one: else it is disabled.
#[doc(hidden)]
#[inline]
pub fn made<G: Given>(given: G) -> Option<G::Future> {
    given.into_future()
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

    #[inline]
    fn into_future(self) -> Option<F::IntoFuture> {
        Some(self.0.into_future())
    }
}

impl<F: IntoFuture> Given for Option<F> {
    type Future = F::IntoFuture;

    #[inline]
    fn into_future(self) -> Option<F::IntoFuture> {
        self.map(F::into_future)
    }
}
