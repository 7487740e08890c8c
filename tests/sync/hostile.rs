//! Wakers and values that come back to the primitive which touches them, or panic when they are dropped: nobody waits
//! for ever, and what else was there goes its way.

use crate::by_hand::{ByHand, now};
use crate::common::hostile::{Calls, Throws, let_go};
use crate::common::*;
use filch::sync::{
    Barrier, Condvar, DelayQueue, Event, Mutex, Notify, Queue, Semaphore, broadcast, mpsc, oneshot,
    watch,
};
use std::future::Future;
use std::sync::Arc;

/// For closures that outlive the test.
fn leak<T>(value: T) -> &'static T {
    keep(value)
}

/// Waits with wakers that do the same at every touch: clone, replacement, wake, and the drop of a wait that is given
/// up.
fn wait_with<T, F>(wait: impl Fn() -> F, calls: impl Fn() -> Calls, give: impl FnOnce()) -> T
where
    F: Future<Output = T> + Send + 'static,
{
    let wakers = [calls().waker(), calls().waker()];
    let mut given_up = ByHand::new(wait());
    let mut waiting = ByHand::new(wait());
    for waker in &wakers {
        assert!(given_up.poll_with(waker).is_pending());
        assert!(waiting.poll_with(waker).is_pending());
    }
    drop(given_up);
    give();
    let output = waiting.output();
    wakers.into_iter().for_each(let_go);
    output
}

/// Once with wakers that use the primitive by `touch`, once with wakers that panic.
fn hostile<T, F>(
    wait: impl Fn() -> F,
    touch: impl Fn() + Clone + Send + Sync + 'static,
    give: impl Fn(),
) -> [T; 2]
where
    F: Future<Output = T> + Send + 'static,
{
    let _limit = Limit::new();
    let comes_back = wait_with(&wait, || Calls::always(touch.clone()), &give);
    [comes_back, wait_with(&wait, Calls::throwing, &give)]
}

#[test]
fn a_notifys_wakers_may_use_it() {
    let notify = leak(Notify::new());
    let wait = || notify.notified();
    let touch = || assert!(ByHand::new(notify.notified()).poll().is_pending());
    hostile(wait, touch, || notify.notify_one());
    hostile(wait, touch, || notify.notify_waiters());
}

/// As a console that traces every clone of a waker does.
#[test]
fn a_notification_from_within_a_waiters_clone_reaches_it() {
    let _limit = Limit::new();
    let notify = leak(Notify::new());
    let calls = Calls {
        cloned: Box::new(|| notify.notify_one()),
        ..Calls::nothing()
    };
    let waker = calls.waker();
    assert!(ByHand::new(notify.notified()).poll_with(&waker).is_ready());
}

#[test]
fn a_semaphores_wakers_may_use_it() {
    let semaphore = leak(Semaphore::new(0));
    let wait = || semaphore.acquire();
    let touch = || assert!(semaphore.try_acquire().is_err());
    let permits = hostile(wait, touch, || semaphore.add_permits(1));
    permits
        .into_iter()
        .for_each(|permit| permit.unwrap().forget());
    assert_eq!(semaphore.available_permits(), 0);
    let wait = || semaphore.acquire_many(2);
    wait_with(wait, || Calls::always(touch), || semaphore.close()).unwrap_err();
}

#[test]
fn a_mutexs_wakers_may_use_it() {
    let mutex = leak(Mutex::new(0));
    let touch = || drop(mutex.try_lock());
    let calls: [&dyn Fn() -> Calls; 2] = [&|| Calls::always(touch), &Calls::throwing];
    for calls in calls {
        let guard = now(mutex.lock());
        let _limit = Limit::new();
        *wait_with(|| mutex.lock(), calls, || drop(guard)) += 1;
    }
    assert_eq!(*now(mutex.lock()), 2);
}

#[test]
fn the_wakers_of_events_conditions_and_barriers_may_use_them() {
    let event = leak(Event::new());
    let touch = || assert!(ByHand::new(event.wait()).poll().is_pending() != event.is_set());
    let set = || {
        event.set();
        event.clear();
    };
    hostile(|| event.wait(), touch, set);
    let (mutex, condvar) = leak((Mutex::new(0), Condvar::new()));
    let touch = || {
        if let Ok(guard) = mutex.try_lock() {
            assert!(ByHand::new(condvar.wait(guard)).poll().is_pending());
        }
    };
    let wait = || async { drop(condvar.wait(mutex.lock().await).await) };
    hostile(wait, touch, || condvar.notify_one());
    hostile(wait, touch, || condvar.notify_all());
    let barrier = leak(Barrier::new(5));
    let touch = || assert!(ByHand::new(barrier.wait()).poll().is_pending());
    let led = hostile(
        || barrier.wait(),
        touch,
        || {
            let others = [(); 3].map(|()| ByHand::waiting(barrier.wait()));
            assert!(now(barrier.wait()).is_leader());
            for other in others {
                other.ready();
            }
        },
    );
    assert!(led.iter().all(|result| !result.is_leader()));
}

