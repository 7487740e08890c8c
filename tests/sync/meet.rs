//! Where tasks wait for each other: `Event`, `Condvar`, `Barrier`.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::sync::{Barrier, Condvar, Event, Mutex};
use std::sync::Arc;
use std::thread;

#[test]
fn an_event_lets_all_go_until_it_is_cleared() {
    let event = Event::new();
    let waiting: Vec<_> = (0..40).map(|_| ByHand::waiting(event.wait())).collect();
    let gives_up = ByHand::waiting(event.wait());
    drop(gives_up);
    event.set();
    event.set();
    assert!(event.is_set());
    now(event.wait());
    event.clear();
    // They were let go; whoever comes now was not.
    waiting.into_iter().for_each(ByHand::ready);
    let later = ByHand::waiting(event.wait());
    assert!(!later.woken());
    assert_eq!(format!("{event:?}"), "Event { set: false, waiting: 1 }");
}

#[test]
fn an_event_is_seen_by_threads_and_tasks() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    for _ in 0..rounds(300) {
        let event = Arc::new(Event::default());
        let (task, thread) = (event.clone(), event.clone());
        let task = rt.spawn(async move { task.wait().await });
        let thread = thread::spawn(move || thread.blocking_wait());
        event.set();
        task.join_blocking(None).unwrap().unwrap();
        thread.join().unwrap();
    }
}

#[test]
fn a_condition_is_waited_for_with_the_lock_given_back() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let waiting = ByHand::waiting(condvar.wait(now(mutex.lock())));
    let mut guard = mutex.try_lock().unwrap();
    *guard = 1;
    condvar.notify_one();
    assert!(waiting.woken());
    // It wants the lock now, which is held.
    let mut waiting = waiting;
    assert!(waiting.poll().is_pending());
    drop(guard);
    let guard = waiting.ready();
    assert_eq!(*guard, 1);
    assert!(mutex.try_lock().is_err());
}

#[test]
fn a_notification_without_a_waiter_is_gone() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    condvar.notify_one();
    condvar.notify_all();
    let waiting = ByHand::waiting(condvar.wait(now(mutex.lock())));
    assert!(!waiting.woken());
}

#[test]
fn notifications_come_in_turn_or_to_all() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let mut waiting: Vec<_> = (0..40)
        .map(|_| ByHand::waiting(condvar.wait(now(mutex.lock()))))
        .collect();
    condvar.notify_one();
    assert!(!waiting[1].woken());
    drop(waiting.remove(0).ready());
    assert_eq!(format!("{condvar:?}"), "Condvar { waiting: 39 }");
    condvar.notify_all();
    for waiting in waiting {
        drop(waiting.ready());
    }
}

#[test]
fn a_notified_waiter_that_gives_up_passes_it_on_and_leaves_the_lock_free() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let wait = || ByHand::waiting(condvar.wait(now(mutex.lock())));
    let (first, mut second, third) = (wait(), wait(), wait());
    condvar.notify_one();
    drop(first);
    assert!(second.woken());
    // This one gives up on its way back to the lock.
    let held = now(mutex.lock());
    assert!(second.poll().is_pending());
    drop(second);
    assert!(third.woken());
    drop(held);
    drop(third.output());
    drop(ByHand::new(condvar.wait(now(mutex.lock()))));
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_condition_that_does_not_hold_is_not_waited_for() {
    let (mutex, condvar) = (Mutex::new(3), Condvar::new());
    let guard = now(condvar.wait_while(now(mutex.lock()), |number| *number < 3));
    drop(guard);
    let mut waiting = ByHand::waiting(condvar.wait_while(now(mutex.lock()), |number| *number < 5));
    *now(mutex.lock()) = 4;
    condvar.notify_one();
    assert!(waiting.poll().is_pending());
    *now(mutex.lock()) = 5;
    condvar.notify_one();
    assert_eq!(*waiting.ready(), 5);
}

#[test]
fn a_queue_made_of_a_condition_loses_nothing() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let shared = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
    let items = rounds(500);
    let producer = shared.clone();
    let thread = thread::spawn(move || {
        for item in 0..2 * items {
            producer.0.blocking_lock().push(item);
            producer.1.notify_one();
        }
    });
    let consume = |_| {
        let shared = shared.clone();
        async move {
            let mut sum = 0;
            for _ in 0..items {
                let guard = shared.0.lock().await;
                let mut guard = shared.1.wait_while(guard, |items| items.is_empty()).await;
                sum += guard.pop().unwrap();
            }
            Ok::<_, ()>(sum)
        }
    };
    let consumers: Vec<_> = (0..2).map(consume).collect();
    let sums = rt.run(async { filch::gather(consumers).await });
    thread.join().unwrap();
    let sum: usize = sums.unwrap().iter().sum();
    assert_eq!(sum, (0..2 * items).sum::<usize>());
}

#[test]
fn a_barrier_opens_for_so_many_again_and_again() {
    let barrier = Barrier::new(20);
    for _ in 0..3 {
        let waiting: Vec<_> = (0..19).map(|_| ByHand::waiting(barrier.wait())).collect();
        assert_eq!(format!("{barrier:?}"), "Barrier { size: 20, arrived: 19 }");
        assert!(now(barrier.wait()).is_leader());
        for waiting in waiting {
            assert!(!waiting.ready().is_leader());
        }
    }
    for size in [0, 1] {
        assert!(now(Barrier::new(size).wait()).is_leader());
    }
}

