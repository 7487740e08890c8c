//! `spawn`: creating tasks and awaiting them, from inside the runtime. From other threads: [`super::foreign`].

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::countdown::Countdown;
use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::Runtime;

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name, what, work| rows.push(Row::micro("spawn", name, "ns/task", what, work));
    let root = "10 000 tasks spawned by the root future, until the last has run";
    add("many_root", root, on_each!(many_root[0]));
    add(
        "many_root_64",
        "the same, the future holds 64 bytes",
        on_each!(many_root[64]),
    );
    add(
        "many_root_512",
        "the same, the future holds 512 bytes",
        on_each!(many_root[512]),
    );
    add(
        "many_task",
        "10 000 tasks spawned by a task, until the last has run",
        on_each!(many_task[0]),
    );
    add(
        "many_task_64",
        "the same, the future holds 64 bytes",
        on_each!(many_task[64]),
    );
    add(
        "many_task_512",
        "the same, the future holds 512 bytes",
        on_each!(many_task[512]),
    );
    add(
        "join_one",
        "a task spawns 1000 tasks, awaiting each before the next",
        on_each!(join_one[0]),
    );
    add(
        "join_one_64",
        "the same, the future holds 64 bytes",
        on_each!(join_one[64]),
    );
    add(
        "join_one_512",
        "the same, the future holds 512 bytes",
        on_each!(join_one[512]),
    );
    add(
        "join_all",
        "a task spawns 1000 tasks, then awaits them all",
        on_each!(join_all[0]),
    );
    add(
        "join_all_64",
        "the same, the future holds 64 bytes",
        on_each!(join_all[64]),
    );
    add(
        "join_all_512",
        "the same, the future holds 512 bytes",
        on_each!(join_all[512]),
    );
    add(
        "chained",
        "each task spawns the next, 1000 deep",
        on_each!(chained[0]),
    );
    add(
        "chained_64",
        "the same, the future holds 64 bytes",
        on_each!(chained[64]),
    );
    add(
        "chained_512",
        "the same, the future holds 512 bytes",
        on_each!(chained[512]),
    );
    rows
}

/// Runs `body` as a task and returns the time it says it took.
fn timed_in_task<R: Runtime>(
    host: &R::Host,
    body: impl Future<Output = Duration> + Send + 'static,
) -> Duration {
    R::run(host, async move { R::spawn(body).await })
}

async fn spawn_many<R: Runtime, const BYTES: usize>(count: usize) -> Duration {
    let start = Moment::now();
    let countdown = Countdown::new(count);
    for _ in 0..count {
        let (countdown, payload) = (countdown.clone(), [0_u8; BYTES]);
        R::spawn_detached(async move {
            black_box(&payload);
            countdown.done();
        });
    }
    countdown.wait().await;
    start.elapsed()
}

fn many_root<R: Runtime, const BYTES: usize>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(10_000, 200);
    plan.measure(count, || R::run(&host, spawn_many::<R, BYTES>(count)))
}

fn many_task<R: Runtime, const BYTES: usize>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(10_000, 200);
    plan.measure(count, || {
        timed_in_task::<R>(&host, spawn_many::<R, BYTES>(count))
    })
}

fn join_one<R: Runtime, const BYTES: usize>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(1000, 50);
    plan.measure(count, || {
        timed_in_task::<R>(&host, async move {
            let start = Moment::now();
            for i in 0..count {
                let payload = [i as u8; BYTES];
                let answer = R::spawn(async move {
                    black_box(&payload);
                    i
                });
                assert_eq!(answer.await, i);
            }
            start.elapsed()
        })
    })
}

fn join_all<R: Runtime, const BYTES: usize>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(1000, 50);
    plan.measure(count, || {
        timed_in_task::<R>(&host, async move {
            let start = Moment::now();
            let mut handles = Vec::with_capacity(count);
            for i in 0..count {
                let payload = [i as u8; BYTES];
                handles.push(R::spawn(async move {
                    black_box(&payload);
                    i
                }));
            }
            for (i, handle) in handles.into_iter().enumerate() {
                assert_eq!(handle.await, i);
            }
            start.elapsed()
        })
    })
}

fn chained<R: Runtime, const BYTES: usize>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let depth = plan.size(1000, 50);
    plan.measure(depth, || {
        timed_in_task::<R>(&host, async move {
            let start = Moment::now();
            let end = Countdown::new(1);
            link::<R, BYTES>(depth, end.clone());
            end.wait().await;
            start.elapsed()
        })
    })
}

/// Spawns a task that spawns the next. A function, since a future that spawns its own type needs an end to inference.
fn link<R: Runtime, const BYTES: usize>(left: usize, end: Arc<Countdown>) {
    struct Link<R, const BYTES: usize> {
        left: usize,
        end: Arc<Countdown>,
        payload: [u8; BYTES],
        runtime: std::marker::PhantomData<fn() -> R>,
    }
    impl<R: Runtime, const BYTES: usize> Future for Link<R, BYTES> {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
            black_box(&self.payload);
            if self.left == 0 {
                self.end.done();
            } else {
                link::<R, BYTES>(self.left - 1, self.end.clone());
            }
            std::task::Poll::Ready(())
        }
    }
    R::spawn_detached(Link::<R, BYTES> {
        left,
        end,
        payload: [0; BYTES],
        runtime: std::marker::PhantomData,
    });
}
