//! The queues that all share: order, turns, the end of the work, closing; and the one with delays.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::stream::StreamExt;
use filch::sync::{Closed, DelayQueue, LifoQueue, PriorityQueue, Queue, SendError};
use filch::sync::{TryRecvError, TrySendError};
use filch::time::Instant;
use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[test]
fn things_come_out_in_their_order() {
    let (fifo, lifo) = (Queue::unbounded(), LifoQueue::unbounded());
    let (lowest, highest) = (PriorityQueue::unbounded(), PriorityQueue::unbounded());
    for number in [2, 3, 1] {
        fifo.try_put(number).unwrap();
        lifo.try_put(number).unwrap();
        lowest.try_put(number).unwrap();
        highest.try_put(Reverse(number)).unwrap();
    }
    assert_eq!([(); 3].map(|()| fifo.try_get().unwrap()), [2, 3, 1]);
    assert_eq!([(); 3].map(|()| lifo.try_get().unwrap()), [1, 3, 2]);
    assert_eq!([(); 3].map(|()| lowest.try_get().unwrap()), [1, 2, 3]);
    assert_eq!([(); 3].map(|()| highest.try_get().unwrap().0), [3, 2, 1]);
    assert_eq!(fifo.try_get(), Err(TryRecvError::Empty));
}

#[filch::test]
async fn what_is_delayed_for_ever_never_comes_and_holds_nothing_up() {
    let mut queue = DelayQueue::new();
    let never = queue.insert("never", Duration::MAX);
    let now = queue.insert("now", Duration::MAX);
    queue.reset(&now, Duration::ZERO);
    assert_eq!(queue.next().await.unwrap().into_inner(), "now");
    assert_eq!(queue.remove(&never).into_inner(), "never");
}

#[test]
fn equal_things_keep_their_order() {
    struct Job(u8, u8);
    impl PartialEq for Job {
        fn eq(&self, other: &Job) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Job {}
    impl PartialOrd for Job {
        fn partial_cmp(&self, other: &Job) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Job {
        fn cmp(&self, other: &Job) -> std::cmp::Ordering {
            self.0.cmp(&other.0)
        }
    }
    let queue = PriorityQueue::bounded(20);
    for number in 0..20 {
        queue.try_put(Job(number % 2, number)).ok().unwrap();
    }
    let order: Vec<_> = (0..20).map(|_| queue.try_get().ok().unwrap().1).collect();
    let expected: Vec<_> = (0..20).step_by(2).chain((1..20).step_by(2)).collect();
    assert_eq!(order, expected);
}

#[test]
fn whoever_waits_is_served_in_turn() {
    let queue = Queue::bounded(1);
    let (first, second) = (ByHand::waiting(queue.get()), ByHand::waiting(queue.get()));
    queue.try_put(1).unwrap();
    // It is promised to the first, though that has not run.
    assert_eq!(queue.try_get(), Err(TryRecvError::Empty));
    assert!(!second.woken());
    assert!(queue.is_full());
    let (third, fourth) = (ByHand::waiting(queue.put(2)), ByHand::waiting(queue.put(3)));
    assert_eq!(first.ready(), Ok(1));
    assert_eq!(queue.try_put(9), Err(TrySendError::Full(9)));
    assert!(!fourth.woken());
    third.ready().unwrap();
    assert_eq!(second.ready(), Ok(2));
    fourth.ready().unwrap();
    assert_eq!((queue.try_get(), queue.capacity()), (Ok(3), Some(1)));
}

#[test]
fn whoever_gives_up_passes_its_turn_on() {
    let queue = Queue::bounded(1);
    let [first, second, third] = [(); 3].map(|()| ByHand::waiting(queue.get()));
    queue.try_put(1).unwrap();
    assert!(first.woken());
    drop((second, first));
    assert_eq!(third.ready(), Ok(1));
    queue.try_put(2).unwrap();
    let [first, second, third] = [3, 4, 5].map(|number| ByHand::waiting(queue.put(number)));
    assert_eq!(queue.try_get(), Ok(2));
    assert!(first.woken());
    drop((second, first));
    third.ready().unwrap();
    assert_eq!(queue.try_get(), Ok(5));
}

#[test]
fn the_work_is_done_when_each_thing_is() {
    let queue = Queue::unbounded();
    now(queue.join());
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    let joining: Vec<_> = (0..20).map(|_| ByHand::waiting(queue.join())).collect();
    drop(ByHand::waiting(queue.join()));
    assert_eq!([queue.try_get(), queue.try_get()], [Ok(1), Ok(2)]);
    queue.task_done();
    assert!(!joining[0].woken() && queue.is_empty());
    queue.task_done();
    joining.into_iter().for_each(ByHand::ready);
    assert!(catch_unwind(AssertUnwindSafe(|| queue.task_done())).is_err());
    assert_eq!(
        format!("{queue:?}"),
        "Queue { queued: 0, unfinished: 0, closed: false }"
    );
}

#[test]
fn a_closed_queue_gives_out_what_is_in_it() {
    let queue = Queue::bounded(2);
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    let putting = ByHand::waiting(queue.put(3));
    queue.close();
    assert_eq!(putting.ready(), Err(SendError(3)));
    assert_eq!(queue.try_put(4), Err(TrySendError::Closed(4)));
    assert_eq!(now(queue.put(5)), Err(SendError(5)));
    assert_eq!([now(queue.get()), now(queue.get())], [Ok(1), Ok(2)]);
    assert_eq!(now(queue.get()), Err(Closed));
    assert_eq!(queue.try_get(), Err(TryRecvError::Closed));
    assert!(queue.is_closed());
}

#[test]
fn whoever_waits_for_a_thing_learns_of_the_end() {
    let queue = Queue::<u8>::unbounded();
    let waiting: Vec<_> = (0..20).map(|_| ByHand::waiting(queue.get())).collect();
    queue.close();
    for waiting in waiting {
        assert_eq!(waiting.ready(), Err(Closed));
    }
    // The last thing is promised: the others wait for what becomes of it.
    for gives_up in [false, true] {
        let queue = Queue::unbounded();
        let (first, second) = (ByHand::waiting(queue.get()), ByHand::waiting(queue.get()));
        queue.try_put(1).unwrap();
        queue.close();
        let expected = if gives_up {
            drop(first);
            Ok(1)
        } else {
            assert_eq!(first.ready(), Ok(1));
            Err(Closed)
        };
        assert_eq!(second.ready(), expected);
    }
}

#[test]
fn a_queue_that_is_closed_now_drops_what_is_in_it_and_its_work_is_done() {
    let queue = Queue::unbounded();
    let value = Arc::new(());
    for _ in 0..3 {
        queue.try_put(value.clone()).unwrap();
    }
    drop(queue.try_get().unwrap());
    let joining = ByHand::waiting(queue.join());
    queue.close_now();
    assert_eq!((Arc::strong_count(&value), queue.len()), (1, 0));
    assert!(!joining.woken());
    queue.task_done();
    joining.ready();
    // What was promised is gone too.
    let queue = Queue::unbounded();
    let waiting = ByHand::waiting(queue.get());
    queue.try_put(value.clone()).unwrap();
    queue.close_now();
    assert_eq!(waiting.ready(), Err(Closed));
    now(queue.join());
}

#[test]
fn tasks_and_threads_lose_nothing_and_the_work_ends() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let things = rounds(1000);
    let (queue, sum) = (Arc::new(PriorityQueue::bounded(8)), Count::new());
    let theirs = queue.clone();
    let thread = thread::spawn(move || {
        (0..things).for_each(|number| theirs.blocking_put(number).unwrap());
    });
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let (queue, sum) = (queue.clone(), sum.clone());
            rt.spawn(async move {
                while let Ok(number) = queue.get().await {
                    for _ in 0..number % 3 {
                        sum.add();
                    }
                    queue.task_done();
                }
            })
        })
        .collect();
    for number in 0..things {
        let queue = queue.clone();
        drop(rt.spawn(async move { queue.put(number).await }));
    }
    thread.join().unwrap();
    while !queue.is_empty() || sum.get() < 2 * (0..things).map(|number| number % 3).sum::<usize>() {
        queue.blocking_join();
        thread::yield_now();
    }
    queue.close();
    for worker in workers {
        worker.join_blocking(None).unwrap().unwrap();
    }
    assert_eq!(queue.blocking_get(), Err(Closed));
}

