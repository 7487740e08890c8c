//! Channels: order, room, closing, clones of both ends, cancellation.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::stream::StreamExt;
use filch::sync::{SendError, TryRecvError, TrySendError, mpsc};
use std::task::Poll;
use std::thread;

#[test]
fn values_come_in_order_and_then_the_end() {
    let (sender, receiver) = mpsc::channel(3);
    for number in 0..3 {
        assert_eq!(now(sender.send(number)), Ok(()));
    }
    assert_eq!((receiver.len(), receiver.capacity()), (3, 0));
    drop(sender);
    let received: Vec<_> = std::iter::from_fn(|| now(receiver.recv())).collect();
    assert_eq!(received, [0, 1, 2]);
    assert!(receiver.is_empty() && receiver.is_closed());
}

#[test]
#[should_panic(expected = "room for at least one value")]
fn a_channel_without_room_is_refused() {
    let _ = mpsc::channel::<()>(0);
}

#[test]
fn a_full_channel_makes_senders_wait_in_turn() {
    let (sender, receiver) = mpsc::channel(1);
    now(sender.send(0)).unwrap();
    let first = ByHand::waiting(sender.send(1));
    let second = ByHand::waiting(sender.send(2));
    assert_eq!(now(receiver.recv()), Some(0));
    assert!(!second.woken());
    // The room is the first one's, whoever asks meanwhile.
    assert_eq!(sender.try_send(9), Err(TrySendError::Full(9)));
    assert_eq!(first.ready(), Ok(()));
    assert_eq!(now(receiver.recv()), Some(1));
    assert_eq!(second.ready(), Ok(()));
    assert_eq!(now(receiver.recv()), Some(2));
}

#[test]
fn a_cancelled_sender_passes_its_room_on_and_sends_nothing() {
    let (sender, receiver) = mpsc::channel(1);
    now(sender.send(0)).unwrap();
    let first = ByHand::waiting(sender.send(1));
    let second = ByHand::waiting(sender.send(2));
    let third = ByHand::waiting(sender.send(3));
    drop(second);
    assert_eq!(now(receiver.recv()), Some(0));
    assert!(first.woken());
    drop(first);
    assert_eq!(third.ready(), Ok(()));
    assert_eq!(now(receiver.recv()), Some(3));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.capacity(), 1);
}

#[test]
fn a_cancelled_receiver_loses_no_value() {
    let (sender, receiver) = mpsc::channel(2);
    let first = ByHand::waiting(receiver.recv());
    let second = ByHand::waiting(receiver.recv());
    sender.try_send(1).unwrap();
    assert!(first.woken() && !second.woken());
    drop(first);
    assert_eq!(second.ready(), Some(1));
    let third = ByHand::waiting(receiver.recv());
    sender.try_send(2).unwrap();
    drop(third);
    assert_eq!(now(receiver.recv()), Some(2));
}

#[test]
fn receivers_are_served_in_turn() {
    let (sender, receiver) = mpsc::channel(2);
    let other = receiver.clone();
    let first = ByHand::waiting(receiver.recv());
    let second = ByHand::waiting(other.recv());
    sender.try_send(1).unwrap();
    // It is promised to the first.
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.try_send(2).unwrap();
    assert_eq!(second.ready(), Some(1));
    assert_eq!(first.ready(), Some(2));
}

#[test]
fn the_last_receiver_closes_and_drops_what_was_not_received() {
    let (sender, receiver) = mpsc::channel(1);
    let (probe, eye) = Probe::new();
    now(sender.send(Some(probe))).unwrap();
    let other = receiver.clone();
    let waiting = ByHand::waiting(sender.send(None));
    let closed = ByHand::waiting(sender.closed());
    drop(receiver);
    assert!(!sender.is_closed() && !waiting.woken() && !is_gone(&eye));
    drop(other);
    assert!(sender.is_closed() && is_gone(&eye));
    closed.ready();
    let SendError(value) = waiting.ready().unwrap_err();
    assert!(value.is_none());
    assert!(matches!(
        sender.try_send(None),
        Err(TrySendError::Closed(None))
    ));
    now(sender.closed());
}

