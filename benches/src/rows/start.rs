//! `start`: a runtime's creation and shutdown, which short programs and tests pay each time.

use std::time::Duration;

use super::row::{Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::Runtime;

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let empty =
        "a runtime is created, runs an empty root future and is stopped, its threads joined";
    let used = "the same, and the root future awaits a sleep of 0.1 ms and a spawn_blocking call";
    vec![
        Row::micro("start", "empty", "ns/runtime", empty, on_each!(start_empty)),
        Row::micro("start", "used", "ns/runtime", used, on_each!(start_used)),
    ]
}

fn start_empty<R: Runtime>(plan: &Plan) -> Sample {
    starts::<R, _>(plan, || async {})
}

fn start_used<R: Runtime>(plan: &Plan) -> Sample {
    starts::<R, _>(plan, || async {
        R::sleep(Duration::from_micros(100)).await;
        assert_eq!(R::spawn_blocking(|| 1).await, 1);
    })
}

fn starts<R: Runtime, F: Future<Output = ()> + Send + 'static>(
    plan: &Plan,
    root: impl Fn() -> F,
) -> Sample {
    let count = plan.size(10, 1);
    plan.measure(count, || {
        let start = Moment::now();
        for _ in 0..count {
            R::start_and_stop(plan.workers, root());
        }
        start.elapsed()
    })
}
