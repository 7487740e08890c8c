//! `sync`: each primitive where tasks wait for each other. Mutex, oneshot, bounded channels and `notify_one` are in
//! [`super::wake`] and [`super::locks`]; where nobody waits: [`super::alone`].

use std::future::Future;
use std::sync::Arc;

use super::alone::{timed, watch_each};
use super::countdown::Countdown;
use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::Runtime;
use crate::runtimes::kit::Receiver;
use crate::runtimes::primitives::{
    Barrier, Once, Primitives, RwLock, Semaphore, SendNow, Watcher, Watches,
};

/// Tasks that meet.
const TASKS: usize = 10;

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name, unit, what, work| rows.push(Row::micro("sync", name, unit, what, work));
    let read_what = "10 tasks read 200 times each and yield while they do";
    add(
        "rwlock_read",
        "ns/lock",
        read_what,
        on_each!(rwlock_read own),
    );
    let write_what = "10 tasks write 200 times each and yield while they do";
    add(
        "rwlock_write",
        "ns/lock",
        write_what,
        on_each!(rwlock_write own),
    );
    let mixed_what = "8 tasks read, 2 write, 200 times each, and yield while they do";
    add(
        "rwlock_mixed",
        "ns/lock",
        mixed_what,
        on_each!(rwlock_mixed own),
    );
    let permits_what =
        "10 tasks take one of three permits 200 times each and yield while they have it";
    add(
        "semaphore",
        "ns/permit",
        permits_what,
        on_each!(semaphore own),
    );
    let one_what = "one task sends 10 000 numbers to another through a channel without a bound";
    add(
        "mpsc_unbounded_1",
        "ns/message",
        one_what,
        on_each!(unbounded_1 own),
    );
    let five_what = "five tasks send 1000 numbers each to one, without a bound";
    add(
        "mpsc_unbounded_5",
        "ns/message",
        five_what,
        on_each!(unbounded_5 own),
    );
    let broadcast_what = "a task sends 1000 numbers to 10 receiving tasks and yields after each";
    add(
        "broadcast",
        "ns/delivery",
        broadcast_what,
        on_each!(broadcast own),
    );
    let watch_what =
        "a task sends 500 values, each when its 10 watching tasks have seen the one before";
    rows.push(
        Row::micro(
            "sync",
            "watch",
            "ns/delivery",
            watch_what,
            watch_each!(watch),
        )
        .without_smol(),
    );
    let mut add = |name, unit, what, work| rows.push(Row::micro("sync", name, unit, what, work));
    let barrier_what = "10 tasks wait for each other at a barrier, 200 times";
    add("barrier", "ns/wait", barrier_what, on_each!(barrier own));
    let once_what = "10 tasks ask for each of 100 cells, whose contents take a yield to make";
    add("once", "ns/ask", once_what, on_each!(once own));
    rows
}

/// Ten tasks, each a call of `each` with its number; until the last is done.
fn meet<R: Runtime, F>(plan: &Plan, operations: usize, each: impl Fn() -> F) -> Sample
where
    F: TaskOf,
{
    timed::<R, _>(plan, operations, || {
        let maker = each();
        async move {
            let start = Moment::now();
            let countdown = Countdown::new(TASKS);
            for number in 0..TASKS {
                let (work, countdown) = (maker.task(number), countdown.clone());
                R::spawn_detached(async move {
                    work.await;
                    countdown.done();
                });
            }
            countdown.wait().await;
            start.elapsed()
        }
    })
}

/// Makes the task of a number.
trait TaskOf: Send + 'static {
    fn task(&self, number: usize) -> impl Future<Output = ()> + Send + 'static;
}

impl<F, Fut> TaskOf for F
where
    F: Fn(usize) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    fn task(&self, number: usize) -> impl Future<Output = ()> + Send + 'static {
        self(number)
    }
}

async fn read_often<R: Runtime, K: Primitives>(lock: Arc<K::RwLock>, times: usize) {
    for _ in 0..times {
        let guard = lock.read().await;
        R::yield_now().await;
        drop(guard);
    }
}

async fn write_often<R: Runtime, K: Primitives>(lock: Arc<K::RwLock>, times: usize) {
    for _ in 0..times {
        let mut guard = lock.write().await;
        let before = *guard;
        R::yield_now().await;
        *guard = before + 1;
    }
}

