//! Wakers that panic: nobody else loses a wake, a value or a turn by it, and nothing stays locked.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::sync::{Mutex, Notify, Semaphore, SemaphorePermit, mpsc, oneshot};
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{RawWakerVTable, Wake, Waker};

/// Panics when it is woken, and once more when what it threw is dropped.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Bomb>) {
        // What is thrown last has no size, as it is forgotten: so nothing leaks.
        std::panic::panic_any(OnDrop(|| std::panic::panic_any(())));
    }
}

/// A future that waits with such a waker.
#[track_caller]
fn bomb<'a, T>(future: impl Future<Output = T> + Send + 'a) -> ByHand<'a, T> {
    let mut waiting = ByHand::new(future);
    let polled = waiting.poll_with(&Waker::from(Arc::new(Bomb)));
    assert!(polled.is_pending(), "it does not wait");
    waiting
}

/// More than are woken per section, with bombs among them: at the beginning, at the end of a batch, and two in a row.
fn crowd<'a, T, F>(wait: impl Fn() -> F) -> (Vec<ByHand<'a, T>>, Vec<ByHand<'a, T>>)
where
    F: Future<Output = T> + Send + 'a,
{
    let (mut waiting, mut bombs) = (Vec::new(), Vec::new());
    for place in 0..40 {
        match place {
            0 | 7 | 8 | 15 | 16 | 39 => bombs.push(bomb(wait())),
            _ => waiting.push(ByHand::waiting(wait())),
        }
    }
    (waiting, bombs)
}

#[test]
fn all_are_notified() {
    let notify = Notify::new();
    let (waiting, bombs) = crowd(|| notify.notified());
    notify.notify_waiters();
    waiting.into_iter().for_each(ByHand::ready);
    bombs.into_iter().for_each(ByHand::output);
}

#[test]
fn all_get_added_permits() {
    let semaphore = Semaphore::new(0);
    let (waiting, bombs) = crowd(|| semaphore.acquire());
    semaphore.add_permits(40);
    let waiting = waiting.into_iter().map(|waiting| waiting.ready().unwrap());
    let bombs = bombs.into_iter().map(|bomb| bomb.output().unwrap());
    let permits: Vec<_> = waiting.chain(bombs).collect();
    assert_eq!(semaphore.available_permits(), 0);
    drop(permits);
    assert_eq!(semaphore.available_permits(), 40);
}

#[test]
fn all_hear_of_a_closed_semaphore() {
    let semaphore = Semaphore::new(0);
    let (waiting, _bombs) = crowd(|| semaphore.acquire());
    semaphore.close();
    for waiting in waiting {
        assert!(waiting.ready().is_err());
    }
}

#[test]
fn all_ends_hear_of_a_closed_channel() {
    let (sender, receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let (sending, _bombs) = crowd(|| sender.send(1));
    let (closing, _more) = crowd(|| sender.closed());
    receiver.close();
    for sending in sending {
        assert!(sending.ready().is_err());
    }
    closing.into_iter().for_each(ByHand::ready);
}

#[test]
fn all_receivers_hear_of_the_last_sender() {
    let (sender, receiver) = mpsc::channel::<u32>(1);
    let (receiving, _bombs) = crowd(|| receiver.recv());
    drop(sender);
    for receiving in receiving {
        assert_eq!(receiving.ready(), None);
    }
}

#[test]
fn a_cancelled_wish_for_many_lets_all_behind_it_pass() {
    let semaphore = Semaphore::new(40);
    let many = ByHand::waiting(semaphore.acquire_many(41));
    let (waiting, _bombs) = crowd(|| semaphore.acquire());
    drop(many);
    for waiting in waiting {
        waiting.ready().unwrap().forget();
    }
}

#[test]
fn the_last_receiver_drops_what_was_not_received() {
    let (sender, receiver) = mpsc::channel(1);
    let (probe, eye) = Probe::new();
    sender.try_send(probe).unwrap();
    let _bomb = bomb(sender.closed());
    drop(receiver);
    assert!(is_gone(&eye));
}

/// Each of these would lose what it returns.
#[test]
fn whoever_wakes_keeps_what_it_has() {
    let (sender, receiver) = mpsc::channel(1);
    sender.try_send(1).unwrap();
    let sending = bomb(sender.send(2));
    assert_eq!(now(receiver.recv()), Some(1));
    assert_eq!(sending.output(), Ok(()));
    assert_eq!(receiver.try_recv(), Ok(2));

    let _receiving = bomb(receiver.recv());
    assert_eq!(now(sender.send(3)), Ok(()));

    let (sender, mut receiver) = oneshot::channel();
    let receiving = bomb(std::future::poll_fn(|cx| Pin::new(&mut receiver).poll(cx)));
    drop(receiving);
    receiver.close();
    assert_eq!(sender.send("back"), Err("back"));
}

/// A panic beside another one would end the process.
#[test]
fn a_panic_with_the_lock_held_hands_it_on() {
    let mutex = Mutex::new(1);
    let guard = now(mutex.lock());
    let waiting = bomb(mutex.lock());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = guard;
        panic!("with the lock held");
    }));
    assert!(panicked.is_err());
    assert_eq!(*waiting.output(), 1);
}

