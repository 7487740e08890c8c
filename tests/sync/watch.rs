//! The watch: which values are seen, who is woken, how it ends.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::sync::{Closed, watch};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

#[test]
fn a_receiver_sees_the_newest_value_and_each_once() {
    let (sender, mut receiver) = watch::channel(1);
    assert_eq!(*receiver.borrow(), 1);
    let waiting = ByHand::waiting(receiver.changed());
    sender.send(2).unwrap();
    sender.send(3).unwrap();
    assert_eq!(waiting.ready(), Ok(()));
    assert_eq!(*receiver.borrow(), 3);
    drop(ByHand::waiting(receiver.changed()));
    sender.send(4).unwrap();
    assert!(receiver.has_changed().unwrap());
    assert!(receiver.borrow().has_changed());
    assert_eq!(now(receiver.changed()), Ok(()));
    assert!(!receiver.borrow_and_update().has_changed());
}

#[test]
fn each_receiver_remembers_what_it_has_seen() {
    let (sender, mut first) = watch::channel(1);
    sender.send(2).unwrap();
    let mut second = first.clone();
    let mut third = sender.subscribe();
    assert!(first.borrow_and_update().has_changed());
    assert!(second.has_changed().unwrap() && !third.has_changed().unwrap());
    second.mark_unchanged();
    assert!(!second.has_changed().unwrap());
    first.mark_changed();
    third.mark_changed();
    assert_eq!(
        [now(first.changed()), now(third.changed())],
        [Ok(()), Ok(())]
    );
    assert!(first.same_channel(&second));
    assert_eq!((sender.receiver_count(), sender.sender_count()), (3, 1));
}

#[test]
fn all_who_wait_are_woken() {
    let (sender, receiver) = watch::channel(0);
    let mut receivers = vec![receiver; 40];
    let waiting: Vec<_> = receivers
        .iter_mut()
        .map(|receiver| ByHand::waiting(receiver.changed()))
        .collect();
    sender.send_modify(|value| *value = 1);
    waiting.into_iter().for_each(|one| one.ready().unwrap());
}

#[test]
fn a_value_is_changed_in_its_place_and_told_if_it_was() {
    let (sender, mut receiver) = watch::channel(vec![1]);
    assert!(!sender.send_if_modified(|_| false));
    assert!(!receiver.has_changed().unwrap());
    let waiting = ByHand::waiting(receiver.changed());
    assert!(!sender.send_if_modified(|_| false) && !waiting.woken());
    assert!(sender.send_if_modified(|value| {
        value.push(2);
        true
    }));
    waiting.ready().unwrap();
    assert_eq!(sender.send_replace(vec![3]), [1, 2]);
    assert_eq!(*sender.borrow(), [3]);
    now(receiver.changed()).unwrap();
    let panics = || sender.send_modify(|_| panic!("in the middle"));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert!(!receiver.has_changed().unwrap());
    assert_eq!(*receiver.borrow(), [3]);
}

#[test]
fn the_last_value_is_seen_after_the_senders_end() {
    let (sender, mut receiver) = watch::channel(1);
    let mut late = receiver.clone();
    let another = sender.clone();
    assert!(another.same_channel(&sender));
    sender.send(2).unwrap();
    drop(sender);
    now(receiver.changed()).unwrap();
    let waiting = ByHand::waiting(receiver.changed());
    drop(another);
    assert_eq!(waiting.ready(), Err(Closed));
    // What the end found unseen is seen all the same.
    assert_eq!(late.has_changed(), Err(Closed));
    assert_eq!(now(late.changed()), Ok(()));
    assert_eq!(now(late.changed()), Err(Closed));
    assert_eq!(*late.borrow(), 2);
}

#[test]
fn without_receivers_a_send_fails_and_a_replacement_does_not() {
    let (sender, receiver) = watch::channel(1);
    let closed = ByHand::waiting(sender.closed());
    drop(ByHand::waiting(sender.closed()));
    drop(receiver);
    closed.ready();
    assert!(sender.is_closed());
    assert_eq!(sender.send(2).unwrap_err().0, 2);
    assert_eq!(sender.send_replace(3), 1);
    let mut receiver = sender.subscribe();
    assert!(!sender.is_closed() && !receiver.has_changed().unwrap());
    sender.send(4).unwrap();
    assert_eq!(*receiver.borrow_and_update(), 4);
    assert_eq!(*watch::Sender::<u8>::default().borrow(), 0);
}

#[test]
fn a_condition_is_waited_for() {
    let (sender, mut receiver) = watch::channel(0);
    assert_eq!(*now_local(receiver.wait_for(|value| *value == 0)), 0);
    let sender_too = sender.clone();
    let task = thread::spawn(move || {
        let runtime = filch::LocalRuntime::new().unwrap();
        let found = runtime.block_on(receiver.wait_for(|value| *value == 3));
        assert_eq!(found.map(|value| *value), Ok(3));
        let closed = runtime.block_on(receiver.wait_for(|value| *value == 9));
        assert!(closed.is_err());
    });
    for value in 1..=3 {
        sender.send_replace(value);
    }
    let _limit = Limit::new();
    drop((sender, sender_too));
    task.join().unwrap();
}

/// Of a future whose output is not `Send`.
fn now_local<T>(future: impl Future<Output = Result<T, Closed>>) -> T {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut cx) {
        std::task::Poll::Ready(Ok(value)) => value,
        _ => panic!("it is not ready"),
    }
}

#[test]
fn a_condition_that_panics_leaves_the_value_free() {
    let (sender, mut receiver) = watch::channel(0);
    let panics = || drop(now_local(receiver.wait_for(|_| panic!("asked"))));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    sender.send_replace(1);
    assert_eq!(*receiver.borrow(), 1);
}

#[test]
fn tasks_and_threads_see_values_go_up_and_the_last_one() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let last = rounds(2000);
    let (sender, receiver) = watch::channel(0);
    let watching = |mut receiver: watch::Receiver<usize>| async move {
        let mut seen = 0;
        while receiver.changed().await.is_ok() {
            let value = *receiver.borrow_and_update();
            assert!(seen <= value);
            seen = value;
        }
        seen
    };
    let tasks: Vec<_> = (0..3)
        .map(|_| rt.spawn(watching(receiver.clone())))
        .collect();
    let mut blocking = receiver;
    let thread = thread::spawn(move || {
        while blocking.blocking_changed().is_ok() {}
        *blocking.borrow()
    });
    for value in 1..=last {
        sender.send(value).unwrap();
    }
    drop(sender);
    for task in tasks {
        assert_eq!(task.join_blocking(None).unwrap().unwrap(), last);
    }
    assert_eq!(thread.join().unwrap(), last);
}