#[filch::test]
async fn delayed_things_come_out_in_the_order_of_their_times() {
    let mut queue = DelayQueue::new();
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let late = queue.insert_at("late", at(3));
    queue.insert_at("early", at(1));
    queue.insert_at("early too", at(1));
    let never = queue.insert("never", Duration::from_secs(3600));
    let moved = queue.insert("moved", Duration::from_secs(3600));
    queue.reset_at(&moved, at(2));
    assert_eq!((queue.len(), queue.deadline(&late)), (5, Some(at(3))));
    assert_eq!(queue.remove(&never).into_inner(), "never");
    assert!(queue.try_remove(&never).is_none());
    assert!(catch_unwind(AssertUnwindSafe(|| queue.remove(&never))).is_err());
    let mut out = Vec::new();
    while let Some(expired) = queue.next().await {
        assert!(Instant::now() >= expired.deadline());
        out.push(*expired.get_ref());
    }
    assert_eq!(out, ["early", "early too", "moved", "late"]);
    assert!(queue.is_empty() && queue.peek().is_none());
    queue.insert("again", Duration::ZERO);
    assert_eq!(queue.next().await.unwrap().into_inner(), "again");
    queue.insert("dropped", Duration::ZERO);
    queue.clear();
    assert!(queue.next().await.is_none());
}

#[filch::test]
async fn whoever_waits_for_a_delayed_thing_learns_of_an_earlier_one() {
    let queue = Arc::new(std::sync::Mutex::new(DelayQueue::new()));
    queue
        .lock()
        .unwrap()
        .insert("late", Duration::from_secs(3600));
    let theirs = queue.clone();
    let (begun, begins) = filch::sync::oneshot::channel();
    let task = filch::spawn(async move {
        let mut begun = Some(begun);
        std::future::poll_fn(|cx| {
            let polled = theirs.lock().unwrap().poll_expired(cx);
            begun.take().map(|begun| begun.send(()));
            polled
        })
        .await
    });
    begins.await.unwrap();
    queue.lock().unwrap().insert("early", Duration::ZERO);
    assert_eq!(task.await.unwrap().unwrap().into_inner(), "early");
}