#[test]
fn whoever_leaves_a_barrier_has_not_come() {
    let barrier = Barrier::new(3);
    let (first, second) = (
        ByHand::waiting(barrier.wait()),
        ByHand::waiting(barrier.wait()),
    );
    drop(first);
    let third = ByHand::waiting(barrier.wait());
    assert!(!second.woken());
    assert!(now(barrier.wait()).is_leader());
    second.ready();
    // One that was let go leaves nothing behind.
    drop(third);
    assert_eq!(format!("{barrier:?}"), "Barrier { size: 3, arrived: 0 }");
}

/// A waker of the first that goes on comes back while more than a section of others is still to be let go.
#[test]
fn whoever_comes_or_leaves_while_a_barrier_opens_is_counted_for_the_next_time() {
    use crate::common::hostile::Calls;
    use std::sync::Mutex as Slot;
    let barrier = Arc::new(Barrier::new(41));
    type Waiting = Option<ByHand<'static, filch::sync::BarrierWaitResult>>;
    let slot: Arc<Slot<(Waiting, Waiting)>> = Arc::default();
    let wait = || {
        let barrier = barrier.clone();
        ByHand::waiting(async move { barrier.wait().await })
    };
    let mut first = {
        let barrier = barrier.clone();
        ByHand::new(async move { barrier.wait().await })
    };
    let (again, theirs) = (barrier.clone(), slot.clone());
    let calls = Calls {
        woken: Box::new(move || {
            let mut slot = theirs.lock().unwrap();
            drop(slot.0.take());
            let barrier = again.clone();
            slot.1 = Some(ByHand::waiting(async move { barrier.wait().await }));
        }),
        ..Calls::nothing()
    };
    assert!(first.poll_with(&calls.waker()).is_pending());
    let others: Vec<_> = (0..38).map(|_| wait()).collect();
    slot.lock().unwrap().0 = Some(wait());
    assert!(now(barrier.wait()).is_leader());
    for other in others {
        other.ready();
    }
    first.output();
    assert_eq!(format!("{barrier:?}"), "Barrier { size: 41, arrived: 1 }");
}

#[test]
fn a_barrier_holds_tasks_and_threads_together() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let (barrier, count) = (Arc::new(Barrier::new(3)), Count::new());
    let passes = rounds(300);
    let theirs = barrier.clone();
    let thread = thread::spawn(move || {
        (0..passes)
            .filter(|_| theirs.blocking_wait().is_leader())
            .count()
    });
    let tasks: Vec<_> = (0..2)
        .map(|_| {
            let (barrier, count) = (barrier.clone(), count.clone());
            rt.spawn(async move {
                for _ in 0..passes {
                    if barrier.wait().await.is_leader() {
                        count.add();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.join_blocking(None).unwrap().unwrap();
    }
    assert_eq!(thread.join().unwrap() + count.get(), passes);
}

#[test]
fn whoever_waits_at_a_barrier_that_is_aborted_is_told_and_so_is_who_comes_later() {
    let barrier = Barrier::new(60);
    let waiting: Vec<_> = (0..50)
        .map(|_| ByHand::waiting(barrier.wait_unless_broken()))
        .collect();
    assert_eq!((barrier.parties(), barrier.waiting()), (60, 50));
    barrier.abort();
    for waiting in waiting {
        waiting.ready().unwrap_err();
    }
    assert!(barrier.is_broken());
    assert_eq!(
        format!("{barrier:?}"),
        "Barrier { size: 60, arrived: 0, broken: true }"
    );
    now(barrier.wait_unless_broken()).unwrap_err();
    barrier.reset();
    assert!(!barrier.is_broken());
    let waiting: Vec<_> = (0..59)
        .map(|_| ByHand::waiting(barrier.wait_unless_broken()))
        .collect();
    assert!(now(barrier.wait_unless_broken()).unwrap().is_leader());
    for waiting in waiting {
        assert!(!waiting.ready().unwrap().is_leader());
    }
}

#[test]
fn a_reset_sends_away_who_waits_and_nobody_who_was_released() {
    let barrier = Barrier::new(2);
    let first = ByHand::waiting(barrier.wait_unless_broken());
    assert!(now(barrier.wait_unless_broken()).is_ok());
    let second = ByHand::waiting(barrier.wait_unless_broken());
    barrier.reset();
    first.ready().unwrap();
    second.ready().unwrap_err();
    // One that was sent away and is dropped has not come.
    let third = ByHand::waiting(barrier.wait_unless_broken());
    barrier.reset();
    drop(third);
    let fourth = ByHand::waiting(barrier.wait_unless_broken());
    assert_eq!(barrier.waiting(), 1);
    now(barrier.wait_unless_broken()).unwrap();
    fourth.ready().unwrap();
}

#[test]
#[should_panic = "the barrier was aborted"]
fn a_plain_wait_at_a_broken_barrier_panics() {
    let barrier = Barrier::new(2);
    barrier.abort();
    now(barrier.wait());
}
