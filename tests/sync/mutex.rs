//! The mutex: exclusion, order, cancellation, guards.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::sync::{
    MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard, TryLockError,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

#[test]
fn the_lock_is_handed_over_in_turn() {
    let mutex = Mutex::new(0);
    let guard = now(mutex.lock());
    let first = ByHand::waiting(mutex.lock());
    let second = ByHand::waiting(mutex.lock());
    drop(guard);
    assert!(!second.woken());
    // It is the first one's, though that has not run.
    assert_eq!(mutex.try_lock().unwrap_err(), TryLockError);
    let mut guard = first.ready();
    *guard = 1;
    drop(guard);
    assert_eq!(*second.ready(), 1);
}

#[test]
fn a_cancelled_waiter_passes_its_turn_on() {
    let mutex = Mutex::new(());
    let guard = now(mutex.lock());
    let first = ByHand::waiting(mutex.lock());
    let second = ByHand::waiting(mutex.lock());
    let third = ByHand::waiting(mutex.lock());
    drop(second);
    drop(guard);
    assert!(first.woken());
    drop(first);
    drop(third.ready());
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_waiter_that_moved_to_another_task_is_found_there() {
    let mutex = Mutex::new(());
    let guard = now(mutex.lock());
    let mut lock = Box::pin(mutex.lock());
    drop(ByHand::waiting(std::future::poll_fn(|cx| {
        lock.as_mut().poll(cx).map(drop)
    })));
    let moved = ByHand::waiting(lock);
    drop(guard);
    drop(moved.ready());
}

#[test]
fn owned_guards_keep_the_mutex_alive() {
    let mutex = Arc::new(Mutex::new(String::from("a")));
    let mut guard = now(mutex.clone().lock_owned());
    assert!(mutex.clone().try_lock_owned().is_err());
    let waiting = ByHand::waiting(mutex.clone().lock_owned());
    guard.push('b');
    assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&guard), &mutex));
    drop(mutex);
    drop(guard);
    assert_eq!(*waiting.ready(), "ab");
}

#[test]
fn a_panic_with_the_lock_held_unlocks_it() {
    let mutex = Mutex::new(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = now(mutex.lock());
        panic!("with the lock held");
    }));
    assert!(panicked.is_err());
    assert_eq!(*mutex.try_lock().unwrap(), 1);
}

#[test]
fn values_are_reached_without_locking_by_their_owner() {
    let mut mutex = Mutex::from(1);
    *mutex.get_mut() = 2;
    assert_eq!(format!("{mutex:?}"), "Mutex { value: 2 }");
    let guard = now(mutex.lock());
    assert_eq!(format!("{mutex:?} {guard}"), "Mutex { value: <locked> } 2");
    assert_eq!(
        **MutexGuard::mutex(&guard)
            .try_lock()
            .as_ref()
            .map_or(&&0, |_| &&1),
        0
    );
    drop(guard);
    assert_eq!(mutex.into_inner(), 2);
}

#[filch::test]
async fn a_mutex_names_the_task_that_locked_it() {
    let mutex = Arc::new(Mutex::new(0));
    let named = |id| format!("Mutex {{ value: <locked>, holder: task {id} }}");
    let own = filch::task::current().unwrap().id();
    let guard = mutex.lock().await;
    assert_eq!(format!("{mutex:?}"), named(own));
    let next = ByHand::waiting(mutex.lock());
    drop(guard);
    // It was handed on, to somebody who has not run since.
    assert_eq!(format!("{mutex:?}"), "Mutex { value: <locked> }");
    let guard = next.ready();
    assert_eq!(format!("{mutex:?}"), named(own));
    drop(guard);
    assert_eq!(format!("{mutex:?}"), "Mutex { value: 0 }");

    let task = filch::spawn(mutex.clone().lock_owned());
    let theirs = task.id();
    let guard = task.await.unwrap();
    assert_eq!(format!("{mutex:?}"), named(theirs));
    drop(guard);
    let guard = mutex.clone().try_lock_owned().unwrap();
    assert_eq!(format!("{mutex:?}"), named(own));
    drop(guard);
}

#[test]
fn what_is_not_sized_can_be_locked() {
    let mutex: Arc<Mutex<[u8]>> = Arc::new(Mutex::new([1, 2, 3]));
    now(mutex.lock()).reverse();
    assert_eq!(*now(mutex.lock_owned()), [3, 2, 1]);
}

#[test]
fn tasks_and_threads_share_one() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let many = if cfg!(miri) { 3 } else { 1000 };
    let mutex = Arc::new(Mutex::new(0));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let mutex = mutex.clone();
            thread::spawn(move || (0..many).for_each(|_| *mutex.blocking_lock() += 1))
        })
        .collect();
    let theirs = mutex.clone();
    rt.run(async move {
        let add = |_| {
            let mutex = theirs.clone();
            async move {
                for _ in 0..many {
                    let mut guard = mutex.lock().await;
                    let before = *guard;
                    filch::task::yield_now().await;
                    *guard = before + 1;
                }
                Ok::<(), ()>(())
            }
        };
        filch::gather((0..4).map(add)).await.unwrap();
    });
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(*mutex.blocking_lock(), 6 * many);
}

#[test]
fn a_task_may_block_for_a_lock_that_another_holds() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.clone().lock_owned().await;
        let theirs = mutex.clone();
        let blocked = filch::spawn(async move { *theirs.blocking_lock() += 1 });
        let handle = filch::Handle::current();
        until("it blocks", || handle.metrics().stuck_workers > 0).await;
        drop(guard);
        blocked.await.unwrap();
        assert_eq!(*mutex.lock().await, 1);
    });
}

#[test]
fn a_part_is_locked_like_the_whole() {
    let mutex = Mutex::const_new((1, Some(2)));
    let option = MutexGuard::map(now(mutex.lock()), |pair| &mut pair.1);
    let mut number = MappedMutexGuard::try_map(option, Option::as_mut).unwrap();
    *number = 3;
    let waiting = ByHand::waiting(mutex.lock());
    assert_eq!(format!("{number} {number:?}"), "3 3");
    drop(number);
    let guard = waiting.ready();
    assert_eq!(guard.1, Some(3));
    let guard = MutexGuard::try_map(guard, |_| None::<&mut u8>).unwrap_err();
    let part = MutexGuard::map(guard, |pair| &mut pair.0);
    let part = MappedMutexGuard::map(part, |part| part);
    assert!(mutex.try_lock().is_err());
    drop(part);
    let panics = || MutexGuard::map(now(mutex.lock()), |_| -> &mut u8 { panic!("no part") });
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn an_owned_part_keeps_the_mutex_alive() {
    let mutex = Arc::new(Mutex::new((1, String::from("a"))));
    let text = OwnedMutexGuard::map(now(mutex.clone().lock_owned()), |pair| &mut pair.1);
    let mut text = OwnedMappedMutexGuard::map(text, |text| text);
    text.push('b');
    assert!(mutex.clone().try_lock_owned().is_err());
    drop(text);
    let whole = mutex.clone().blocking_lock_owned();
    let whole = OwnedMutexGuard::try_map(whole, |_| None::<&mut u8>).unwrap_err();
    let text = OwnedMutexGuard::try_map(whole, |pair| Some(&mut pair.1)).unwrap();
    let text = OwnedMappedMutexGuard::try_map(text, |_| None::<&mut u8>).unwrap_err();
    drop(mutex);
    assert_eq!(*text, "ab");
}
