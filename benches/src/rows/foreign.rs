//! `spawn`, from threads that are not the runtime's: 1, 2, 4 and 8 of them, into idle and into busy workers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::countdown::{Countdown, DoneOnDrop};
use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::Runtime;

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add =
        |name, what: &str, work| rows.push(Row::micro("spawn", name, "ns/task", what, work));
    let when_idle =
        "12 800 tasks spawned by that many threads into idle workers, until the last has run";
    let when_busy = "the same into workers that run 2 tasks of {yield_now; spin 10 µs} each, \
                     as many of them as there are processors";
    add("foreign_1_idle", when_idle, on_each!(idle[1]));
    add("foreign_2_idle", when_idle, on_each!(idle[2]));
    add("foreign_4_idle", when_idle, on_each!(idle[4]));
    add("foreign_8_idle", when_idle, on_each!(idle[8]));
    add("foreign_1_busy", when_busy, on_each!(busy[1]));
    add("foreign_2_busy", when_busy, on_each!(busy[2]));
    add("foreign_4_busy", when_busy, on_each!(busy[4]));
    add("foreign_8_busy", when_busy, on_each!(busy[8]));
    rows
}

fn idle<R: Runtime, const THREADS: usize>(plan: &Plan) -> Sample {
    let host = Arc::new(R::start(plan.workers));
    let count = plan.size(12_800, 320);
    plan.measure(count, || spawn_from_threads::<R>(&host, THREADS, count))
}

fn busy<R: Runtime, const THREADS: usize>(plan: &Plan) -> Sample {
    let host = Arc::new(R::start(plan.workers));
    let count = plan.size(12_800, 320);
    // More cannot run at once, whatever the number of workers.
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let spinners = 2 * plan.workers.min(processors);
    plan.measure(count, || {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Countdown::new(spinners);
        for _ in 0..spinners {
            let (stop, done) = (stop.clone(), DoneOnDrop(stopped.clone()));
            R::spawn_from_outside(&host, async move {
                let _done = done;
                while !stop.load(Ordering::Relaxed) {
                    R::yield_now().await;
                    spin(Duration::from_micros(10));
                }
            });
        }
        let time = spawn_from_threads::<R>(&host, THREADS, count);
        stop.store(true, Ordering::Relaxed);
        R::run(&host, async move { stopped.wait().await });
        time
    })
}

/// Spins as tokio's own benchmark does: the thread offers its CPU to others, and so to the spawning threads.
fn spin(time: Duration) {
    let start = Moment::now();
    while start.elapsed() < time {
        std::thread::yield_now();
    }
}

/// The time from the moment that all threads may start to spawn until the last task has run.
fn spawn_from_threads<R: Runtime>(host: &Arc<R::Host>, threads: usize, count: usize) -> Duration {
    let countdown = Countdown::new(count);
    let barrier = Arc::new(Barrier::new(threads + 1));
    let spawners: Vec<_> = (0..threads)
        .map(|_| {
            let (host, barrier, countdown) = (host.clone(), barrier.clone(), countdown.clone());
            std::thread::spawn(move || {
                barrier.wait();
                for _ in 0..count / threads {
                    let countdown = countdown.clone();
                    R::spawn_from_outside(&host, async move { countdown.done() });
                }
            })
        })
        .collect();
    barrier.wait();
    let start = Moment::now();
    let time = R::run(host, async move {
        countdown.wait().await;
        start.elapsed()
    });
    for spawner in spawners {
        spawner.join().expect("a spawning thread does not panic");
    }
    time
}
