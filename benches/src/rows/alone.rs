//! `sync/.._free`: each primitive where nobody waits, in a task that has it for itself. Where tasks meet:
//! [`super::meeting`].

use std::future::Future;
use std::hint::black_box;
use std::time::Duration;

use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::Runtime;
use crate::runtimes::kit::{Kit, Mutex, Notify, Receiver, Sender};
use crate::runtimes::primitives::{
    Barrier, Once, Primitives, RwLock, Semaphore, SendNow, Watcher, Watches,
};

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name, unit, what, work| rows.push(Row::micro("sync", name, unit, what, work));
    let lock_what = "one task locks and unlocks, 10 000 times";
    add("mutex_free", "ns/lock", lock_what, on_each!(mutex own));
    let read_what = "one task reads under the lock, 10 000 times";
    add(
        "rwlock_read_free",
        "ns/lock",
        read_what,
        on_each!(rwlock_read own),
    );
    let write_what = "one task writes under the lock, 10 000 times";
    add(
        "rwlock_write_free",
        "ns/lock",
        write_what,
        on_each!(rwlock_write own),
    );
    let permit_what = "one task takes a permit of three and gives it back, 10 000 times";
    add(
        "semaphore_free",
        "ns/permit",
        permit_what,
        on_each!(semaphore own),
    );
    let bounded_what =
        "one task sends a number to itself and receives it, 10 000 times, capacity 100";
    add("mpsc_free", "ns/message", bounded_what, on_each!(mpsc own));
    let unbounded_what = "the same, through a channel without a bound";
    add(
        "mpsc_unbounded_free",
        "ns/message",
        unbounded_what,
        on_each!(unbounded own),
    );
    let once_what = "one task makes a oneshot, sends and receives, 10 000 times";
    add(
        "oneshot_free",
        "ns/oneshot",
        once_what,
        on_each!(oneshot own),
    );
    let broadcast_what =
        "one task sends a number to its only receiver and receives it, 10 000 times";
    add(
        "broadcast_free",
        "ns/message",
        broadcast_what,
        on_each!(broadcast own),
    );
    let watch_what = "one task sends a value and sees the change, 10 000 times";
    rows.push(
        Row::micro(
            "sync",
            "watch_free",
            "ns/value",
            watch_what,
            watch_each!(watch),
        )
        .without_smol(),
    );
    let mut add = |name, unit, what, work| rows.push(Row::micro("sync", name, unit, what, work));
    let notify_what = "one task notifies itself and waits for that, 10 000 times";
    add(
        "notify_free",
        "ns/notification",
        notify_what,
        on_each!(notify own),
    );
    let barrier_what = "one task waits at a barrier for one, 10 000 times";
    add(
        "barrier_free",
        "ns/wait",
        barrier_what,
        on_each!(barrier own),
    );
    let get_what = "one task looks at a cell that is set, 100 000 times";
    add("once_get", "ns/look", get_what, on_each!(once_get own));
    let set_what = "one task asks 10 000 times for what is there, or would be made";
    add("once_set", "ns/ask", set_what, on_each!(once_set own));
    let init_what = "one task makes the contents of 1000 cells, with a future that is ready";
    add("once_init", "ns/cell", init_what, on_each!(once_init own));
    rows
}

/// A row of those that have a channel of the newest value: smol's crates have none.
macro_rules! watch_each {
    ($work:ident) => {
        |peer, plan| match peer {
            $crate::runtimes::Peer::Filch | $crate::runtimes::Peer::FilchUnwatched => {
                $work::<$crate::runtimes::filch::Filch, $crate::runtimes::filch::Own>(plan)
            }
            $crate::runtimes::Peer::Tokio => {
                $work::<$crate::runtimes::tokio::Tokio, $crate::runtimes::tokio::Own>(plan)
            }
            other => unreachable!("{other} does not take part"),
        }
    };
}
pub(super) use watch_each;

