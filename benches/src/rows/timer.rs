//! `timer`: what a deadline costs that never comes, and how well those are kept that come.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use super::countdown::Countdown;
use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::harness::stats;
use crate::runtimes::Runtime;

/// A deadline that does not come while a pass runs.
const LATER: Duration = Duration::from_secs(10);

/// Steps between two yields: with its budget used up, a task's timers are refused, which is not what is measured.
const TURN: usize = 64;

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name, unit, what, work| rows.push(Row::micro("timer", name, unit, what, work));
    add(
        "create_drop",
        "ns/timer",
        "sleep(10 s) created and dropped unpolled",
        on_each!(create_drop),
    );
    add(
        "create_poll_drop",
        "ns/timer",
        "sleep(10 s) created, polled once and dropped",
        on_each!(create_poll_drop),
    );
    add(
        "timeout_ready",
        "ns/timeout",
        "timeout(10 s) around a future that is ready at once",
        on_each!(timeout_ready),
    );
    add(
        "timeout_yield",
        "ns/timeout",
        "timeout(10 s) around a future that yields once",
        on_each!(timeout_yield),
    );
    add(
        "reset",
        "ns/reset",
        "a registered sleep's deadline moved on by 10 s from now and polled",
        on_each!(reset),
    );
    let fire = "100 000 tasks sleep 1 to 10 ms each, from the first spawn until the last is done (10 ms at the least)";
    add("fire_100k", "ns/sleep", fire, on_each!(fire_100k));
    add(
        "fire_1m",
        "ns/sleep",
        "the same with a million tasks, one pass",
        on_each!(fire_1m),
    );
    let late = "10 tasks with an interval of 5 ms on idle workers: the median lateness of a tick";
    add(
        "interval_lateness",
        "ns late",
        late,
        on_each!(interval_lateness),
    );
    rows
}

/// Does `step` `count` times in one task; the figure is the time per step.
fn steps<R: Runtime, F>(plan: &Plan, step: impl Fn() -> F + Copy + Send + 'static) -> Sample
where
    F: Future<Output = ()> + Send,
{
    let host = R::start(plan.workers);
    let count = plan.size(10_000, 100);
    plan.measure(count, || {
        R::run(&host, async move {
            let body = async move {
                let start = Moment::now();
                for i in 1..=count {
                    step().await;
                    if i % TURN == 0 {
                        R::yield_now().await;
                    }
                }
                start.elapsed()
            };
            R::spawn(body).await
        })
    })
}

/// Polls once; that registers a deadline that lies ahead.
async fn poll_once(mut future: Pin<&mut impl Future>) {
    poll_fn(|cx| {
        assert!(
            future.as_mut().poll(cx).is_pending(),
            "a deadline 10 s ahead has come"
        );
        Poll::Ready(())
    })
    .await;
}

fn create_drop<R: Runtime>(plan: &Plan) -> Sample {
    steps::<R, _>(plan, || async {
        drop(std::hint::black_box(R::sleep(LATER)))
    })
}

fn create_poll_drop<R: Runtime>(plan: &Plan) -> Sample {
    steps::<R, _>(plan, || async { poll_once(pin!(R::sleep(LATER))).await })
}

fn timeout_ready<R: Runtime>(plan: &Plan) -> Sample {
    steps::<R, _>(plan, || async {
        assert_eq!(R::timeout(LATER, async { 1 }).await, Some(1))
    })
}

fn timeout_yield<R: Runtime>(plan: &Plan) -> Sample {
    steps::<R, _>(plan, || async {
        assert_eq!(R::timeout(LATER, R::yield_now()).await, Some(()))
    })
}

fn reset<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(10_000, 100);
    plan.measure(count, || {
        R::run(&host, async move {
            let body = async move {
                let mut sleep = pin!(R::sleep(LATER));
                poll_once(sleep.as_mut()).await;
                let start = Moment::now();
                for i in 1..=count {
                    if i % TURN == 0 {
                        R::yield_now().await;
                    }
                    R::reset(sleep.as_mut(), LATER);
                    poll_once(sleep.as_mut()).await;
                }
                start.elapsed()
            };
            R::spawn(body).await
        })
    })
}

fn fire_100k<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(100_000, 1000);
    plan.measure(count, || R::run(&host, fire::<R>(count)))
}

fn fire_1m<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let count = plan.size(1_000_000, 10_000);
    plan.measure_once(count, || R::run(&host, fire::<R>(count)))
}

async fn fire<R: Runtime>(count: usize) -> Duration {
    let start = Moment::now();
    let countdown = Countdown::new(count);
    for i in 0..count {
        let countdown = countdown.clone();
        let pause = Duration::from_micros(1000 + (i as u64 * 7919) % 9001);
        R::spawn_detached(async move {
            let start = Moment::now();
            R::sleep(pause).await;
            assert!(start.elapsed() >= pause, "a sleep ended early");
            countdown.done();
        });
    }
    countdown.wait().await;
    start.elapsed()
}

fn interval_lateness<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let (tasks, ticks) = (10, plan.size(40, 5));
    let mut late = R::run(&host, async move {
        let handles: Vec<_> = (0..tasks).map(|_| R::spawn(lateness::<R>(ticks))).collect();
        let mut late = Vec::new();
        for handle in handles {
            late.extend(handle.await);
        }
        late
    });
    late.sort_by(f64::total_cmp);
    let at = |share| stats::quantile(&late, share).expect("there were ticks");
    Sample::new(at(0.5))
        .with("p99 late ns", at(0.99))
        .with("max late ns", at(1.0))
}

async fn lateness<R: Runtime>(ticks: usize) -> Vec<f64> {
    let period = Duration::from_millis(5);
    let start = Moment::now();
    let mut interval = R::interval(period);
    let mut late = Vec::with_capacity(ticks);
    for tick in 1..=ticks {
        R::tick(&mut interval).await;
        late.push(Moment::now().since(start + period * tick as u32).as_nanos() as f64);
    }
    late
}
