//! The lock for readers and writers: who is let in, order, cancellation, guards and their parts.

use crate::by_hand::{ByHand, now};
use crate::common::*;
use filch::sync::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockMappedWriteGuard, RwLockReadGuard,
    RwLockWriteGuard, TryLockError,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[test]
fn readers_share_and_a_writer_is_alone() {
    let lock = RwLock::new(1);
    let (one, other) = (now(lock.read()), now(lock.read()));
    assert_eq!(lock.try_write().unwrap_err(), TryLockError);
    let writer = ByHand::waiting(lock.write());
    drop(one);
    assert!(!writer.woken());
    drop(other);
    let mut writer = writer.ready();
    *writer = 2;
    assert_eq!(lock.try_read().unwrap_err(), TryLockError);
    let reader = ByHand::waiting(lock.read());
    drop(writer);
    assert_eq!(*reader.ready(), 2);
}

#[test]
fn a_reader_that_comes_after_a_writer_stands_behind_it() {
    let lock = RwLock::new(0);
    let reading = now(lock.read());
    let writer = ByHand::waiting(lock.write());
    let later = ByHand::waiting(lock.read());
    assert!(lock.try_read().is_err());
    drop(reading);
    assert!(!later.woken());
    drop(writer.ready());
    drop(later.ready());
}

#[test]
fn readers_behind_a_writer_that_gives_up_come_in() {
    let lock = RwLock::new(0);
    let reading = now(lock.read());
    let writer = ByHand::waiting(lock.write());
    let later: Vec<_> = (0..20).map(|_| ByHand::waiting(lock.read())).collect();
    drop(writer);
    later.into_iter().for_each(|later| drop(later.ready()));
    drop(reading);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_turn_that_is_not_used_goes_to_the_next() {
    let lock = RwLock::new(0);
    let writing = now(lock.write());
    let first = ByHand::waiting(lock.write());
    let second = ByHand::waiting(lock.write());
    drop(writing);
    assert!(first.woken());
    drop(first);
    drop(second.ready());
    let writing = now(lock.write());
    let reader = ByHand::waiting(lock.read());
    drop(writing);
    drop(reader);
    assert!(lock.try_write().is_ok());
}

#[test]
fn so_many_readers_and_no_more() {
    let lock = RwLock::with_max_readers(0, 2);
    let one = now(lock.read());
    let _two = now(lock.read());
    let third = ByHand::waiting(lock.read());
    drop(one);
    drop(third.ready());
}

#[test]
fn a_lock_without_readers_is_refused() {
    for readers in [0, u32::MAX] {
        assert!(catch_unwind(|| RwLock::with_max_readers((), readers)).is_err());
    }
}

#[test]
fn a_downgraded_writer_lets_readers_in_and_no_writer() {
    let lock = RwLock::new(1);
    let mut writer = now(lock.write());
    let reader = ByHand::waiting(lock.read());
    let next = ByHand::waiting(lock.write());
    *writer = 2;
    let mine = RwLockWriteGuard::downgrade(writer);
    assert_eq!((*mine, *reader.ready()), (2, 2));
    assert!(!next.woken());
    drop(mine);
    drop(next.ready());
}

#[test]
fn parts_are_locked_like_the_whole() {
    let lock = RwLock::new((1, Some(2)));
    let mut number = RwLockWriteGuard::map(now(lock.write()), |pair| &mut pair.0);
    *number = 3;
    assert!(lock.try_read().is_err());
    drop(number);
    let pair = RwLockWriteGuard::into_mapped(now(lock.write()));
    let option = RwLockMappedWriteGuard::map(pair, |pair| &mut pair.1);
    let mut inner = RwLockMappedWriteGuard::try_map(option, Option::as_mut).unwrap();
    *inner = 4;
    drop(inner);
    let reader = RwLockReadGuard::map(now(lock.read()), |pair| &pair.1);
    let inner = RwLockReadGuard::try_map(reader, Option::as_ref).unwrap();
    assert_eq!(*inner, 4);
    assert!(lock.try_write().is_err());
    drop(inner);
    let whole = RwLockWriteGuard::try_map(now(lock.write()), |_| None::<&mut u8>).unwrap_err();
    let part = RwLockWriteGuard::downgrade_map(whole, |pair| &pair.0);
    assert_eq!((*part, lock.try_read().unwrap().0), (3, 3));
    drop(part);
    let whole = now(lock.write());
    let whole = RwLockWriteGuard::try_downgrade_map(whole, |_| None::<&u8>).unwrap_err();
    let part = RwLockWriteGuard::try_downgrade_map(whole, |pair| pair.1.as_ref()).unwrap();
    assert_eq!(*part, 4);
    drop(part);
    assert!(lock.try_write().is_ok());
}

#[test]
fn owned_guards_and_their_parts_keep_the_lock_alive() {
    let lock = Arc::new(RwLock::new((1, String::from("a"))));
    let mut writer = now(lock.clone().write_owned());
    assert!(Arc::ptr_eq(OwnedRwLockWriteGuard::rwlock(&writer), &lock));
    writer.1.push('b');
    let mut text = OwnedRwLockWriteGuard::map(writer, |pair| &mut pair.1);
    text.push('c');
    let waiting = ByHand::waiting(lock.clone().read_owned());
    assert!(lock.clone().try_read_owned().is_err());
    drop(text);
    let reader = waiting.ready();
    assert!(lock.clone().try_write_owned().is_err());
    assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&reader), &lock));
    let text = OwnedRwLockReadGuard::map(reader, |pair| &*pair.1);
    drop(lock);
    assert_eq!(&*text, "abc");
    let text = OwnedRwLockReadGuard::try_map(text, |text| text.get(1..)).unwrap();
    assert_eq!(&*text, "bc");
}

