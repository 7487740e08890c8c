//! The broadcast channel: who gets what, who lags, who closes, and when values are dropped.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::sync::broadcast::{self, RecvError, TryRecvError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[test]
fn every_receiver_gets_every_value() {
    let (sender, mut first) = broadcast::channel(4);
    let mut second = sender.subscribe();
    assert_eq!(first.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.send("a"), Ok(2));
    let mut third = first.resubscribe();
    assert_eq!(sender.send("b"), Ok(3));
    assert_eq!((first.len(), third.len(), sender.len()), (2, 1, 2));
    assert_eq!([now(first.recv()), now(first.recv())], [Ok("a"), Ok("b")]);
    assert_eq!([second.try_recv(), second.try_recv()], [Ok("a"), Ok("b")]);
    assert_eq!((third.try_recv(), sender.len()), (Ok("b"), 0));
    assert!(first.is_empty() && sender.is_empty() && first.same_channel(&third));
}

#[test]
fn all_who_wait_are_woken() {
    let (sender, receiver) = broadcast::channel(2);
    let mut receivers: Vec<_> = (0..40).map(|_| receiver.resubscribe()).collect();
    let waiting: Vec<_> = receivers
        .iter_mut()
        .map(|receiver| ByHand::waiting(receiver.recv()))
        .collect();
    sender.send(1).unwrap();
    for waiting in waiting {
        assert_eq!(waiting.ready(), Ok(1));
    }
    let given_up = ByHand::waiting(receivers[0].recv());
    drop(given_up);
    sender.send(2).unwrap();
    assert_eq!(receivers[0].try_recv(), Ok(2));
}

#[test]
fn a_receiver_that_lags_is_told_how_far_and_goes_on_with_the_oldest() {
    let (sender, mut receiver) = broadcast::channel(3);
    let mut other = sender.subscribe();
    // Four are kept: the capacity is rounded up.
    for number in 0..4 {
        sender.send(number).unwrap();
    }
    assert_eq!((other.try_recv(), receiver.len()), (Ok(0), 4));
    for number in 4..7 {
        sender.send(number).unwrap();
    }
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(3)));
    assert_eq!((receiver.len(), receiver.try_recv()), (4, Ok(3)));
    for number in 7..9 {
        sender.send(number).unwrap();
    }
    assert_eq!(now(receiver.recv()), Err(RecvError::Lagged(1)));
    assert_eq!(now(other.recv()), Err(RecvError::Lagged(4)));
    drop(sender);
    for number in 5..9 {
        assert_eq!(now(receiver.recv()), Ok(number));
    }
    assert_eq!(now(receiver.recv()), Err(RecvError::Closed));
    assert!(RecvError::Lagged(4).to_string().starts_with("4 values"));
}

#[test]
fn one_place_is_enough() {
    let (sender, mut receiver) = broadcast::channel(1);
    for number in 0..3 {
        sender.send(number).unwrap();
    }
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(2)));
    assert_eq!(receiver.try_recv(), Ok(2));
    for capacity in [0, usize::MAX] {
        assert!(catch_unwind(|| broadcast::channel::<u8>(capacity)).is_err());
    }
}

#[test]
fn the_end_of_the_senders_is_the_receivers() {
    let (sender, mut receiver) = broadcast::channel::<u8>(2);
    let weak = sender.downgrade();
    let another = weak.upgrade().unwrap();
    assert_eq!((sender.strong_count(), weak.clone().weak_count()), (2, 2));
    assert!(another.same_channel(&sender));
    assert_eq!((weak.strong_count(), receiver.sender_weak_count()), (2, 1));
    drop(sender);
    let waiting = ByHand::waiting(receiver.recv());
    assert!(!waiting.woken());
    drop(another);
    assert_eq!(waiting.ready(), Err(RecvError::Closed));
    assert!(weak.upgrade().is_none() && receiver.is_closed());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(now(receiver.resubscribe().recv()), Err(RecvError::Closed));
}

