//! Structures and time: no child outlives its scope, and no timer is left.

use super::{Row, SOON, begun, each, later, row};
use crate::common::{Count, OnDrop};
use filch::task::{JoinSet, WaitKind};
use filch::testing::{Cut, Report};
use filch::time::{self, sleep};
use filch::{CancelToken, TaskGroup, When};
use std::future::Future;

/// Counts children: those that were made, and those that are gone.
#[derive(Clone, Default)]
struct Census(Count, Count);

impl Census {
    /// One that ends soon.
    fn child(&self) -> impl Future<Output = Result<u32, String>> + Send + use<> {
        self.0.add();
        let gone = self.1.clone();
        let held = OnDrop(move || _ = gone.add());
        async move {
            let _held = held;
            sleep(SOON).await;
            Ok(1)
        }
    }
}

/// Runs what has children, of whom none is left when it is gone.
fn gone<F: Future + 'static>(run: impl Fn(Census) -> F) -> Report {
    each(Census::default, run, async |census: Census, cut: Cut| {
        assert_eq!(census.0.get(), census.1.get());
        assert!(census.0.get() > 0 || !begun(&cut));
    })
}

pub(super) const ROWS: &[Row] = &[
    row("future::Gather", WaitKind::Gather, || {
        gone(async |census| {
            let done = filch::gather([census.child(), census.child()]).await;
            assert_eq!(done.unwrap(), [1, 1]);
        })
    }),
    row("future::GatherResults", WaitKind::Gather, || {
        gone(async |census| {
            let done = filch::gather_results([census.child(), census.child()]).await;
            assert_eq!(done.len(), 2);
        })
    }),
    row("future::GroupRun", WaitKind::Group, || {
        gone(async |census| {
            let ran = TaskGroup::run(async |group| {
                group.spawn(census.child());
                group.spawn(census.child());
                Ok(())
            });
            ran.await.unwrap();
        })
    }),
    row("future::Outcome", WaitKind::Join, || {
        gone(async |census| {
            let ran = TaskGroup::run(async |group| {
                let child = group.spawn(census.child());
                Ok(child.outcome().await.unwrap())
            });
            assert_eq!(ran.await.unwrap(), 1);
        })
    }),
    row("future::SpawnLimited", WaitKind::Semaphore, || {
        gone(async |census| {
            let ran = TaskGroup::limit(1).run(async |group| {
                group.spawn(census.child()).await;
                Ok(group.spawn(census.child()).await.await)
            });
            assert_eq!(ran.await.unwrap(), 1);
        })
    }),
    row("future::Race", WaitKind::Set, || {
        gone(async |census| {
            let first = filch::race([census.child(), census.child()]).await;
            assert_eq!(first, Ok(1));
        })
    }),
    row("future::WaitFor", WaitKind::Set, || {
        each(
            Census::default,
            async |census: Census| {
                let handles = [filch::spawn(census.child()), filch::spawn(census.child())];
                let (done, _left) = filch::wait(handles, When::All).await;
                assert_eq!(done.len(), 2);
            },
            // It cancels nobody: they run to their end.
            async |census, _| {
                sleep(2 * SOON).await;
                assert_eq!(census.0.get(), census.1.get());
            },
        )
    }),
    row("future::RunUntil", WaitKind::Gather, || {
        gone(async |census| {
            let token = CancelToken::new();
            let done = token.run(filch::gather([census.child()])).await;
            assert!(done.is_ok());
        })
    }),
    row("future::UntilCancelled", WaitKind::Cancel, || {
        each(
            CancelToken::new,
            async |token: CancelToken| {
                let theirs = token.clone();
                later(move || theirs.cancel());
                token.cancelled().await;
            },
            async |token, cut| {
                if begun(&cut) {
                    token.cancelled().await;
                }
            },
        )
    }),
    row("future::Shield", WaitKind::Join, || {
        each(
            || (Census::default(), Count::new()),
            async |(census, done): (Census, Count)| {
                let child = census.child();
                filch::shield(async move {
                    child.await.unwrap();
                    done.add();
                })
                .await;
            },
            // It was not cancelled, and is gone.
            async |(census, done), _| {
                assert_eq!(census.0.get(), census.1.get());
                assert_eq!(done.get(), census.0.get());
            },
        )
    }),
    row("future::Finish", WaitKind::Sleep, || {
        each(
            || (Count::new(), Count::new()),
            async |(begun, done): (Count, Count)| {
                begun.add();
                let cleanup = filch::cleanup(async move {
                    sleep(SOON).await;
                    done.add();
                });
                cleanup.finish().await;
            },
            async |(begun, done), _| assert_eq!(begun.get(), done.get()),
        )
    }),
    row("future::CleanupWith", WaitKind::Sleep, || {
        each(
            || (Count::new(), Count::new()),
            async |(begun, done): (Count, Count)| {
                begun.add();
                let guard = filch::cleanup_with(done, async |done: Count| {
                    sleep(SOON).await;
                    done.add();
                });
                sleep(SOON).await;
                guard.finish().await;
            },
            async |(begun, done), _| assert_eq!(begun.get(), done.get()),
        )
    }),
    row("JoinHandle", WaitKind::Join, || {
        each(
            Census::default,
            async |census: Census| drop(filch::spawn(census.child()).await),
            async |census, _| {
                sleep(2 * SOON).await;
                assert_eq!(census.0.get(), census.1.get());
            },
        )
    }),
    row("AbortOnDrop", WaitKind::Join, || {
        gone(async |census| {
            let handle = filch::AbortOnDrop(filch::spawn(census.child()));
            handle.await.unwrap().unwrap();
        })
    }),
    row("future::JoinNext", WaitKind::Gather, || {
        gone(async |census| {
            let mut set = JoinSet::new();
            set.spawn(census.child());
            set.spawn(census.child());
            while set.join_next().await.is_some() {}
        })
    }),
    row("future::JoinNextWithId", WaitKind::Gather, || {
        gone(async |census| {
            let mut set = JoinSet::new();
            let id = set.spawn(census.child()).id();
            assert_eq!(set.join_next_with_id().await.unwrap().unwrap().0, id);
        })
    }),
    row("future::JoinAll", WaitKind::Gather, || {
        gone(async |census| {
            let mut set = JoinSet::new();
            set.spawn(census.child());
            set.spawn(census.child());
            assert_eq!(set.join_all().await.len(), 2);
        })
    }),
    row("future::Shutdown", WaitKind::Gather, || {
        gone(async |census| {
            let mut set = JoinSet::new();
            set.spawn(census.child());
            filch::task::yield_now().await;
            set.shutdown().await;
        })
    }),
    row("join!", WaitKind::All, || {
        gone(async |census| drop(filch::join!(census.child(), census.child())))
    }),
    row("time::Sleep", WaitKind::Sleep, || {
        each(|| (), async |()| sleep(SOON).await, at_rest)
    }),
    row("time::Timeout", WaitKind::Gather, || {
        gone(async |census| {
            let late = time::timeout(SOON / 2, filch::gather([census.child()]));
            assert!(late.await.is_err());
        })
    }),
    row("time::future::WithinDeadline", WaitKind::Gather, || {
        gone(async |census| {
            let late = time::deadline(SOON / 2, async |_| filch::gather([census.child()]).await);
            assert!(late.await.is_err());
        })
    }),
    row("time::future::Tick", WaitKind::Sleep, || {
        each(
            || (),
            async |()| {
                let mut ticks = time::interval(SOON);
                ticks.tick().await;
                ticks.tick().await;
            },
            at_rest,
        )
    }),
    row("time::future::Advance", WaitKind::Sleep, || {
        each(|| (), async |()| time::advance(SOON).await, at_rest)
    }),
    row("task::future::YieldNow", WaitKind::Yield, || {
        each(|| (), async |()| filch::task::yield_now().await, at_rest)
    }),
    row("task::future::ConsumeBudget", WaitKind::Yield, || {
        each(
            || (),
            async |()| {
                for _ in 0..300 {
                    filch::task::consume_budget().await;
                }
            },
            at_rest,
        )
    }),
    row("task::future::Unconstrained", WaitKind::Sleep, || {
        each(
            || (),
            async |()| filch::task::unconstrained(sleep(SOON)).await,
            at_rest,
        )
    }),
    row("task::future::Scope", WaitKind::Sleep, || {
        filch::task_local! { static BOUND: u32; }
        each(
            || (),
            async |()| BOUND.scope(1, sleep(SOON)).await,
            async |(), _| assert!(BOUND.try_with(|_| ()).is_err()),
        )
    }),
];

/// Nothing has to be waited for: an hour passes in one step.
async fn at_rest(_: (), _: Cut) {
    let start = time::Instant::now();
    sleep(3600 * SOON).await;
    assert_eq!(start.elapsed(), 3600 * SOON);
}
