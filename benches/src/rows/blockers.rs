//! `mixed`, inside one process: many tasks that block at the same time, and a runtime with nothing to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::countdown::Countdown;
use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::{Runtime, Spares};
use crate::sys::counters;

/// How long each task blocks.
const BLOCKED: Duration = Duration::from_millis(10);
/// From one look at the number of threads to the next.
const LOOK: Duration = Duration::from_millis(1);
/// How long to wait until additional threads are gone; those that are not are reported as gone then.
const PATIENCE: Duration = Duration::from_secs(8);

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let all_blocked = "1000 tasks that each block their thread for 10 ms once, all at the same time, \
                       until the last is done";
    let nothing = "context switches of a runtime with nothing to do, which end with the one of the \
                   thread that counts them";
    vec![
        Row::micro("mixed", "blockers_1000", "ms", all_blocked, on_each!(block)),
        Row::micro("mixed", "idle", "switches/s", nothing, on_each!(idle)),
    ]
}

fn block<R: Runtime>(plan: &Plan) -> Sample {
    let host = Arc::new(R::start(plan.workers));
    let count = plan.size(1000, 20);
    // Starts the workers, some of which may wait for their first task.
    R::run(&host, tasks::<R>(100, Duration::ZERO));
    let before = counters::threads();
    let watch = Watch::start::<R>(&host);
    let took = R::run(&host, tasks::<R>(count, BLOCKED));
    let ended = Moment::now();
    let sample = Sample::new(took.as_secs_f64() * 1e3);
    if plan.smoke {
        return watch.stop(sample, before);
    }
    let standing_in = |host: &R::Host| R::spares(host).is_some_and(|spares| spares.at_work > 0);
    let retired = until(|| !standing_in(&host));
    // The watch is one thread more.
    let gone = until(|| counters::threads() <= before + 1);
    let ms =
        |moment: Option<Moment>| moment.map_or(PATIENCE, |at| at.since(ended)).as_secs_f64() * 1e3;
    let sample = sample
        .with("retired after ms", ms(retired))
        .with("threads gone after ms", ms(gone));
    watch.stop(sample, before)
}

/// Spawns the tasks and waits for the last.
async fn tasks<R: Runtime>(count: usize, blocked: Duration) -> Duration {
    let start = Moment::now();
    let countdown = Countdown::new(count);
    for _ in 0..count {
        let countdown = countdown.clone();
        R::spawn_detached(async move {
            std::thread::sleep(blocked);
            countdown.done();
        });
    }
    countdown.wait().await;
    start.elapsed()
}

/// When `done` first held; `None` if it did not for [`PATIENCE`].
fn until(done: impl Fn() -> bool) -> Option<Moment> {
    let start = Moment::now();
    while !done() {
        if start.elapsed() > PATIENCE {
            return None;
        }
        std::thread::sleep(LOOK);
    }
    Some(Moment::now())
}

/// Looks every millisecond how many threads there are.
struct Watch {
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Peaks>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Peaks {
    threads: usize,
    spares: Option<Spares>,
}

impl Watch {
    fn start<R: Runtime>(host: &Arc<R::Host>) -> Watch {
        let (over, host) = (Arc::new(AtomicBool::new(false)), host.clone());
        let watched = over.clone();
        let thread = std::thread::spawn(move || {
            let mut peaks = Peaks::default();
            while !watched.load(Ordering::Relaxed) {
                peaks.threads = peaks.threads.max(counters::threads());
                peaks.spares = most(peaks.spares, R::spares(&host));
                std::thread::sleep(LOOK);
            }
            peaks
        });
        Watch { over, thread }
    }

    /// Adds what was seen.
    fn stop(self, sample: Sample, before: usize) -> Sample {
        self.over.store(true, Ordering::Relaxed);
        let peaks = self.thread.join().expect("the watch does not panic");
        let sample = sample
            .with("threads before", before as f64)
            .with("threads peak", peaks.threads.saturating_sub(1) as f64);
        match peaks.spares {
            Some(spares) => {
                assert!(
                    spares.threads <= spares.cap,
                    "{} spare threads are more than the cap of {}",
                    spares.threads,
                    spares.cap
                );
                sample.with("spares peak", spares.threads as f64)
            }
            None => sample,
        }
    }
}

fn most(a: Option<Spares>, b: Option<Spares>) -> Option<Spares> {
    std::cmp::max_by_key(a, b, |spares| spares.map(|spares| spares.threads))
}

/// Counts for a second, after what starting left behind has settled. The figure is at least 1: whoever counts sleeps
/// meanwhile.
fn idle<R: Runtime>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let smoke = plan.smoke;
    let time = |full| Duration::from_millis(if smoke { 20 } else { full });
    R::run(&host, tasks::<R>(100, Duration::ZERO));
    std::thread::sleep(time(500));
    let (before, start) = (counters::own(), Moment::now());
    std::thread::sleep(time(1000));
    let used = counters::own().since(before);
    let over = start.elapsed().as_secs_f64();
    Sample::new((used.switches / over).max(1.0)).with("cpu µs/s", used.cpu_ns / 1e3 / over)
}
