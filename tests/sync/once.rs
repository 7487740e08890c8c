//! Values that are set once: `OnceCell` and `SetOnce`.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::sync::{OnceCell, SetError, SetOnce, SetOnceError};
use filch::task::yield_now;
use std::convert::Infallible;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[test]
fn the_value_is_made_once_by_the_first_who_needs_it() {
    let cell = OnceCell::new();
    let mut first = ByHand::waiting(cell.get_or_init(|| async {
        yield_now().await;
        1
    }));
    let second = ByHand::waiting(cell.get_or_init(|| async { 2 }));
    assert_eq!(cell.get(), None);
    assert!(!cell.initialized());
    assert!(cell.set(3).unwrap_err().is_initializing_err());
    assert_eq!(*ready_of(&mut first), 1);
    assert_eq!(*second.ready(), 1);
    assert_eq!(
        cell.set(4).unwrap_err(),
        SetError::AlreadyInitializedError(4)
    );
    assert_eq!(*now(cell.get_or_init(|| async { 5 })), 1);
}

#[track_caller]
fn ready_of<T>(future: &mut ByHand<'_, T>) -> T {
    match future.poll() {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it is not ready"),
    }
}

#[test]
fn whoever_gives_up_or_fails_lets_the_next_one_try() {
    let cell = OnceCell::new();
    let first = ByHand::waiting(cell.get_or_init(pending::<u32>));
    let second = ByHand::waiting(cell.get_or_try_init(|| ready(Err::<u32, _>("no"))));
    let third = ByHand::waiting(cell.get_or_init(|| ready(3)));
    drop(first);
    assert_eq!(second.ready(), Err("no"));
    assert_eq!(*third.ready(), 3);
}

#[test]
fn a_waiter_that_gives_up_keeps_nothing() {
    let cell = OnceCell::new();
    let first = ByHand::waiting(cell.get_or_init(pending::<u32>));
    let second = ByHand::waiting(cell.get_or_init(|| ready(2)));
    let third = ByHand::waiting(cell.get_or_init(|| ready(3)));
    drop(first);
    assert!(second.woken());
    drop(second);
    assert_eq!(*third.ready(), 3);
}

#[test]
fn a_panic_lets_the_next_one_try() {
    let cell = OnceCell::new();
    let panics = || now(cell.get_or_init(|| async { panic!("while it is made") }));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    let panics = || now(cell.get_or_init(|| -> std::future::Ready<u32> { panic!("before") }));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(*now(cell.get_or_init(|| ready(1))), 1);
}

#[test]
fn what_is_made_is_dropped_once() {
    let value = Rc::new(());
    let cell = OnceCell::from(value.clone());
    let copy = cell.clone();
    assert_eq!(Rc::strong_count(&value), 3);
    assert_eq!(cell, copy);
    drop(cell);
    drop(copy.into_inner());
    assert_eq!(Rc::strong_count(&value), 1);
    let mut cell = OnceCell::new_with(Some(value.clone()));
    assert!(cell.get_mut().is_some());
    drop(cell.take());
    assert_eq!((Rc::strong_count(&value), cell.get()), (1, None));
    cell.set(value.clone()).unwrap();
    assert_eq!(format!("{cell:?}"), "OnceCell { value: Some(()) }");
    let set = SetOnce::from(value.clone());
    assert_eq!(set.clone(), set);
    drop(set);
    drop(SetOnce::new_with(Some(value.clone())).into_inner());
    assert_eq!(Rc::strong_count(&value), 2);
    assert_eq!(SetOnce::<u8>::new().into_inner(), None);
}

#[test]
fn a_future_that_is_ready_says_what_was_set_meanwhile() {
    static CELL: OnceCell<u32> = OnceCell::const_new();
    CELL.set(1).unwrap();
    let value = now(CELL.get_or_try_init(|| ready(Ok::<_, Infallible>(2))));
    assert_eq!(value, Ok(&1));
    static FILLED: OnceCell<u32> = OnceCell::const_new_with(3);
    assert_eq!(FILLED.get(), Some(&3));
}

#[test]
fn many_tasks_make_one_value() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    for _ in 0..rounds(200) {
        let (cell, made) = (Arc::new(OnceCell::new()), Arc::new(AtomicUsize::new(0)));
        let need = |_| {
            let (cell, made) = (cell.clone(), made.clone());
            async move {
                let make = || async {
                    yield_now().await;
                    made.fetch_add(1, Ordering::Relaxed)
                };
                Ok::<_, ()>(*cell.get_or_init(make).await)
            }
        };
        let needs: Vec<_> = (0..8).map(need).collect();
        let values = rt.run(async { filch::gather(needs).await });
        assert_eq!(values.unwrap(), vec![0; 8]);
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn all_who_wait_get_what_is_set() {
    let once = SetOnce::new();
    let waiting: Vec<_> = (0..40).map(|_| ByHand::waiting(once.wait())).collect();
    assert_eq!((once.get(), once.initialized()), (None, false));
    assert_eq!(once.set(1), Ok(()));
    assert_eq!(once.set(2), Err(SetOnceError(2)));
    for waiting in waiting {
        assert_eq!(*waiting.ready(), 1);
    }
    assert_eq!(*now(once.wait()), 1);
    assert_eq!(once.get(), Some(&1));
}

#[test]
fn threads_wait_for_what_is_set() {
    let once = SetOnce::const_new();
    let _limit = Limit::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| *once.blocking_wait()))
            .collect();
        once.set(7).unwrap();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 7);
        }
    });
}
