//! `plain`: the scheduling rows as somebody writes them who does not know the runtimes.
//!
//! What differs from `spawn` and `wake`: the root future runs in `block_on`, on a thread that is no worker. The time is
//! taken on that thread and includes waking it. Channels are the same neutral ones everywhere. So all of them measure
//! the same parts beside the schedulers, and ratios lie closer to 1.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::Poll;
use std::time::Duration;

use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::Runtime;
use crate::runtimes::kit::{Kit, Neutral, Receiver, Sender};

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name, unit, what, work| rows.push(Row::micro("plain", name, unit, what, work));
    let remote_what = "block_on spawns 10 000 tasks; a std channel tells the end";
    add("remote", "ns/task", remote_what, on_each!(remote));
    let local_what = "a task spawns 10 000 tasks; a std channel tells the end";
    add("local", "ns/task", local_what, on_each!(local));
    let one = "a task spawns and awaits 10 000 tasks, one by one";
    add("join_one", "ns/task", one, on_each!(join_one));
    let all = "a task spawns 10 000 tasks and awaits them all";
    add("join_all", "ns/task", all, on_each!(join_all));
    let yields_what =
        "200 tasks that block_on spawns yield 1000 times each; a std channel tells the end";
    add("yield", "ns/yield", yields_what, on_each!(yields));
    let chained_what = "1000 tasks, each spawns the next; a std channel tells the end";
    add("chained", "ns/task", chained_what, on_each!(chained));
    let channel_what = "a task sends 100 000 numbers to another, capacity 128, neutral channel";
    add("channel", "ns/message", channel_what, on_each!(channel));
    let ring_what = "a token goes 100 times around 100 tasks and neutral channels";
    add("ring", "ns/hop", ring_what, on_each!(ring));
    let sleep = "100 000 tasks sleep 1 to 50 ms each: 500 ns at the least, as 50 ms have to pass";
    add("sleep_100k", "ns/sleep", sleep, on_each!(sleeps));
    let timers_what = "100 000 sleeps of seconds, polled once and dropped";
    add("timer_drop", "ns/timer", timers_what, on_each!(timers));
    rows
}

/// Runs `root` in `block_on`, then waits for the end that it gets to tell; the time is that of both.
fn pass<R: Runtime, F>(
    host: &R::Host,
    count: usize,
    root: impl FnOnce(Arc<End>) -> F + Send + 'static,
) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let (told, ended) = sync_channel(1);
    let end = Arc::new(End {
        left: AtomicUsize::new(count),
        told,
    });
    let start = Moment::now();
    R::block_on(host, root(end));
    ended.recv().expect("the last task tells");
    start.elapsed()
}

/// Tells when as many tasks as it was made for are done.
struct End {
    left: AtomicUsize,
    told: SyncSender<()>,
}

impl End {
    fn done(&self) {
        // AcqRel: who tells comes after all the others.
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.told.send(()).expect("somebody waits for the end");
        }
    }
}

/// As `pass`, in a task.
fn pass_in_task<R: Runtime, F>(host: &R::Host, body: F) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    pass::<R, _>(host, 1, |end| async move {
        R::spawn(body).await;
        end.done();
    })
}

fn remote<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(10_000, 200);
    plan.measure(count, || {
        pass::<R, _>(&host, count, move |end| async move {
            spawn_all::<R>(count, &end)
        })
    })
}

fn local<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(10_000, 200);
    plan.measure(count, || {
        pass::<R, _>(&host, count, move |end| async move {
            R::spawn(async move { spawn_all::<R>(count, &end) }).await;
        })
    })
}

fn spawn_all<R: Runtime>(count: usize, end: &Arc<End>) {
    for _ in 0..count {
        let end = end.clone();
        R::spawn_detached(async move { end.done() });
    }
}

fn join_one<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(10_000, 200);
    plan.measure(count, || {
        pass_in_task::<R, _>(&host, async move {
            for i in 0..count {
                assert_eq!(R::spawn(async move { i }).await, i);
            }
        })
    })
}

fn join_all<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(10_000, 200);
    plan.measure(count, || {
        pass_in_task::<R, _>(&host, async move {
            let handles: Vec<_> = (0..count).map(|i| R::spawn(async move { i })).collect();
            for (i, handle) in handles.into_iter().enumerate() {
                assert_eq!(handle.await, i);
            }
        })
    })
}

fn yields<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let (tasks, yields) = (plan.size(200, 20), plan.size(1000, 20));
    plan.measure(tasks * yields, || {
        pass::<R, _>(&host, tasks, move |end| async move {
            for _ in 0..tasks {
                let end = end.clone();
                R::spawn_detached(async move {
                    for _ in 0..yields {
                        R::yield_now().await;
                    }
                    end.done();
                });
            }
        })
    })
}

fn chained<R: Runtime>(plan: &Plan) -> Sample {
    /// A function, since a future that spawns its own type needs an end to inference.
    #[allow(
        clippy::manual_async_fn,
        reason = "what is returned has to be said to be Send"
    )]
    fn link<R: Runtime>(left: usize, end: Arc<End>) -> impl Future<Output = ()> + Send + 'static {
        async move {
            if left == 0 {
                end.done();
            } else {
                spawn_link::<R>(left - 1, end);
            }
        }
    }
    fn spawn_link<R: Runtime>(left: usize, end: Arc<End>) {
        R::spawn_detached(link::<R>(left, end));
    }
    let host = R::start(plan.workers);
    let depth = plan.size(1000, 50);
    plan.measure(depth, || {
        pass::<R, _>(
            &host,
            1,
            move |end| async move { spawn_link::<R>(depth, end) },
        )
    })
}

fn channel<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(100_000, 1000);
    plan.measure(count, || {
        pass_in_task::<R, _>(&host, async move {
            let (sender, mut receiver) = Neutral::mpsc::<usize>(128);
            R::spawn_detached(async move {
                for i in 0..count {
                    sender.send(i).await;
                }
            });
            while receiver.recv().await.is_some() {}
        })
    })
}

fn ring<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let (tasks, rounds) = (100, plan.size(100, 3));
    plan.measure(tasks * rounds, || {
        pass_in_task::<R, _>(&host, async move {
            let (first, mut last) = async_channel::bounded::<usize>(1);
            for _ in 0..tasks {
                let (to, next) = async_channel::bounded(1);
                let from = std::mem::replace(&mut last, next);
                R::spawn_detached(async move {
                    while let Ok(token) = from.recv().await {
                        if to.send(token).await.is_err() {
                            break;
                        }
                    }
                });
            }
            for round in 0..rounds {
                first.send(round).await.expect("the ring is closed");
                assert_eq!(last.recv().await, Ok(round));
            }
        })
    })
}

fn sleeps<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(100_000, 1000);
    plan.measure(count, || {
        pass_in_task::<R, _>(&host, async move {
            let spawn = |i: u64| {
                let pause = Duration::from_micros(1000 + (i * 7919) % 49_000);
                R::spawn(async move { _ = R::sleep(pause).await })
            };
            let handles: Vec<_> = (0..count as u64).map(spawn).collect();
            for handle in handles {
                handle.await;
            }
        })
    })
}

fn timers<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(100_000, 1000);
    plan.measure(count, || {
        pass_in_task::<R, _>(&host, async move {
            for i in 0..count as u64 {
                let mut sleep = pin!(R::sleep(Duration::from_millis(1000 + i % 5000)));
                poll_fn(|cx| Poll::Ready(_ = sleep.as_mut().poll(cx))).await;
                if i % 64 == 0 {
                    R::yield_now().await;
                }
            }
        })
    })
}