fn rwlock_read<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let times = plan.size(200, 10);
    meet::<R, _>(plan, TASKS * times, move || {
        let lock = Arc::<K::RwLock>::default();
        move |_| read_often::<R, K>(lock.clone(), times)
    })
}

fn rwlock_write<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let times = plan.size(200, 10);
    meet::<R, _>(plan, TASKS * times, move || {
        let lock = Arc::<K::RwLock>::default();
        move |_| write_often::<R, K>(lock.clone(), times)
    })
}

fn rwlock_mixed<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let times = plan.size(200, 10);
    meet::<R, _>(plan, TASKS * times, move || {
        let lock = Arc::<K::RwLock>::default();
        move |number| {
            let lock = lock.clone();
            async move {
                if number % 5 == 0 {
                    write_often::<R, K>(lock, times).await;
                } else {
                    read_often::<R, K>(lock, times).await;
                }
            }
        }
    })
}

fn semaphore<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let times = plan.size(200, 10);
    meet::<R, _>(plan, TASKS * times, move || {
        let semaphore = Arc::new(K::Semaphore::new(3));
        move |_| {
            let semaphore = semaphore.clone();
            async move {
                for _ in 0..times {
                    let permit = semaphore.acquire().await;
                    R::yield_now().await;
                    drop(permit);
                }
            }
        }
    })
}

fn barrier<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let times = plan.size(200, 10);
    meet::<R, _>(plan, TASKS * times, move || {
        let barrier = Arc::new(K::Barrier::new(TASKS));
        move |_| {
            let barrier = barrier.clone();
            async move {
                for _ in 0..times {
                    barrier.wait().await;
                }
            }
        }
    })
}

fn once<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = plan.size(100, 10);
    meet::<R, _>(plan, TASKS * count, move || {
        let cells: Arc<Vec<K::Once>> = Arc::new((0..count).map(|_| K::Once::default()).collect());
        move |_| {
            let cells = cells.clone();
            async move {
                for (number, cell) in cells.iter().enumerate() {
                    let make = async move {
                        R::yield_now().await;
                        number
                    };
                    assert_eq!(cell.get_or_init(make).await, number);
                }
            }
        }
    })
}

fn unbounded_1<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    unbounded::<R, K>(plan, 1, plan.size(10_000, 200))
}

fn unbounded_5<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    unbounded::<R, K>(plan, 5, plan.size(1000, 50))
}

fn unbounded<R: Runtime, K: Primitives>(plan: &Plan, senders: usize, each: usize) -> Sample {
    timed::<R, _>(plan, senders * each, move || async move {
        let start = Moment::now();
        let (sender, mut receiver) = K::unbounded();
        for _ in 0..senders {
            let sender = sender.clone();
            R::spawn_detached(async move { (0..each).for_each(|number| sender.send_now(number)) });
        }
        drop(sender);
        let mut sum = 0;
        while let Some(number) = receiver.recv().await {
            sum += number;
        }
        assert_eq!(sum, senders * (each * (each - 1) / 2));
        start.elapsed()
    })
}

fn broadcast<R: Runtime, K: Primitives>(plan: &Plan) -> Sample {
    let count = plan.size(1000, 50);
    timed::<R, _>(plan, TASKS * count, move || async move {
        let start = Moment::now();
        let (sender, receivers) = K::broadcast(1024, TASKS);
        let countdown = Countdown::new(TASKS);
        for mut receiver in receivers {
            let countdown = countdown.clone();
            R::spawn_detached(async move {
                for number in 0..count {
                    assert_eq!(receiver.recv().await, Some(number));
                }
                countdown.done();
            });
        }
        for number in 0..count {
            sender.send_now(number);
            R::yield_now().await;
        }
        countdown.wait().await;
        start.elapsed()
    })
}

fn watch<R: Runtime, K: Watches>(plan: &Plan) -> Sample {
    let count = plan.size(500, 20);
    timed::<R, _>(plan, TASKS * count, move || async move {
        let start = Moment::now();
        let (sender, receivers) = K::watch(TASKS);
        let seen = Countdown::new(TASKS);
        for mut receiver in receivers {
            let seen = seen.clone();
            R::spawn_detached(async move {
                for number in 1..=count {
                    assert_eq!(receiver.changed().await, number);
                    seen.done();
                }
            });
        }
        for number in 1..=count {
            sender.send_now(number);
            seen.wait().await;
            seen.again(TASKS);
        }
        start.elapsed()
    })
}
