//! Notify: what is stored, who is woken, what a dropped waiter passes on.

use crate::by_hand::{ByHand, now};
use filch::sync::Notify;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::task::Poll;

#[test]
fn one_notification_is_stored() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    now(notify.notified());
    assert!(ByHand::new(notify.notified()).poll().is_pending());
}

#[test]
fn waiters_are_notified_in_turn() {
    let notify = Notify::new();
    let first = ByHand::waiting(notify.notified());
    let second = ByHand::waiting(notify.notified());
    notify.notify_one();
    assert!(!second.woken());
    first.ready();
    notify.notify_one();
    second.ready();
}

#[test]
fn a_dropped_waiter_passes_its_notification_on() {
    let notify = Notify::new();
    let first = ByHand::waiting(notify.notified());
    let second = ByHand::waiting(notify.notified());
    notify.notify_one();
    assert!(first.woken());
    drop(first);
    second.ready();
    let third = ByHand::waiting(notify.notified());
    notify.notify_one();
    drop(third);
    now(notify.notified());
}

#[test]
fn a_dropped_waiter_keeps_what_all_were_told_to_itself() {
    let notify = Notify::new();
    let first = ByHand::waiting(notify.notified());
    notify.notify_waiters();
    assert!(first.woken());
    drop(first);
    assert!(ByHand::new(notify.notified()).poll().is_pending());
}

#[test]
fn all_that_wait_are_notified_and_nothing_is_stored() {
    let notify = Notify::new();
    let waiting: Vec<_> = (0..50)
        .map(|_| ByHand::waiting(notify.notified()))
        .collect();
    let not_polled = notify.notified();
    notify.notify_waiters();
    let late = ByHand::waiting(notify.notified());
    now(not_polled);
    waiting.into_iter().for_each(ByHand::ready);
    assert!(!late.woken());
}

#[test]
fn an_enabled_future_is_in_line() {
    let notify = Notify::new();
    let mut enabled = pin!(notify.notified());
    assert!(!enabled.as_mut().enable());
    let later = ByHand::waiting(notify.notified());
    notify.notify_one();
    assert!(enabled.as_mut().enable());
    assert!(!later.woken());
    now(enabled);
}

#[test]
fn enabling_a_future_that_waits_keeps_its_waker() {
    let notify = Notify::new();
    let mut future = Box::pin(notify.notified());
    let mut waiting = ByHand::new(std::future::poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        let enabled = future.as_mut().enable();
        assert_eq!(polled.is_ready(), enabled);
        polled
    }));
    assert!(waiting.poll().is_pending());
    notify.notify_one();
    waiting.ready();
}

#[test]
fn a_ready_future_stays_ready() {
    let notify = Arc::new(Notify::new());
    let mut owned = ByHand::new({
        let mut notified = Box::pin(notify.clone().notified_owned());
        std::future::poll_fn(move |cx| notified.as_mut().poll(cx))
    });
    assert!(owned.poll().is_pending());
    notify.notify_one();
    assert!(owned.woken());
    assert_eq!(
        (owned.poll(), owned.poll()),
        (Poll::Ready(()), Poll::Ready(()))
    );
}

static FORGOTTEN: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

#[test]
fn a_waiter_that_is_never_dropped_harms_nobody() {
    let notify = Box::new(Notify::new());
    let mut forgotten = Box::pin(notify.notified());
    assert!(!forgotten.as_mut().enable());
    // Its memory stays known, so that it is no leak.
    // SAFETY: it is never moved, nor dropped.
    let forgotten = Box::into_raw(unsafe { Pin::into_inner_unchecked(forgotten) });
    FORGOTTEN.store(forgotten.cast(), Ordering::Relaxed);
    drop(notify);
}

#[test]
fn the_last_who_came_is_notified_and_passes_it_on_to_the_one_before() {
    let notify = Notify::const_new();
    let mut waiting: Vec<_> = (0..3).map(|_| ByHand::waiting(notify.notified())).collect();
    notify.notify_last();
    let last = waiting.pop().unwrap();
    assert!(last.woken() && !waiting[0].woken());
    drop(last);
    waiting.pop().unwrap().ready();
    notify.notify_one();
    waiting.pop().unwrap().ready();
    notify.notify_last();
    now(notify.notified());
}
