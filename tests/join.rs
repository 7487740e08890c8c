//! `join!` and `try_join!`: borrowing, order, fairness, errors and drops.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use filch::task::yield_now;

/// Polls a future once.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Counts its drop.
struct Counted<'a>(&'a Cell<usize>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[filch::test]
async fn futures_may_borrow_from_the_caller() {
    let words = String::from("one two");
    let mut first = String::new();
    let (count, ()) = filch::join!(async { words.split(' ').count() }, async {
        yield_now().await;
        first.push_str(&words[..3]);
    });
    assert_eq!((count, first.as_str()), (2, "one"));
}

#[filch::test]
async fn outputs_come_in_argument_order() {
    let (a, b, c) = filch::join!(
        async {
            yield_now().await;
            yield_now().await;
            'a'
        },
        async {
            yield_now().await;
            "b"
        },
        async { 3 },
    );
    assert_eq!((a, b, c), ('a', "b", 3));
    let values: Result<_, ()> = filch::try_join!(async { Ok(1) }, async { Ok("two") });
    assert_eq!(values, Ok((1, "two")));
}

#[test]
fn nothing_to_join_is_done() {
    assert_eq!(poll_once(async { filch::join!() }), Poll::Ready(()));
    assert_eq!(
        poll_once(async { filch::try_join!() }),
        Poll::Ready(Ok::<(), ()>(()))
    );
}

/// Which future was polled when, over three polls of `joined`, which never ends.
fn order<F: Future>(joined: F, polled: &RefCell<String>) -> String {
    let mut joined = pin!(joined);
    for _ in 0..3 {
        assert!(
            joined
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        polled.borrow_mut().push(' ');
    }
    polled.take()
}

/// Writes `name` at each poll, and is never ready.
async fn noted(name: char, polled: &RefCell<String>) -> Result<(), ()> {
    poll_fn(|_| {
        polled.borrow_mut().push(name);
        Poll::Pending
    })
    .await
}

#[test]
fn each_future_is_the_first_in_turn() {
    let polled = RefCell::default();
    let joined = async {
        filch::join!(
            noted('a', &polled),
            noted('b', &polled),
            noted('c', &polled)
        )
    };
    assert_eq!(order(joined, &polled), "abc bca cab ");
    let joined = async {
        filch::try_join!(
            noted('a', &polled),
            noted('b', &polled),
            noted('c', &polled)
        )
    };
    assert_eq!(order(joined, &polled), "abc bca cab ");
}

#[test]
fn biased_keeps_the_order_given() {
    let polled = RefCell::default();
    let joined = async { filch::join!(biased; noted('a', &polled), noted('b', &polled)) };
    assert_eq!(order(joined, &polled), "ab ab ab ");
    let joined = async { filch::try_join!(biased; noted('a', &polled), noted('b', &polled)) };
    assert_eq!(order(joined, &polled), "ab ab ab ");
}

#[test]
fn an_error_drops_the_others_before_it_is_returned() {
    let dropped = Cell::new(0);
    let joined = async {
        let endless = async {
            let _counted = Counted(&dropped);
            pending::<Result<(), &str>>().await
        };
        let result = filch::try_join!(endless, async { Err::<(), _>("failed") });
        (result, dropped.get())
    };
    assert_eq!(poll_once(joined), Poll::Ready((Err("failed"), 1)));
}

#[test]
fn a_panic_drops_the_others() {
    let dropped = Cell::new(0);
    let joined = async {
        let endless = async {
            let _counted = Counted(&dropped);
            pending::<()>().await
        };
        filch::join!(endless, async { std::panic::panic_any("boom") })
    };
    let panic = std::panic::catch_unwind(AssertUnwindSafe(|| poll_once(joined))).unwrap_err();
    assert_eq!((panic.downcast_ref(), dropped.get()), (Some(&"boom"), 1));
}

#[test]
fn a_finished_future_is_not_polled_again() {
    let polls = Cell::new(0);
    let once = poll_fn(|_| {
        polls.set(polls.get() + 1);
        Poll::Ready(())
    });
    let mut joined = pin!(async { filch::join!(once, pending::<()>()) });
    for _ in 0..3 {
        assert!(
            joined
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    assert_eq!(polls.get(), 1);
}

#[test]
fn a_join_of_send_futures_is_send() {
    fn check(_: impl Send) {}
    check(async {
        filch::join!(async {}, async { yield_now().await });
        let _: Result<_, ()> = filch::try_join!(async { Ok(1) }, async {
            yield_now().await;
            Ok(2)
        });
    });
}

/// Becomes a future when it is awaited, as `filch::time::timeout` or a request of some client do.
struct Answer(u32);

impl IntoFuture for Answer {
    type Output = Result<u32, String>;
    type IntoFuture = std::future::Ready<Result<u32, String>>;

    fn into_future(self) -> Self::IntoFuture {
        std::future::ready(Ok(self.0))
    }
}

#[filch::test]
async fn whatever_can_be_awaited_can_be_joined_and_gathered() {
    assert_eq!(filch::join!(Answer(1), async { 2 }), (Ok(1), 2));
    assert_eq!(filch::try_join!(Answer(3), Answer(4)), Ok((3, 4)));
    assert_eq!(filch::gather!(Answer(5), Answer(6)), Ok((5, 6)));
}
