//! `select!` and `race!`: the grammar, fairness, what is dropped when, and what handlers may do.

mod asked;
mod disabled;
mod drops;
mod grammar;
mod order;

use std::cell::{Cell, RefCell};
use std::future::{Future, IntoFuture, Ready, pending, poll_fn, ready};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use filch::sync::{mpsc, oneshot};
use filch::task::{consume_budget, yield_now};

/// Polls a future once.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// The output of a future that is ready at its first poll.
#[track_caller]
fn now<F: Future>(future: F) -> F::Output {
    match poll_once(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it is not ready"),
    }
}

/// Counts its drop.
struct Counted<'a>(&'a Cell<usize>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_race_gives_the_first_output_of_futures_of_any_types() {
    assert_eq!(
        now(async { filch::race!(pending(), ready(1), async { pending().await }) }),
        1
    );
    assert_eq!(now(async { filch::race!(ready(2)) }), 2);
}
