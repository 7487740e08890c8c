//! Room in a channel that is reserved, several values at a time, senders that do not count or never wait.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::sync::mpsc::{self, SendTimeoutError, TrySendError, UnboundedReceiver, UnboundedSender};
use filch::sync::{SendError, TryRecvError};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[test]
fn a_permit_is_room_until_it_is_used_or_dropped() {
    let (sender, receiver) = mpsc::channel(1);
    let permit = now(sender.reserve()).unwrap();
    assert_eq!(sender.capacity(), 0);
    assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
    drop(permit);
    let permit = sender.try_reserve().unwrap();
    assert!(matches!(sender.try_reserve(), Err(TrySendError::Full(()))));
    permit.send(2);
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.capacity(), 1);
}

#[test]
fn whoever_waits_for_room_gets_it_in_turn() {
    let (sender, receiver) = mpsc::channel(2);
    let permits = now(sender.reserve_many(2)).unwrap();
    let many = ByHand::waiting(sender.reserve_many(2));
    let one = ByHand::waiting(sender.reserve());
    let send = ByHand::waiting(sender.send(3));
    for (permit, value) in permits.zip([1, 2]) {
        permit.send(value);
    }
    assert_eq!(now(receiver.recv()), Some(1));
    // It is kept for the first, who wants two.
    assert!(!many.woken() && !one.woken());
    assert_eq!((sender.capacity(), receiver.len()), (0, 1));
    assert_eq!(now(receiver.recv()), Some(2));
    let permits = many.ready().unwrap();
    assert_eq!(permits.len(), 2);
    drop(permits);
    one.ready().unwrap().send(4);
    send.ready().unwrap();
    assert_eq!([receiver.try_recv(), receiver.try_recv()], [Ok(4), Ok(3)]);
}

#[test]
fn what_was_kept_for_one_who_gives_up_goes_to_the_next_or_is_anybodys() {
    let (sender, receiver) = mpsc::channel(3);
    now(sender.send(1)).unwrap();
    let many = ByHand::waiting(sender.reserve_many(3));
    assert_eq!(sender.capacity(), 0);
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    let next = ByHand::waiting(sender.reserve_many(2));
    drop(many);
    drop(next.ready().unwrap());
    let many = ByHand::waiting(sender.reserve_many(3));
    drop(many);
    assert_eq!(sender.capacity(), 2);
    let many = ByHand::waiting(sender.reserve_many(3));
    assert_eq!(now(receiver.recv()), Some(1));
    assert!(many.woken());
    drop(many);
    assert_eq!(sender.capacity(), 3);
}

#[test]
fn so_much_room_there_never_is_or_none_is_wanted() {
    let (sender, receiver) = mpsc::channel::<u8>(1);
    assert_eq!(now(sender.reserve_many(2)).unwrap_err(), SendError(()));
    assert!(matches!(
        sender.try_reserve_many(2),
        Err(TrySendError::Full(()))
    ));
    let held = now(sender.reserve()).unwrap();
    assert_eq!(now(sender.reserve_many(0)).unwrap().count(), 0);
    assert!(sender.try_reserve_many(0).unwrap().next().is_none());
    drop(held);
    drop(receiver);
    assert!(now(sender.reserve_many(1)).is_err() && now(sender.reserve()).is_err());
    assert!(matches!(
        sender.try_reserve_many(0),
        Err(TrySendError::Closed(()))
    ));
}