#[test]
fn a_downgraded_owned_writer_reads_on() {
    let lock = Arc::new(RwLock::new((1, 2)));
    let reader = OwnedRwLockWriteGuard::downgrade(now(lock.clone().write_owned()));
    assert_eq!(*reader, (1, 2));
    assert!(lock.try_read().is_ok());
    drop(reader);
    let whole = now(lock.clone().write_owned());
    let part = OwnedRwLockWriteGuard::downgrade_map(whole, |pair| &pair.1);
    assert!(lock.try_write().is_err());
    assert_eq!(*part, 2);
}

#[test]
fn a_panic_in_a_map_gives_the_lock_back() {
    let lock = RwLock::new(1);
    let map = || RwLockWriteGuard::map(now(lock.write()), |_| -> &mut u8 { panic!("no part") });
    assert!(catch_unwind(AssertUnwindSafe(map)).is_err());
    assert!(lock.try_write().is_ok());
}

#[test]
fn values_are_reached_without_locking_by_their_owner() {
    let mut lock = RwLock::from(1);
    *lock.get_mut() = 2;
    assert_eq!(lock.into_inner(), 2);
    assert_eq!(*RwLock::<u8>::default().try_read().unwrap(), 0);
    static FIXED: RwLock<u8> = RwLock::const_new(3);
    assert_eq!(*FIXED.blocking_read(), 3);
}

#[filch::test]
async fn its_debug_output_names_who_holds_it() {
    let lock = RwLock::new(7);
    assert_eq!(format!("{lock:?}"), "RwLock { value: 7 }");
    let me = filch::task::current().unwrap().id();
    let writer = lock.write().await;
    let holder = format!("RwLock {{ value: <locked>, holder: task {me} }}");
    assert_eq!(format!("{lock:?}"), holder);
    drop(writer);
    let (one, other) = (lock.read().await, lock.read().await);
    drop(one);
    assert_eq!(format!("{other:?} {lock:?}"), "7 RwLock { value: 7 }");
}

#[test]
fn writers_and_readers_on_tasks_and_threads_see_whole_values() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let lock = Arc::new(RwLock::new((0, 0)));
    let writes = rounds(300);
    let blocking = lock.clone();
    let thread = thread::spawn(move || {
        for _ in 0..writes {
            let mut pair = blocking.blocking_write();
            pair.0 += 1;
            pair.1 += 1;
        }
    });
    let readers = Arc::new(AtomicUsize::new(0));
    let theirs = lock.clone();
    rt.run(async move {
        let visit = |number: usize| {
            let (lock, readers) = (theirs.clone(), readers.clone());
            async move {
                if number % 4 == 0 {
                    let mut pair = lock.write().await;
                    assert_eq!(readers.load(Ordering::Relaxed), 0);
                    pair.0 += 1;
                    filch::task::yield_now().await;
                    pair.1 += 1;
                } else {
                    let pair = lock.read().await;
                    readers.fetch_add(1, Ordering::Relaxed);
                    filch::task::yield_now().await;
                    assert_eq!(pair.0, pair.1);
                    readers.fetch_sub(1, Ordering::Relaxed);
                }
                Ok::<(), ()>(())
            }
        };
        filch::gather((0..4 * writes).map(visit)).await.unwrap();
    });
    thread.join().unwrap();
    assert_eq!(*lock.blocking_read(), (2 * writes, 2 * writes));
}