#[test]
fn a_channels_wakers_may_use_it() {
    let (sender, receiver) = mpsc::channel(1);
    let (sender, receiver) = (leak(sender), leak(receiver));
    let touch = || assert!(receiver.len() + sender.capacity() <= 1);
    let received = hostile(|| receiver.recv(), touch, || sender.try_send(1).unwrap());
    assert_eq!(received, [Some(1), Some(1)]);
    sender.try_send(2).unwrap();
    let sent = hostile(
        || sender.send(3),
        touch,
        || {
            assert!(receiver.try_recv().is_ok());
        },
    );
    assert_eq!(sent, [Ok(()), Ok(())]);
    let calls = || Calls::always(touch);
    wait_with(|| sender.closed(), calls, || receiver.close());
}

#[test]
fn a_oneshots_wakers_may_use_it() {
    let _limit = Limit::new();
    let (sender, receiver) = oneshot::channel();
    let sender = leak(std::sync::Mutex::new(Some(sender)));
    let touch = || {
        if let Ok(sender) = sender.try_lock()
            && let Some(sender) = &*sender
        {
            assert!(!sender.is_closed());
        }
    };
    let wakers = [Calls::always(touch).waker(), Calls::throwing().waker()];
    let mut receiving = ByHand::new(receiver);
    for waker in wakers.iter().chain(&wakers) {
        assert!(receiving.poll_with(waker).is_pending());
    }
    let end = lock(sender).take().unwrap();
    assert!(end.send(1).is_ok());
    assert_eq!(receiving.output(), Ok(1));

    let (mut end, receiver) = oneshot::channel::<u8>();
    let mut closing = ByHand::new(async move { end.closed().await });
    for waker in wakers.iter().chain(&wakers) {
        assert!(closing.poll_with(waker).is_pending());
    }
    drop(receiver);
    closing.output();
    wakers.into_iter().for_each(let_go);
}

#[test]
fn ends_that_leave_with_a_waker_that_panics_harm_nobody() {
    let (mut sender, mut receiver) = oneshot::channel::<u8>();
    let waker = Calls::throwing().waker();
    let mut cx = std::task::Context::from_waker(&waker);
    assert!(sender.poll_closed(&mut cx).is_pending());
    assert!(std::pin::Pin::new(&mut receiver).poll(&mut cx).is_pending());
    sender.send(1).unwrap();
    drop(receiver);
    let (mut sender, mut receiver) = oneshot::channel::<u8>();
    assert!(sender.poll_closed(&mut cx).is_pending());
    assert!(std::pin::Pin::new(&mut receiver).poll(&mut cx).is_pending());
    drop((receiver, sender));
    let_go(waker);
}

/// Counts its drop, which panics, or comes back to its channel.
struct Value(Count, Option<mpsc::Sender<Value>>);

impl Drop for Value {
    fn drop(&mut self) {
        self.0.add();
        if let Some(sender) = &self.1 {
            assert!(sender.is_closed() && sender.capacity() <= 8);
        }
        let _throws = Throws;
    }
}

#[test]
fn all_values_that_nobody_received_are_dropped_whatever_each_does() {
    let _limit = Limit::new();
    for bound in [None, Some(8)] {
        let (sender, receiver) = match bound {
            Some(bound) => mpsc::channel(bound),
            None => mpsc::unbounded(),
        };
        let dropped = Count::new();
        for number in 0..3 {
            let again = (bound.is_some() && number == 1).then(|| sender.clone());
            assert!(sender.try_send(Value(dropped.clone(), again)).is_ok());
        }
        drop(receiver);
        assert_eq!(dropped.get(), 3, "with {bound:?}");
    }
}

#[test]
fn they_are_dropped_in_a_panic_too() {
    let (sender, receiver) = mpsc::unbounded();
    let dropped = Count::new();
    (0..3).for_each(|_| assert!(sender.try_send(Value(dropped.clone(), None)).is_ok()));
    let text = panics(|| {
        let _receiver = receiver;
        panic!("with the receiver at hand");
    });
    assert_eq!(
        (text.as_str(), dropped.get()),
        ("with the receiver at hand", 3)
    );
}

#[test]
fn a_oneshots_value_that_panics_ends_there() {
    let (sender, receiver) = oneshot::channel();
    let dropped = Count::new();
    assert!(sender.send(Value(dropped.clone(), None)).is_ok());
    drop(receiver);
    assert_eq!(dropped.get(), 1);
}

#[test]
fn what_comes_back_to_a_semaphore_always_fits() {
    let semaphore = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
    let two = semaphore.try_acquire_many(2).unwrap();
    let text = panics(|| semaphore.add_permits(2));
    assert!(text.contains("those that are out included"), "{text}");
    drop(two);
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
    assert_eq!(semaphore.forget_permits(3), 3);
    semaphore.clone().try_acquire_owned().unwrap().forget();
    semaphore.add_permits(4);
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
    panics(|| semaphore.add_permits(usize::MAX));
}

