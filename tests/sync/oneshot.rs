//! One value: sent, refused, dropped, waited for by every kind of waiter.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::sync::{Closed, TryRecvError, oneshot};
use std::task::Poll;
use std::thread;

#[test]
fn a_value_arrives_before_and_after_the_wait() {
    let (sender, receiver) = oneshot::channel();
    assert_eq!(sender.send(1), Ok(()));
    assert_eq!(now(receiver), Ok(1));
    let (sender, receiver) = oneshot::channel();
    let receiver = ByHand::waiting(receiver);
    sender.send(2).unwrap();
    assert_eq!(receiver.ready(), Ok(2));
}

#[test]
fn a_dropped_sender_is_noticed() {
    let (sender, receiver) = oneshot::channel::<u32>();
    let receiver = ByHand::waiting(receiver);
    drop(sender);
    assert_eq!(receiver.ready(), Err(Closed));
}

#[test]
fn a_dropped_receiver_gives_the_value_back() {
    let (mut sender, receiver) = oneshot::channel();
    let receiver = ByHand::waiting(receiver);
    {
        let mut closed = ByHand::waiting(sender.closed());
        drop(receiver);
        assert!(closed.woken());
        assert_eq!(closed.poll(), Poll::Ready(()));
    }
    assert!(sender.is_closed());
    assert_eq!(sender.send("back"), Err("back"));
}

#[test]
fn a_value_that_nobody_takes_is_dropped_with_the_last_end() {
    let (probe, eye) = Probe::new();
    let (sender, receiver) = oneshot::channel();
    sender.send(probe).unwrap();
    assert!(!is_gone(&eye));
    drop(receiver);
    assert!(is_gone(&eye));
}

#[test]
fn close_refuses_later_values_only() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(receiver.try_recv(), Ok(1));
    let (sender, mut receiver) = oneshot::channel();
    receiver.close();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(sender.send(2), Err(2));
    assert_eq!(now(receiver), Err(Closed));
}

#[test]
fn the_last_waker_counts() {
    let (sender, mut receiver) = oneshot::channel();
    let first = ByHand::waiting(std::future::poll_fn(|cx| {
        std::pin::Pin::new(&mut receiver).poll(cx)
    }));
    drop(first);
    let second = ByHand::waiting(receiver);
    sender.send(1).unwrap();
    assert_eq!(second.ready(), Ok(1));
}

#[test]
fn wakers_do_not_outlive_the_channel() {
    let (probe, eye) = Probe::new();
    let (mut sender, receiver) = oneshot::channel::<u32>();
    let waiting = ByHand::waiting(async move {
        let _probe = probe;
        sender.closed().await;
    });
    drop(waiting);
    drop(receiver);
    assert!(is_gone(&eye));
}

#[test]
fn threads_can_wait() {
    let _limit = Limit::new();
    for _ in 0..rounds(100) {
        let (sender, receiver) = oneshot::channel();
        let thread = thread::spawn(move || receiver.blocking_recv());
        sender.send(1).unwrap();
        assert_eq!(thread.join().unwrap(), Ok(1));
        let (sender, receiver) = oneshot::channel::<u32>();
        let thread = thread::spawn(move || receiver.blocking_recv());
        drop(sender);
        assert_eq!(thread.join().unwrap(), Err(Closed));
    }
}

#[test]
fn ends_that_leave_at_the_same_time_free_once() {
    let _limit = Limit::new();
    for round in 0..rounds(2000) {
        let (probe, eye) = Probe::new();
        let (sender, receiver) = oneshot::channel();
        let thread = thread::spawn(move || match round % 3 {
            0 => drop(sender.send(probe)),
            1 => drop((sender, probe)),
            _ => drop(ByHand::new(async move { sender.send(probe).is_ok() }).poll()),
        });
        match round % 2 {
            0 => drop(receiver),
            _ => drop(ByHand::new(receiver).poll()),
        }
        thread.join().unwrap();
        assert!(is_gone(&eye));
    }
}
