//! The semaphore: order, many at once, closing, cancellation, permits that are kept.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::sync::{Closed, Semaphore, TryAcquireError};
use std::sync::Arc;
use std::thread;

#[test]
fn nobody_overtakes_a_wish_for_many() {
    let semaphore = Semaphore::new(2);
    let one = now(semaphore.acquire()).unwrap();
    let many = ByHand::waiting(semaphore.acquire_many(2));
    let few = ByHand::waiting(semaphore.acquire());
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::NoPermits
    );
    drop(one);
    assert!(!few.woken());
    let many = many.ready().unwrap();
    assert_eq!(many.num_permits(), 2);
    drop(many);
    drop(few.ready());
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn a_cancelled_waiter_lets_those_behind_it_pass() {
    let semaphore = Semaphore::new(2);
    let one = now(semaphore.acquire()).unwrap();
    let many = ByHand::waiting(semaphore.acquire_many(2));
    let few = ByHand::waiting(semaphore.acquire());
    drop(many);
    drop((few.ready(), one));
    let held = now(semaphore.acquire_many(2)).unwrap();
    let granted = ByHand::waiting(semaphore.acquire_many(2));
    drop(held);
    assert!(granted.woken());
    drop(granted);
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn added_permits_go_to_all_who_wait() {
    let semaphore = Semaphore::new(0);
    let waiting: Vec<_> = (0..40)
        .map(|_| ByHand::waiting(semaphore.acquire()))
        .collect();
    semaphore.add_permits(41);
    waiting
        .into_iter()
        .for_each(|waiting| waiting.ready().unwrap().forget());
    assert_eq!(semaphore.available_permits(), 1);
    assert_eq!(semaphore.forget_permits(5), 1);
}

#[test]
fn close_refuses_everybody() {
    let semaphore = Arc::new(Semaphore::new(1));
    let held = now(semaphore.clone().acquire_owned()).unwrap();
    let waiting = ByHand::waiting(semaphore.clone().acquire_many_owned(2));
    semaphore.close();
    assert_eq!(waiting.ready().unwrap_err(), Closed);
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::Closed
    );
    assert_eq!(now(semaphore.acquire()).unwrap_err(), Closed);
    drop(held);
    assert!(semaphore.is_closed());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn permits_are_merged_and_split() {
    let semaphore = Arc::new(Semaphore::const_new(4));
    let mut permit = semaphore.try_acquire_many(2).unwrap();
    permit.merge(semaphore.try_acquire().unwrap());
    assert!(permit.split(4).is_none());
    drop(permit.split(2).unwrap());
    assert_eq!(
        (permit.num_permits(), semaphore.available_permits()),
        (1, 3)
    );
    let mut owned = semaphore.clone().try_acquire_many_owned(3).unwrap();
    assert!(semaphore.clone().try_acquire_many_owned(1).is_err());
    let two = owned.split(2).unwrap();
    assert!(Arc::ptr_eq(two.semaphore(), &semaphore));
    owned.merge(two);
    drop((owned, permit));
    assert_eq!(semaphore.available_permits(), 4);
}

#[test]
#[should_panic(expected = "different semaphores")]
fn permits_of_two_semaphores_do_not_merge() {
    let (one, other) = (Semaphore::new(1), Semaphore::new(1));
    let mut permit = one.try_acquire().unwrap();
    permit.merge(other.try_acquire().unwrap());
}

#[test]
fn threads_wait_for_many_permits() {
    let semaphore = Arc::new(Semaphore::new(0));
    let _limit = Limit::new();
    let (one, other) = (semaphore.clone(), semaphore.clone());
    let thread = thread::spawn(move || one.blocking_acquire_many(3).map(|permit| permit.forget()));
    semaphore.add_permits(2);
    semaphore.add_permits(1);
    thread.join().unwrap().unwrap();
    let thread = thread::spawn(move || other.blocking_acquire_many_owned(2).map(drop));
    semaphore.add_permits(2);
    thread.join().unwrap().unwrap();
    drop(semaphore.clone().blocking_acquire_owned().unwrap());
    semaphore.close();
    assert!(semaphore.blocking_acquire_many(9).is_err());
}

#[test]
fn none_are_had_at_once() {
    let semaphore = Semaphore::new(0);
    assert_eq!(now(semaphore.acquire_many(0)).unwrap().num_permits(), 0);
}

#[test]
#[should_panic(expected = "at most")]
fn too_many_are_refused() {
    Semaphore::new(1).add_permits(Semaphore::MAX_PERMITS);
}

#[test]
fn only_so_many_at_a_time() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let semaphore = Arc::new(Semaphore::new(3));
    let theirs = semaphore.clone();
    let thread = thread::spawn(move || {
        for _ in 0..if cfg!(miri) { 5 } else { 100 } {
            drop(theirs.blocking_acquire().unwrap());
        }
    });
    let (inside, theirs) = (Count::new(), semaphore.clone());
    rt.run(async move {
        let visit = |_| {
            let (semaphore, inside) = (theirs.clone(), inside.clone());
            async move {
                let permit = semaphore.acquire().await.map_err(drop)?;
                // Those inside now hold a permit each, and so do not add up to more than there are.
                assert!(semaphore.available_permits() < 3);
                inside.add();
                filch::task::yield_now().await;
                drop(permit);
                Ok::<(), ()>(())
            }
        };
        filch::gather((0..if cfg!(miri) { 10 } else { 200 }).map(visit))
            .await
            .unwrap();
    });
    thread.join().unwrap();
    assert_eq!(semaphore.available_permits(), 3);
}
