//! `local`: a runtime of one thread whose tasks need not be Send, beside tokio's current-thread runtime with a
//! `LocalSet` and smol's `LocalExecutor`. The workloads are those of `wake/yield`, `spawn/join_all` and
//! `wake/ping_pong`.

use super::countdown::Countdown;
use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::kit::Kit;
use crate::runtimes::local::Local;

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let yields = "200 tasks on one thread that yield 1000 times each";
    let spawns = "a task spawns 1000 tasks on its thread, then awaits them all";
    let partners =
        "1000 tasks on one thread, each spawns a partner, sends it a oneshot and awaits one back";
    let row = |name, unit, what, work| Row::micro("local", name, unit, what, work);
    vec![
        row("yield", "ns/yield", yields, on_each!(local yield_many)),
        row("spawn", "ns/task", spawns, on_each!(local spawn)),
        row("ping_pong", "ns/pair", partners, on_each!(local ping_pong)),
    ]
}

fn yield_many<R: Local>(plan: &Plan) -> Sample {
    let host = R::start();
    let (tasks, yields) = (plan.size(200, 20), plan.size(1000, 20));
    plan.measure(tasks * yields, || {
        R::run(&host, async move {
            let start = Moment::now();
            let countdown = Countdown::new(tasks);
            for _ in 0..tasks {
                let countdown = countdown.clone();
                R::spawn_detached(async move {
                    for _ in 0..yields {
                        R::yield_now().await;
                    }
                    countdown.done();
                });
            }
            countdown.wait().await;
            start.elapsed()
        })
    })
}

fn spawn<R: Local>(plan: &Plan) -> Sample {
    let host = R::start();
    let count = plan.size(1000, 50);
    plan.measure(count, || {
        let body = async move {
            let start = Moment::now();
            let handles: Vec<_> = (0..count).map(|i| R::spawn(async move { i })).collect();
            for (i, handle) in handles.into_iter().enumerate() {
                assert_eq!(handle.await, i);
            }
            start.elapsed()
        };
        R::run(&host, async move { R::spawn(body).await })
    })
}

fn ping_pong<R: Local>(plan: &Plan) -> Sample {
    let host = R::start();
    let pairs = plan.size(1000, 50);
    plan.measure(pairs, || {
        let body = async move {
            let start = Moment::now();
            let countdown = Countdown::new(pairs);
            for i in 0..pairs {
                let countdown = countdown.clone();
                R::spawn_detached(async move {
                    ping::<R>(i).await;
                    countdown.done();
                });
            }
            countdown.wait().await;
            start.elapsed()
        };
        R::run(&host, async move { R::spawn(body).await })
    })
}

async fn ping<R: Local>(number: usize) {
    let (ball, arrived) = R::Kit::oneshot();
    let (back, returned) = R::Kit::oneshot();
    R::spawn_detached(async move { back(arrived.await) });
    ball(number);
    assert_eq!(returned.await, number);
}
