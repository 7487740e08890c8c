//! What most futures of this module are: a place among the waiters of something, and what is tried there.
//!
//! A [`Leaf`] says what is tried under the lock of its primitive; [`Waiting`] does the rest, the same for all: it
//! spends budget, keeps the waker of the last poll, takes the outcome of a wait, writes the wait record, and leaves the
//! list when it is dropped. [`future!`] makes the named future around it that users see.

use super::blocking;
use super::wait_list::{Outcome, Stage, Waiter};
use super::wakers::{Kept, keep};
use filch_executor::leaf::{self, Wait};
use pin_project_lite::pin_project;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

/// What a future waits for.
pub(super) trait Leaf {
    /// What it is ready with.
    type Output;

    /// Takes what is waited for, or puts the idle waiter into a list. `ended` says how its last wait ended, if it had
    /// one. It is called a second time if the waker could not be cloned under the lock (`Kept::take`).
    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Self::Output>;

    /// Replaces the waker of a waiter that is still in its list.
    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>);

    /// Takes a waiter out that has begun to wait, and passes on what it was given.
    fn give_up(&mut self, waiter: Pin<&mut Waiter>);

    /// The current task waits.
    fn record(&self, wait: Wait) {
        leaf::record(wait);
    }
}

pin_project! {
    /// A future's place, see above.
    pub(super) struct Waiting<L>
    where
        L: Leaf,
    {
        leaf: L,
        wait: Wait,
        over: bool,
        #[pin]
        waiter: Waiter,
    }

    impl<L> PinnedDrop for Waiting<L>
    where
        L: Leaf,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.waiter.is_idle() {
                this.leaf.give_up(this.waiter);
                leaf::take_back(|| *this.wait);
            }
        }
    }
}

impl<L: Leaf> Waiting<L> {
    #[inline]
    pub(super) fn new(leaf: L, wait: Wait) -> Waiting<L> {
        Waiting {
            leaf,
            wait,
            over: false,
            waiter: Waiter::new(),
        }
    }

    /// Whether it was ready.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    #[inline]
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<L::Output> {
        ready!(leaf::poll_budget_of(&*self, cx));
        self.poll_unbudgeted(cx)
    }

    #[inline]
    pub(super) fn poll_unbudgeted(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<L::Output> {
        let this = self.project();
        let (leaf, mut waiter) = (this.leaf, this.waiter);
        if *this.over {
            let at = this.wait.at;
            panic!("a future that was made at {at} was polled after it was ready");
        }
        if waiter.stage() == Stage::Waiting {
            keep(cx.waker(), |kept| leaf.update(waiter.as_mut(), kept));
            if waiter.stage() == Stage::Waiting {
                leaf.record(*this.wait);
                return Poll::Pending;
            }
        }
        let ended = waiter.as_mut().take_outcome();
        let polled = keep(cx.waker(), |kept| {
            leaf.take_or_wait(ended, waiter.as_mut(), kept)
        });
        match polled.is_ready() {
            true => *this.over = true,
            false => leaf.record(*this.wait),
        }
        polled
    }

    /// Waits on a thread that is not async.
    pub(super) fn block(self) -> L::Output {
        let mut waiting = pin!(self);
        blocking::wait(|cx| waiting.as_mut().poll_unbudgeted(cx))
    }
}

/// A named future around [`Waiting`]: its docs and name, its generics as they are declared and as they are used, its
/// leaf and its output.
macro_rules! future {
    (
        $(#[$meta:meta])*
        $name:ident [$($declared:tt)*] [$($used:tt)*] of $leaf:ty => $output:ty
    ) => {
        pin_project_lite::pin_project! {
            $(#[$meta])*
            #[must_use = "futures do nothing unless awaited"]
            pub struct $name<$($declared)*> {
                #[pin]
                waiting: $crate::sync::waiting::Waiting<$leaf>,
            }
        }

        impl<$($declared)*> $name<$($used)*> {
            #[inline]
            fn of(leaf: $leaf, wait: filch_executor::leaf::Wait) -> Self {
                $name {
                    waiting: $crate::sync::waiting::Waiting::new(leaf, wait),
                }
            }
        }

        impl<$($declared)*> std::future::Future for $name<$($used)*> {
            type Output = $output;

            #[inline]
            fn poll(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Self::Output> {
                self.project().waiting.poll(cx)
            }
        }

        impl<$($declared)*> futures_core::FusedFuture for $name<$($used)*> {
            fn is_terminated(&self) -> bool {
                self.waiting.is_over()
            }
        }

        impl<$($declared)*> std::fmt::Debug for $name<$($used)*> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

pub(super) use future;
