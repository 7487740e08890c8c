//! Leaves that can be asked whether they are ready, without beginning to wait.
//!
//! Waiting has a price: a waker is cloned, the future gets a place in a list, a record is written, and all of that is
//! taken back when the future is dropped. A combinator that ends with its first future, as `select!`, pays it in vain
//! for each one that it looks at before the one that is ready. So it asks such leaves first, in the order in which it
//! would poll them, and polls them only if none was ready.

use super::budget;
use std::future::Future;
use std::pin::Pin;

/// What a leaf says when it is asked.
#[derive(Debug)]
pub enum Answer<T> {
    /// It is ready, as after a poll.
    Ready(T),
    /// It is not, and nothing has changed: whoever returns Pending has to poll it before.
    NotYet,
    /// It cannot tell, and has to be polled in its turn.
    Unknown,
}

/// A future that can be asked.
pub trait Ask: Future {
    /// As a poll, without a waker. It spends budget if it is ready.
    fn ask(self: Pin<&mut Self>) -> Answer<Self::Output>;
}

/// A future that is polled alone.
#[derive(Clone, Copy, Debug)]
pub struct Polled;

/// One that is asked before.
#[derive(Clone, Copy, Debug)]
pub struct Asked;

/// In which way a combinator looks at futures of a type.
pub trait Manner<F: Future> {
    /// Asks it, if it can be asked.
    fn ask(future: Pin<&mut F>) -> Answer<F::Output>;
}

impl<F: Future> Manner<F> for Polled {
    #[inline]
    fn ask(_: Pin<&mut F>) -> Answer<F::Output> {
        Answer::Unknown
    }
}

impl<F: Ask> Manner<F> for Asked {
    #[inline]
    fn ask(future: Pin<&mut F>) -> Answer<F::Output> {
        future.ask()
    }
}

/// Tries, if the budget lasts for that without a look at the clock, and spends of it for what is ready.
#[inline]
pub fn ask_within_budget<T>(ask: impl FnOnce() -> Option<T>) -> Answer<T> {
    budget::spend_at_hand(ask).map_or(Answer::Unknown, |answer| {
        answer.map_or(Answer::NotYet, Answer::Ready)
    })
}

/// Which manner is meant for a future, found by the compiler where it knows the type: `(&Kind::of(&future)).manner()`
/// with both traits in scope. A reference to a `Kind` has the method of [`CanBeAsked`] if its future has [`Ask`]; only
/// otherwise does the compiler look for one of a reference to that, which is [`IsPolled`]'s.
#[derive(Debug)]
pub struct Kind<F>(std::marker::PhantomData<fn() -> F>);

impl<F> Kind<F> {
    /// Of the future in that place.
    #[inline]
    #[must_use]
    pub fn of(_: &Pin<&mut Option<F>>) -> Kind<F> {
        Kind(std::marker::PhantomData)
    }
}

/// See [`Kind`].
pub trait CanBeAsked {
    /// How futures of this kind are looked at.
    #[inline]
    fn manner(&self) -> Asked {
        Asked
    }
}

impl<F: Ask> CanBeAsked for Kind<F> {}

/// See [`Kind`].
pub trait IsPolled {
    /// How futures of this kind are looked at.
    #[inline]
    fn manner(&self) -> Polled {
        Polled
    }
}

impl<F: Future> IsPolled for &Kind<F> {}