#[test]
fn the_wakers_of_those_who_reserve_may_use_the_channel() {
    let (sender, receiver) = mpsc::channel(2);
    let (sender, receiver) = (leak(sender), leak(receiver));
    let touch = || assert!(receiver.len() + sender.capacity() <= 2);
    let fill = || {
        for permit in sender.try_reserve_many(2).into_iter().flatten() {
            permit.send(1);
        }
    };
    let take = || while receiver.try_recv().is_ok() {};
    let many = || {
        fill();
        async { sender.reserve_many(2).await.map(drop) }
    };
    assert_eq!(hostile(many, touch, take), [Ok(()), Ok(())]);
    let one = || {
        fill();
        async { sender.reserve().await.map(drop) }
    };
    assert_eq!(hostile(one, touch, take), [Ok(()), Ok(())]);
    let receive = || async { receiver.recv_many(&mut Vec::new(), 1).await };
    let send = || sender.try_reserve().unwrap().send(1);
    assert_eq!(hostile(receive, touch, send), [1, 1]);
    // A permit that ends lets those go on who wait for the end.
    let closing = leak(mpsc::channel::<u8>(1));
    let permit = std::cell::Cell::new(Some(closing.0.try_reserve().unwrap()));
    closing.1.close();
    let touch = || assert!(closing.1.try_recv().is_err());
    let calls = || Calls::always(touch);
    let ended = wait_with(|| closing.1.recv(), calls, || drop(permit.take()));
    assert!(ended.is_none());
    // Without a receiver a value is dropped where it is sent.
    let (sender, receiver) = mpsc::channel(1);
    let permit = sender.try_reserve().unwrap();
    drop(receiver);
    permit.send(Throws);
}

#[test]
fn the_wakers_of_broadcasts_and_watches_may_use_them() {
    let (sender, receiver) = broadcast::channel(2);
    let sender = leak(sender);
    let touch = || assert!(sender.receiver_count() > 0 && sender.len() < 9);
    let wait = || {
        let mut receiver = receiver.resubscribe();
        async move { receiver.recv().await }
    };
    let got = hostile(wait, touch, || assert!(sender.send(1).is_ok()));
    assert_eq!(got, [Ok(1), Ok(1)]);
    let alone = leak(broadcast::Sender::<u8>::new(1));
    let touch = || assert!(alone.strong_count() == 1);
    for throws in [false, true] {
        let receiver = alone.subscribe();
        let calls = || match throws {
            true => Calls::throwing(),
            false => Calls::always(touch),
        };
        wait_with(|| alone.closed(), calls, || drop(receiver));
    }
    let (sender, _receiver) = watch::channel(1);
    let sender = leak(sender);
    let touch = || assert!(sender.receiver_count() > 0 && *sender.borrow() > 0);
    let wait = || {
        let mut receiver = sender.subscribe();
        async move { receiver.changed().await }
    };
    let seen = hostile(wait, touch, || sender.send(2).unwrap());
    assert_eq!(seen, [Ok(()), Ok(())]);
    let alone = leak(watch::Sender::new(1));
    for _ in 0..2 {
        let receiver = alone.subscribe();
        wait_with(|| alone.closed(), Calls::throwing, || drop(receiver));
    }
}

#[test]
fn values_that_throw_end_where_a_broadcast_or_a_watch_drops_them() {
    #[derive(Clone)]
    struct Thrower(#[allow(dead_code, reason = "it is dropped")] Arc<Throws>);
    let new = || Thrower(Arc::new(Throws));
    let (sender, receiver) = broadcast::channel(1);
    for _ in 0..3 {
        assert!(sender.send(new()).is_ok());
    }
    drop(receiver);
    let (sender, receiver) = watch::channel(new());
    assert!(sender.send(new()).is_ok());
    // Their drops would throw here.
    leak(sender.send_replace(new()));
    leak((sender, receiver));
    let queue = Queue::unbounded();
    for _ in 0..3 {
        assert!(queue.try_put(new()).is_ok());
    }
    queue.close_now();
    now(queue.join());
}

#[test]
fn a_queues_wakers_may_use_it() {
    let queue = leak(Queue::bounded(1));
    let touch = || assert!(queue.len() < 2);
    let got = hostile(|| queue.get(), touch, || queue.try_put(1).unwrap());
    assert_eq!(got, [Ok(1), Ok(1)]);
    let put = || {
        let full = queue.try_put(2).is_ok();
        queue.put(if full { 3 } else { 4 })
    };
    let put = hostile(put, touch, || assert!(queue.try_get().is_ok()));
    assert_eq!(put, [Ok(()), Ok(())]);
    let join = || {
        let _ = queue.try_put(5);
        queue.join()
    };
    let done = || {
        let _ = queue.try_get();
        while catch_done(queue) {}
    };
    hostile(join, touch, done);
}

/// The work is done, on whatever it was.
fn catch_done(queue: &Queue<i32>) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| queue.task_done())).is_ok()
}

#[test]
fn a_delayed_queues_waker_may_throw() {
    let mut queue = DelayQueue::new();
    let waker = Calls::throwing().waker();
    let mut cx = std::task::Context::from_waker(&waker);
    assert!(queue.poll_expired(&mut cx).is_ready());
    queue.insert(1, std::time::Duration::ZERO);
    assert_eq!(queue.len(), 1);
    let_go(waker);
}
