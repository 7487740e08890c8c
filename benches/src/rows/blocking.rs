//! `blocking`: functions handed to the threads where blocking is allowed.

use futures_util::future::join_all;

use super::countdown::Countdown;
use super::row::{Micro, Row, on_each};
use crate::harness::clock::Moment;
use crate::harness::plan::Plan;
use crate::harness::sample::Sample;
use crate::runtimes::Runtime;

/// Rows of this file.
pub(super) fn rows() -> Vec<Row> {
    let what = "that many tasks, each 100 batches of 16 empty spawn_blocking calls, awaited batch by batch";
    [
        ("spawn_1", on_each!(batches[1]) as Micro),
        ("spawn_4", on_each!(batches[4])),
        ("spawn_16", on_each!(batches[16])),
    ]
    .map(|(name, work)| Row::micro("blocking", name, "ns/call", what, work))
    .into()
}

fn batches<R: Runtime, const TASKS: usize>(plan: &Plan) -> Sample {
    let host = R::start(plan.workers);
    let batches = plan.size(100, 3);
    plan.measure(TASKS * batches * 16, || {
        R::run(&host, async move {
            let start = Moment::now();
            let countdown = Countdown::new(TASKS);
            for _ in 0..TASKS {
                let countdown = countdown.clone();
                R::spawn_detached(async move {
                    for batch in 0..batches {
                        let calls = (0..16).map(|i| R::spawn_blocking(move || batch + i));
                        let answers = join_all(calls).await;
                        assert!(
                            answers
                                .iter()
                                .enumerate()
                                .all(|(i, &answer)| answer == batch + i)
                        );
                    }
                    countdown.done();
                });
            }
            countdown.wait().await;
            start.elapsed()
        })
    })
}
