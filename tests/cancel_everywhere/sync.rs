//! Locks, and where tasks meet: no permit, turn or item is lost, and none is there twice.

use super::{Row, SOON, begun, each, later, row};
use filch::sync::{
    Barrier, Condvar, Event, Mutex, Notify, OnceCell, Queue, RwLock, Semaphore, SetOnce,
};
use filch::task::WaitKind;
use filch::time::sleep;
use std::sync::Arc;

pub(super) const ROWS: &[Row] = &[
    row("sync::future::Lock", WaitKind::Lock, || {
        each(
            || Arc::new(Mutex::new(())),
            async |mutex| {
                let held = mutex.clone().try_lock_owned().unwrap();
                later(move || drop(held));
                drop(mutex.lock().await);
            },
            async |mutex, _| drop(mutex.lock().await),
        )
    }),
    row("sync::future::LockOwned", WaitKind::Lock, || {
        each(
            || Arc::new(Mutex::new(())),
            async |mutex| {
                let held = mutex.clone().try_lock_owned().unwrap();
                later(move || drop(held));
                drop(mutex.lock_owned().await);
            },
            async |mutex, _| drop(mutex.lock().await),
        )
    }),
    row("sync::future::Read", WaitKind::Lock, || {
        each(
            || Arc::new(RwLock::new(())),
            async |lock| {
                let held = lock.clone().try_write_owned().unwrap();
                later(move || drop(held));
                drop(lock.read().await);
            },
            async |lock, _| drop(lock.write().await),
        )
    }),
    row("sync::future::ReadOwned", WaitKind::Lock, || {
        each(
            || Arc::new(RwLock::new(())),
            async |lock| {
                let held = lock.clone().try_write_owned().unwrap();
                later(move || drop(held));
                drop(lock.read_owned().await);
            },
            async |lock, _| drop(lock.write().await),
        )
    }),
    row("sync::future::Write", WaitKind::Lock, || {
        each(
            || Arc::new(RwLock::new(())),
            async |lock| {
                let held = lock.clone().try_read_owned().unwrap();
                later(move || drop(held));
                drop(lock.write().await);
            },
            // Whoever reads does not wait behind a writer that is gone.
            async |lock, _| drop((lock.read().await, lock.read().await)),
        )
    }),
    row("sync::future::WriteOwned", WaitKind::Lock, || {
        each(
            || Arc::new(RwLock::new(())),
            async |lock| {
                let held = lock.clone().try_read_owned().unwrap();
                later(move || drop(held));
                drop(lock.write_owned().await);
            },
            async |lock, _| drop((lock.read().await, lock.read().await)),
        )
    }),
    row("sync::future::Acquire", WaitKind::Semaphore, || {
        each(
            || Arc::new(Semaphore::new(2)),
            async |permits| {
                let held = permits.clone().try_acquire_many_owned(2).unwrap();
                later(move || drop(held));
                drop(permits.acquire_many(2).await);
            },
            async |permits, _| {
                drop(permits.acquire_many(2).await);
                assert_eq!(permits.available_permits(), 2);
            },
        )
    }),
    row("sync::future::AcquireOwned", WaitKind::Semaphore, || {
        each(
            || Arc::new(Semaphore::new(1)),
            async |permits| {
                let held = permits.clone().try_acquire_owned().unwrap();
                later(move || drop(held));
                drop(permits.acquire_owned().await);
            },
            async |permits, _| {
                drop(permits.acquire().await);
                assert_eq!(permits.available_permits(), 1);
            },
        )
    }),
    row("sync::future::Notified", WaitKind::Notify, || {
        each(
            || Arc::new(Notify::new()),
            async |notify| {
                let theirs = notify.clone();
                later(move || theirs.notify_one());
                notify.notified().await;
            },
            async |notify, cut| one_notification(&notify, begun(&cut)).await,
        )
    }),
    row("sync::future::OwnedNotified", WaitKind::Notify, || {
        each(
            || Arc::new(Notify::new()),
            async |notify| {
                let theirs = notify.clone();
                later(move || theirs.notify_one());
                notify.notified_owned().await;
            },
            async |notify, cut| one_notification(&notify, begun(&cut)).await,
        )
    }),
    row("sync::future::WaitSet", WaitKind::Event, || {
        each(
            || Arc::new(Event::new()),
            async |event| {
                let theirs = event.clone();
                later(move || theirs.set());
                event.wait().await;
            },
            async |event, cut| {
                if begun(&cut) {
                    event.wait().await;
                }
            },
        )
    }),
    row("sync::future::WaitNotified", WaitKind::Condition, || {
        each(
            || Arc::new((Mutex::new(false), Condvar::new())),
            async |both| {
                let theirs = both.clone();
                later(move || theirs.1.notify_one());
                let held = both.0.lock().await;
                drop(both.1.wait(held).await);
            },
            async |both, _| drop(both.0.lock().await),
        )
    }),
    row("sync::future::WaitWhile", WaitKind::Condition, || {
        each(
            || Arc::new((Mutex::new(true), Condvar::new())),
            async |both| {
                let theirs = both.clone();
                later(move || {
                    *theirs.0.try_lock().unwrap() = false;
                    theirs.1.notify_all();
                });
                let held = both.0.lock().await;
                drop(both.1.wait_while(held, |closed| *closed).await);
            },
            async |both, _| drop(both.0.lock().await),
        )
    }),
    row("sync::future::WaitAll", WaitKind::Barrier, || {
        each(
            || Arc::new(Barrier::new(2)),
            async |barrier| {
                let theirs = barrier.clone();
                filch::spawn(async move {
                    sleep(SOON).await;
                    theirs.wait().await;
                });
                barrier.wait().await;
            },
            async |barrier, cut| {
                // The other one has met it, or waits for somebody else.
                let is_met = cut.is_finished() || cut.was_woken() || !begun(&cut);
                match is_met {
                    true => _ = filch::join!(barrier.wait(), barrier.wait()),
                    false => _ = barrier.wait().await,
                }
            },
        )
    }),
    row("sync::future::GetOrInit", WaitKind::Sleep, || {
        each(
            || Arc::new(OnceCell::new()),
            async |cell| {
                cell.get_or_init(async || {
                    sleep(SOON).await;
                    1
                })
                .await;
            },
            async |cell, cut| {
                let value = *cell.get_or_init(async || 2).await;
                assert_eq!(value, if cut.is_finished() { 1 } else { 2 });
            },
        )
    }),
    row("sync::future::GetOrTryInit", WaitKind::Sleep, || {
        each(
            || Arc::new(OnceCell::new()),
            async |cell| {
                let made = cell.get_or_try_init(async || {
                    sleep(SOON).await;
                    Ok::<_, ()>(1)
                });
                made.await.unwrap();
            },
            async |cell, cut| {
                let value = *cell.get_or_init(async || 2).await;
                assert_eq!(value, if cut.is_finished() { 1 } else { 2 });
            },
        )
    }),
    row("sync::future::GetFrom", WaitKind::Queue, || {
        each(
            || Arc::new(Queue::bounded(1)),
            async |queue| {
                let theirs = queue.clone();
                later(move || theirs.try_put(1).unwrap());
                assert_eq!(queue.get().await, Ok(1));
            },
            async |queue, cut| {
                if begun(&cut) && !cut.is_finished() {
                    assert_eq!(queue.get().await, Ok(1));
                }
                assert!(queue.is_empty());
            },
        )
    }),
    row("sync::future::PutInto", WaitKind::Queue, || {
        each(
            || Arc::new(Queue::bounded(1)),
            async |queue| {
                queue.try_put(1).unwrap();
                let theirs = queue.clone();
                later(move || assert_eq!(theirs.try_get(), Ok(1)));
                queue.put(2).await.unwrap();
            },
            async |queue, cut| {
                sleep(2 * SOON).await;
                assert_eq!(queue.try_get().ok(), cut.is_finished().then_some(2));
                queue.try_put(3).unwrap();
            },
        )
    }),
    row("sync::future::JoinWork", WaitKind::Queue, || {
        each(
            || Arc::new(Queue::bounded(1)),
            async |queue| {
                queue.try_put(1).unwrap();
                let theirs = queue.clone();
                later(move || {
                    theirs.try_get().unwrap();
                    theirs.task_done();
                });
                queue.join().await;
            },
            async |queue, _| queue.join().await,
        )
    }),
    row("sync::future::WaitValue", WaitKind::Once, || {
        each(
            || Arc::new(SetOnce::new()),
            async |once| {
                let theirs = once.clone();
                later(move || _ = theirs.set(1));
                once.wait().await;
            },
            async |once, cut| {
                if begun(&cut) {
                    assert_eq!(*once.wait().await, 1);
                }
            },
        )
    }),
];

/// A notification came, and was used by who waited, or is there for the next.
async fn one_notification(notify: &Notify, is_sent: bool) {
    let mut unused = 0;
    while filch::time::timeout(9 * SOON, notify.notified())
        .await
        .is_ok()
    {
        unused += 1;
    }
    assert!(unused <= u32::from(is_sent), "{unused} notifications");
}