#[test]
fn a_permit_outlives_the_close_and_the_end_waits_for_it() {
    let (sender, receiver) = mpsc::channel(3);
    let used = now(sender.reserve()).unwrap();
    let unused = now(sender.reserve()).unwrap();
    receiver.close();
    assert!(now(sender.reserve()).is_err());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let (mut first, second) = (
        ByHand::waiting(receiver.recv()),
        ByHand::waiting(receiver.recv()),
    );
    used.send(1);
    assert!(first.woken() && !second.woken());
    assert_eq!(ready(&mut first), Some(1));
    drop(unused);
    assert_eq!(second.ready(), None);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

#[track_caller]
fn ready<T>(future: &mut ByHand<'_, T>) -> T {
    match future.poll() {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it is not ready"),
    }
}

#[test]
fn the_last_permit_ends_all_who_wait_however_it_goes() {
    for how in 0..5 {
        let (sender, receiver) = mpsc::channel(2);
        let waiting = |receiver: &mpsc::Receiver<u8>| {
            let receiver = receiver.clone();
            ByHand::waiting(async move { receiver.recv().await })
        };
        let others = sender.clone();
        let owned = now(sender.clone().reserve_owned()).unwrap();
        let many = now(others.reserve_many(1)).unwrap();
        receiver.close();
        let (first, second) = (waiting(&receiver), waiting(&receiver));
        drop(many);
        assert!(!first.woken());
        match how {
            0 => drop(owned),
            1 => drop(owned.release()),
            2 => drop(owned.send(7)),
            3 => drop((owned, sender)),
            _ => assert!(owned.send(7).same_channel(&sender)),
        }
        let got = if how == 2 || how == 4 { Some(7) } else { None };
        assert_eq!((first.ready(), second.ready()), (got, None), "{how}");
    }
}

#[test]
fn what_is_sent_into_a_permit_without_a_receiver_is_dropped() {
    let (sender, receiver) = mpsc::channel(2);
    let (permit, value) = (now(sender.reserve()).unwrap(), Arc::new(()));
    let owned = now(sender.clone().reserve_owned()).unwrap();
    assert!(owned.same_channel_as_sender(&sender) && owned.same_channel(&owned));
    drop(receiver);
    permit.send(value.clone());
    drop(owned.send(value.clone()));
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn a_granted_reservation_that_is_not_taken_is_passed_on() {
    let (sender, receiver) = mpsc::channel(1);
    now(sender.send(1)).unwrap();
    let first = ByHand::waiting(sender.clone().reserve_owned());
    let second = ByHand::waiting(sender.reserve());
    assert_eq!(now(receiver.recv()), Some(1));
    assert!(first.woken());
    drop(first);
    let permit = second.ready().unwrap();
    // One that is granted and finds the channel closed has nothing.
    let third = ByHand::waiting(sender.reserve());
    drop(permit);
    receiver.close();
    assert!(third.ready().is_err());
    assert_eq!(now(receiver.recv()), None);
    let full = sender.clone().try_reserve_owned().unwrap_err();
    assert!(full.into_inner().same_channel(&sender));
}

#[test]
fn several_values_are_received_at_a_time() {
    let (sender, receiver) = mpsc::channel(4);
    let mut buffer = vec![0];
    assert_eq!(now(receiver.recv_many(&mut buffer, 0)), 0);
    for value in 1..=4 {
        sender.try_send(value).unwrap();
    }
    let waiting = ByHand::waiting(sender.send(5));
    assert_eq!(now(receiver.recv_many(&mut buffer, 3)), 3);
    assert!(waiting.ready().is_ok());
    assert_eq!(now(receiver.recv_many(&mut buffer, 9)), 2);
    assert_eq!(buffer, [0, 1, 2, 3, 4, 5]);
    let mut more = Vec::new();
    let waiting = ByHand::waiting(receiver.recv_many(&mut more, 2));
    sender.try_send(6).unwrap();
    sender.try_send(7).unwrap();
    assert_eq!(waiting.ready(), 2);
    let mut none = Vec::new();
    let given_up = ByHand::waiting(receiver.recv_many(&mut none, 2));
    sender.try_send(8).unwrap();
    drop(given_up);
    assert_eq!(receiver.try_recv(), Ok(8));
    drop(sender);
    assert_eq!(receiver.blocking_recv_many(&mut more, 2), 0);
    assert_eq!((more, none), (vec![6, 7], vec![]));
}

#[test]
fn a_weak_sender_does_not_keep_the_channel_open() {
    let (sender, receiver) = mpsc::channel::<u8>(1);
    let weak = sender.downgrade();
    let second = weak.clone();
    assert_eq!((sender.strong_count(), sender.weak_count()), (1, 2));
    let upgraded = weak.upgrade().unwrap();
    assert_eq!(
        (weak.strong_count(), receiver.sender_strong_count()),
        (2, 2)
    );
    assert!(upgraded.same_channel(&sender));
    drop(second);
    assert_eq!((weak.weak_count(), receiver.sender_weak_count()), (1, 1));
    let permit = now(upgraded.reserve_owned()).unwrap();
    drop(sender);
    assert!(weak.upgrade().is_some());
    let waiting = ByHand::waiting(receiver.recv());
    drop(permit);
    assert_eq!(waiting.ready(), None);
    assert!(weak.upgrade().is_none() && receiver.is_closed());
}

#[test]
fn an_unbounded_sender_sends_where_it_stands() {
    struct Log(UnboundedSender<u32>);
    let (sender, receiver): (_, UnboundedReceiver<u32>) = mpsc::unbounded_channel();
    let log = Log(sender);
    let weak = log.0.downgrade();
    for number in 0..100 {
        weak.upgrade().unwrap().send(number).unwrap();
    }
    assert_eq!((log.0.strong_count(), log.0.weak_count()), (1, 1));
    assert_eq!((weak.strong_count(), weak.clone().weak_count()), (1, 2));
    assert!(log.0.same_channel(&log.0.clone()) && !log.0.is_closed());
    let mut numbers = Vec::new();
    assert_eq!(now(receiver.recv_many(&mut numbers, 1000)), 100);
    let closed = ByHand::waiting(log.0.closed());
    drop(receiver);
    closed.ready();
    assert_eq!(log.0.send(7), Err(SendError(7)));
    drop(log);
    assert!(weak.upgrade().is_none());
}

#[filch::test]
async fn a_send_waits_no_longer_than_it_may() {
    let (sender, receiver) = mpsc::channel(1);
    let short = Duration::from_millis(1);
    assert_eq!(sender.send_timeout(1, Duration::MAX).await, Ok(()));
    let late = sender.send_timeout(2, short).await;
    assert_eq!(late, Err(SendTimeoutError::Timeout(2)));
    let waiting = sender.clone();
    let task = filch::spawn(async move { waiting.send_timeout(3, Duration::MAX).await });
    assert_eq!(receiver.recv().await, Some(1));
    assert_eq!(task.await.unwrap(), Ok(()));
    drop(receiver);
    let closed = sender.send_timeout(4, short).await.unwrap_err();
    assert_eq!(closed.into_inner(), 4);
}

#[test]
fn permits_and_sends_under_load_lose_nothing() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let (sender, receiver) = mpsc::channel(4);
    let rounds = rounds(200);
    let theirs = sender.clone();
    let thread = thread::spawn(move || {
        (0..rounds).for_each(|_| theirs.blocking_send(1).unwrap());
    });
    for kind in 0..4_usize {
        let sender = sender.clone();
        drop(rt.spawn(async move {
            for round in 0..rounds {
                match (kind, round % 5) {
                    (0, _) => sender.send(1).await.unwrap(),
                    (1, _) => sender.reserve().await.unwrap().send(1),
                    // Sometimes it gives up what it got, and tries again.
                    (_, 0) => drop(sender.reserve_many(kind).await.unwrap()),
                    _ => {}
                }
                if kind > 1 {
                    let mut permits = sender.reserve_many(kind).await.unwrap();
                    permits.next().unwrap().send(1);
                }
            }
        }));
    }
    drop(sender);
    let sum = rt.run(async move {
        let (mut sum, mut values) = (0, Vec::new());
        while receiver.recv_many(&mut values, 3).await > 0 {
            sum += values.drain(..).sum::<usize>();
        }
        sum
    });
    thread.join().unwrap();
    assert_eq!(sum, 5 * rounds);
}
