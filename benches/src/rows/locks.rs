//! `wake`: notifications and the hand-over of a contended lock. Own and neutral kits as in [`super::wake`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::countdown::Countdown;
use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::Runtime;
use crate::runtimes::kit::{Kit, Mutex, Notify};

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name, unit, what, work| rows.push(Row::micro("wake", name, unit, what, work));
    let same = "the same with the same neutral crate on every runtime";
    let round =
        "a task notifies one of 50 waiting tasks 1000 times; each notified task notifies it back";
    add("notify", "ns/round trip", round, on_each!(notify own));
    add("notify_same", "ns/round trip", same, on_each!(notify same));
    add(
        "mutex",
        "ns/lock",
        "10 tasks lock one mutex 200 times each and yield while they hold it",
        on_each!(mutex own),
    );
    add("mutex_same", "ns/lock", same, on_each!(mutex same));
    rows
}

struct Board<K: Kit> {
    there: K::Notify,
    back: K::Notify,
}

fn notify<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let (waiters, rounds) = (50, plan.size(1000, 20));
    plan.measure(rounds, || {
        R::run(&host, async move {
            let notifier = async move {
                let board = Arc::new(Board::<K> {
                    there: K::Notify::default(),
                    back: K::Notify::default(),
                });
                let ended = Countdown::new(waiters);
                let stop = Arc::new(AtomicBool::new(false));
                for _ in 0..waiters {
                    R::spawn_detached(notify_back(board.clone(), stop.clone(), ended.clone()));
                }
                let start = Moment::now();
                for _ in 0..rounds {
                    board.there.notify_one();
                    board.back.notified().await;
                }
                let time = start.elapsed();
                // Let them end, so that the next pass starts without waiters.
                stop.store(true, Ordering::Release);
                board.there.notify_one();
                ended.wait().await;
                time
            };
            R::spawn(notifier).await
        })
    })
}

async fn notify_back<K: Kit>(board: Arc<Board<K>>, stop: Arc<AtomicBool>, ended: Arc<Countdown>) {
    loop {
        board.there.notified().await;
        if stop.load(Ordering::Acquire) {
            break;
        }
        board.back.notify_one();
    }
    // Each that ends lets the next one end.
    board.there.notify_one();
    ended.done();
}

fn mutex<R: Runtime, K: Kit>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let (tasks, locks) = (10, plan.size(200, 10));
    plan.measure(tasks * locks, || {
        R::run(&host, async move {
            let start = Moment::now();
            let countdown = Countdown::new(tasks);
            let mutex = Arc::new(K::Mutex::default());
            for _ in 0..tasks {
                R::spawn_detached(lock_often::<R, K>(mutex.clone(), locks, countdown.clone()));
            }
            countdown.wait().await;
            let time = start.elapsed();
            assert_eq!(*mutex.lock().await, (tasks * locks) as u64);
            time
        })
    })
}

async fn lock_often<R: Runtime, K: Kit>(
    mutex: Arc<K::Mutex>,
    times: usize,
    countdown: Arc<Countdown>,
) {
    for _ in 0..times {
        let mut guard = mutex.lock().await;
        let before = *guard;
        R::yield_now().await;
        *guard = before + 1;
    }
    countdown.done();
}