/// A waker that wakes nobody, and panics when it is cloned.
fn unclonable() -> Waker {
    const VTABLE: RawWakerVTable =
        RawWakerVTable::new(|_| panic!("cloned"), |_| {}, |_| {}, |_| {});
    // SAFETY: the functions do not use the pointer.
    unsafe { Waker::new(std::ptr::null(), &VTABLE) }
}

#[track_caller]
fn poll_unclonable<T>(waiting: &mut ByHand<'_, T>) {
    let poll = || waiting.poll_with(&unclonable()).is_pending();
    assert_eq!(panics(poll), "cloned");
}

/// What waits goes on after such polls as if they had not been. `give` ends the wait of the first in line, and uses
/// what it is about.
fn clones_may_panic<'a, T, F>(wait: impl Fn() -> F, give: impl Fn(), check: impl Fn(T))
where
    F: Future<Output = T> + Send + 'a,
{
    // Nobody waits whose first poll has panicked.
    let mut first = ByHand::new(wait());
    poll_unclonable(&mut first);
    let mut second = ByHand::waiting(wait());
    // One that waits keeps the waker that it has.
    poll_unclonable(&mut second);
    drop(first);
    give();
    check(second.ready());
    // Nor does its drop harm those behind it.
    let mut third = ByHand::waiting(wait());
    poll_unclonable(&mut third);
    let fourth = ByHand::waiting(wait());
    drop(third);
    give();
    check(fourth.ready());
}

#[test]
fn a_clone_may_panic_at_a_mutex() {
    let _limit = Limit::new();
    let mutex = Mutex::new(());
    let guard = RefCell::new(Some(now(mutex.lock())));
    let give = || drop(guard.take());
    clones_may_panic(|| mutex.lock(), give, |got| drop(guard.replace(Some(got))));
    drop(guard);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_clone_may_panic_at_a_semaphore() {
    let _limit = Limit::new();
    let semaphore = Semaphore::new(0);
    let give = || semaphore.add_permits(1);
    let check = |permits: Result<SemaphorePermit<'_>, _>| permits.unwrap().forget();
    clones_may_panic(|| semaphore.acquire(), give, check);
    assert_eq!(semaphore.available_permits(), 0);
}

#[test]
fn a_clone_may_panic_at_a_notify() {
    let _limit = Limit::new();
    let notify = Notify::new();
    clones_may_panic(|| notify.notified(), || notify.notify_one(), |()| ());
    clones_may_panic(|| notify.notified(), || notify.notify_waiters(), |()| ());
    assert!(ByHand::new(notify.notified()).poll().is_pending());
}

#[test]
fn a_clone_may_panic_at_both_ends_of_a_channel() {
    let _limit = Limit::new();
    let (sender, receiver) = mpsc::channel(1);
    let give = || sender.try_send(1).unwrap();
    clones_may_panic(|| receiver.recv(), give, |got| assert_eq!(got, Some(1)));
    assert!(receiver.is_empty());

    sender.try_send(1).unwrap();
    let give = || assert_eq!(receiver.try_recv(), Ok(1));
    clones_may_panic(|| sender.send(1), give, |sent| assert_eq!(sent, Ok(())));
    assert_eq!((receiver.len(), receiver.capacity()), (1, 0));

    let mut closed = ByHand::new(sender.closed());
    poll_unclonable(&mut closed);
    assert!(closed.poll().is_pending());
    poll_unclonable(&mut closed);
    receiver.close();
    closed.ready();
}

#[test]
fn a_clone_may_panic_at_both_ends_of_a_oneshot() {
    let _limit = Limit::new();
    let (mut sender, receiver) = oneshot::channel();
    let mut receiving = ByHand::new(receiver);
    poll_unclonable(&mut receiving);
    assert!(receiving.poll().is_pending());
    poll_unclonable(&mut receiving);
    {
        let mut closed = ByHand::new(sender.closed());
        poll_unclonable(&mut closed);
        assert!(closed.poll().is_pending());
        poll_unclonable(&mut closed);
    }
    sender.send(1).unwrap();
    assert_eq!(receiving.ready(), Ok(1));
}

/// Uses the channel that it was to be sent through when it is dropped.
struct Reports(mpsc::Sender<Option<Reports>>, Count);

impl Drop for Reports {
    fn drop(&mut self) {
        assert_eq!(self.0.capacity(), 0);
        self.1.add();
    }
}

#[test]
fn a_clone_that_panics_drops_no_value_under_a_lock() {
    let _limit = Limit::new();
    let (sender, receiver) = mpsc::channel(1);
    let dropped = Count::new();
    sender.try_send(None).unwrap();
    let value = Reports(sender.clone(), dropped.clone());
    let mut sending = ByHand::new(sender.send(Some(value)));
    poll_unclonable(&mut sending);
    drop(sending);
    assert_eq!(dropped.get(), 1);
    assert!(receiver.try_recv().is_ok_and(|value| value.is_none()));
}