#[test]
fn without_receivers_nothing_is_sent_until_there_is_one() {
    let (sender, receiver) = broadcast::channel(2);
    let closed = ByHand::waiting(sender.closed());
    drop(ByHand::waiting(sender.closed()));
    drop(receiver);
    closed.ready();
    assert_eq!(sender.send(1).unwrap_err().0, 1);
    let mut receiver = sender.subscribe();
    assert_eq!((sender.send(2), receiver.try_recv()), (Ok(1), Ok(2)));
    assert_eq!(sender.receiver_count(), 1);
    drop(receiver);
    now(sender.closed());
}

#[test]
fn a_value_is_dropped_when_the_last_receiver_has_it_or_goes() {
    let (sender, mut first) = broadcast::channel(4);
    let mut second = sender.subscribe();
    let value = Arc::new(());
    for _ in 0..3 {
        sender.send(value.clone()).unwrap();
    }
    drop(first.try_recv().unwrap());
    assert_eq!(Arc::strong_count(&value), 4);
    drop(second.try_recv().unwrap());
    assert_eq!(Arc::strong_count(&value), 3);
    drop(first);
    assert_eq!(Arc::strong_count(&value), 3);
    drop(second);
    assert_eq!(Arc::strong_count(&value), 1);
}

/// Not `Clone` for long.
#[derive(Debug)]
struct Fragile(u8);

impl Clone for Fragile {
    fn clone(&self) -> Fragile {
        assert_ne!(self.0, 1, "this one cannot be cloned");
        Fragile(self.0)
    }
}

#[test]
fn a_panic_in_a_clone_loses_that_value_only() {
    let (sender, mut receiver) = broadcast::channel(4);
    let mut last = sender.subscribe();
    for number in 0..3 {
        sender.send(Fragile(number)).unwrap();
    }
    assert_eq!(receiver.try_recv().unwrap().0, 0);
    assert!(catch_unwind(AssertUnwindSafe(|| receiver.try_recv())).is_err());
    assert_eq!(receiver.try_recv().unwrap().0, 2);
    // The last one gets the values themselves.
    assert_eq!([0; 3].map(|_| last.try_recv().unwrap().0), [0, 1, 2]);
}

#[test]
fn a_clone_may_use_the_channel() {
    static CLONES: AtomicUsize = AtomicUsize::new(0);
    struct Nested(broadcast::Sender<Nested>);
    impl Clone for Nested {
        fn clone(&self) -> Nested {
            if CLONES.fetch_add(1, Ordering::Relaxed) == 0 {
                assert!(self.0.send(Nested(self.0.clone())).is_ok());
            }
            Nested(self.0.clone())
        }
    }
    let (sender, mut first) = broadcast::channel(2);
    let mut second = sender.subscribe();
    assert!(sender.send(Nested(sender.clone())).is_ok());
    assert!(first.try_recv().is_ok() && first.try_recv().is_ok());
    assert!(second.try_recv().is_ok());
    drop((first, second));
}

#[test]
fn tasks_and_threads_get_all_in_order() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let values = rounds(2000);
    let (sender, receiver) = broadcast::channel(16 * 1024);
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let mut receiver = receiver.resubscribe();
            rt.spawn(async move {
                let mut expected = [0; 2];
                while let Ok((from, number)) = receiver.recv().await {
                    assert_eq!(expected[from], number);
                    expected[from] += 1;
                }
                expected
            })
        })
        .collect();
    let mut blocking = receiver;
    let thread = thread::spawn(move || {
        let mut count = 0;
        while blocking.blocking_recv().is_ok() {
            count += 1;
        }
        count
    });
    for from in 0..2 {
        let sender = sender.clone();
        drop(rt.spawn(async move {
            for number in 0..values {
                sender.send((from, number)).unwrap();
                filch::task::consume_budget().await;
            }
        }));
    }
    drop(sender);
    for task in tasks {
        assert_eq!(task.join_blocking(None).unwrap().unwrap(), [values; 2]);
    }
    assert_eq!(thread.join().unwrap(), 2 * values);
}