#[test]
fn the_last_sender_ends_all_waiting_receivers() {
    let (sender, receiver) = mpsc::channel::<u32>(1);
    let other = sender.clone();
    assert!(other.same_channel(&sender));
    let receivers: Vec<_> = (0..40).map(|_| ByHand::waiting(receiver.recv())).collect();
    drop(sender);
    assert!(!receivers[0].woken());
    drop(other);
    for receiver in receivers {
        assert_eq!(receiver.ready(), None);
    }
}

#[test]
fn close_lets_what_was_sent_be_received() {
    let (sender, receiver) = mpsc::channel(2);
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    let waiting = ByHand::waiting(sender.send(3));
    assert_eq!(now(receiver.recv()), Some(1));
    // It has room reserved, but did not get to use it.
    receiver.close();
    assert_eq!(waiting.ready(), Err(SendError(3)));
    assert_eq!(now(receiver.recv()), Some(2));
    assert_eq!(now(receiver.recv()), None);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn poll_recv_and_the_stream_wait_too() {
    let (sender, mut receiver) = mpsc::channel(2);
    let mut stream = receiver.clone();
    let mut waiting = ByHand::new(std::future::poll_fn(|cx| receiver.poll_recv(cx)));
    assert!(waiting.poll().is_pending() && waiting.poll().is_pending());
    sender.try_send(1).unwrap();
    assert_eq!(waiting.ready(), Some(1));
    // A receiver that was promised a value by `poll_recv` gives it back when it goes.
    let mut waiting = ByHand::waiting(std::future::poll_fn(|cx| receiver.poll_recv(cx)));
    sender.try_send(2).unwrap();
    assert!(waiting.woken());
    assert_eq!(waiting.poll(), Poll::Ready(Some(2)));
    drop(waiting);
    assert!(
        ByHand::new(std::future::poll_fn(|cx| receiver.poll_recv(cx)))
            .poll()
            .is_pending()
    );
    sender.try_send(3).unwrap();
    drop(receiver);
    assert_eq!(now(stream.next()), Some(3));
}

#[test]
fn an_unbounded_channel_never_makes_wait() {
    let many = rounds(10_000);
    let (sender, receiver) = mpsc::unbounded();
    for number in 0..many {
        sender.try_send(number).unwrap();
    }
    assert_eq!(receiver.len(), many);
    for number in 0..many {
        assert_eq!(receiver.try_recv(), Ok(number));
    }
}

#[test]
fn threads_can_block_on_both_ends() {
    let _limit = Limit::new();
    let many = if cfg!(miri) { 10 } else { 100 };
    let (sender, receiver) = mpsc::channel(1);
    let thread =
        thread::spawn(move || (0..many).try_for_each(|number| sender.blocking_send(number)));
    let received: Vec<_> = std::iter::from_fn(|| receiver.blocking_recv()).collect();
    assert_eq!(received, (0..many).collect::<Vec<_>>());
    assert_eq!(thread.join().unwrap(), Ok(()));
}

#[test]
fn a_thread_feeds_a_task() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let many = rounds(1000);
    let (sender, receiver) = mpsc::channel(4);
    let thread =
        thread::spawn(move || (0..many).try_for_each(|number| sender.blocking_send(number)));
    let sum = rt.block_on(async move { receiver.fold(0, async |sum, number| sum + number).await });
    assert_eq!(sum, (0..many).sum::<usize>());
    thread.join().unwrap().unwrap();
}

#[test]
#[cfg_attr(miri, ignore = "too many values for Miri")]
fn a_task_that_is_never_short_of_values_lets_others_run() {
    in_turn(async {
        let (sender, receiver) = mpsc::unbounded();
        (0..10_000).for_each(|number| sender.try_send(number).unwrap());
        let received = Count::new();
        let theirs = received.clone();
        let task = filch::spawn(async move {
            while receiver.recv().await.is_some() {
                theirs.add();
            }
        });
        until("it has begun", || received.get() > 0).await;
        assert!(received.get() < 10_000, "it was not interrupted");
        drop(sender);
        task.await.unwrap();
        assert_eq!(received.get(), 10_000);
    });
}