/// Runs what `body` makes as a task, again and again; it says how long its operations took.
pub(super) fn timed<R: Runtime, F>(plan: &Plan, operations: usize, body: impl Fn() -> F) -> Sample
where
    F: Future<Output = Duration> + Send + 'static,
{
    let host = R::start(plan.workers);
    plan.measure(operations, || {
        let body = body();
        R::run(&host, async move { R::spawn(body).await })
    })
}

fn often(plan: &Plan) -> usize {
    plan.size(10_000, 200)
}

fn mutex<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let mutex = K::Mutex::default();
        let start = Moment::now();
        for _ in 0..count {
            *mutex.lock().await += 1;
        }
        let time = start.elapsed();
        assert_eq!(*mutex.lock().await, count as u64);
        time
    })
}

fn rwlock_read<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let lock = K::RwLock::default();
        let start = Moment::now();
        for _ in 0..count {
            black_box(*lock.read().await);
        }
        start.elapsed()
    })
}

fn rwlock_write<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let lock = K::RwLock::default();
        let start = Moment::now();
        for _ in 0..count {
            *lock.write().await += 1;
        }
        let time = start.elapsed();
        assert_eq!(*lock.read().await, count as u64);
        time
    })
}

fn semaphore<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let semaphore = K::Semaphore::new(3);
        let start = Moment::now();
        for _ in 0..count {
            drop(semaphore.acquire().await);
        }
        start.elapsed()
    })
}

fn mpsc<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let (sender, mut receiver) = K::mpsc::<usize>(100);
        let start = Moment::now();
        for number in 0..count {
            sender.send(number).await;
            assert_eq!(receiver.recv().await, Some(number));
        }
        start.elapsed()
    })
}

fn unbounded<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let (sender, mut receiver) = K::unbounded();
        let start = Moment::now();
        for number in 0..count {
            sender.send_now(number);
            assert_eq!(receiver.recv().await, Some(number));
        }
        start.elapsed()
    })
}

fn oneshot<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let start = Moment::now();
        for number in 0..count {
            let (sender, receiver) = K::oneshot();
            sender(number);
            assert_eq!(receiver.await, number);
        }
        start.elapsed()
    })
}

fn broadcast<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let (sender, mut receivers) = K::broadcast(128, 1);
        let receiver = &mut receivers[0];
        let start = Moment::now();
        for number in 0..count {
            sender.send_now(number);
            assert_eq!(receiver.recv().await, Some(number));
        }
        start.elapsed()
    })
}

fn watch<R: Runtime, K: Watches>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let (sender, mut receivers) = K::watch(1);
        let receiver = &mut receivers[0];
        let start = Moment::now();
        for number in 0..count {
            sender.send_now(number);
            assert_eq!(receiver.changed().await, number);
        }
        start.elapsed()
    })
}

fn notify<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let notify = K::Notify::default();
        let start = Moment::now();
        for _ in 0..count {
            notify.notify_one();
            notify.notified().await;
        }
        start.elapsed()
    })
}

fn barrier<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let barrier = K::Barrier::new(1);
        let start = Moment::now();
        for _ in 0..count {
            barrier.wait().await;
        }
        start.elapsed()
    })
}

fn once_get<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = plan.size(100_000, 200);
    timed::<R, _>(plan, count, move || async move {
        let cell = K::Once::default();
        assert_eq!(cell.get_or_init(async { 7 }).await, 7);
        let start = Moment::now();
        for _ in 0..count {
            black_box(black_box(&cell).get());
        }
        start.elapsed()
    })
}

fn once_set<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = often(plan);
    timed::<R, _>(plan, count, move || async move {
        let cell = K::Once::default();
        assert_eq!(cell.get_or_init(async { 7 }).await, 7);
        let start = Moment::now();
        for _ in 0..count {
            black_box(black_box(&cell).get_or_init(async { 8 }).await);
        }
        start.elapsed()
    })
}

fn once_init<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = plan.size(1000, 50);
    timed::<R, _>(plan, count, move || async move {
        let cells: Vec<K::Once> = (0..count).map(|_| K::Once::default()).collect();
        let start = Moment::now();
        for (number, cell) in cells.iter().enumerate() {
            assert_eq!(cell.get_or_init(async move { number }).await, number);
        }
        start.elapsed()
    })
}
