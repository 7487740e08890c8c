//! Gathers of handles: the tasks are theirs.

use super::{Census, SOON, WhyCancelled, until};
use filch::time::timeout;
use filch::{AbortOnDrop, JoinHandle, gather, gather_results, spawn};
use std::future::pending;
use std::sync::atomic::Ordering::SeqCst;

/// A task that never ends, and knows in the end why it was cancelled.
fn endless(census: &Census, why: &WhyCancelled) -> JoinHandle<u32> {
    let (child, why) = (census.endless(), why.clone());
    spawn(async move {
        let _why = why;
        child.await.unwrap()
    })
}

#[filch::test]
async fn values_come_in_the_order_of_the_handles() {
    let tasks = [1, 2, 3].map(|n| spawn(async move { n }));
    assert_eq!(gather(tasks).await.unwrap(), [1, 2, 3]);
    let both = filch::gather!(spawn(async { 1 }), spawn(async { "two" }));
    assert_eq!(both.unwrap(), (1, "two"));
}

#[filch::test]
async fn a_task_that_panics_ends_the_tasks_of_the_other_handles() {
    let (census, why) = (Census::default(), WhyCancelled::default());
    let others = [endless(&census, &why), endless(&census, &why)];
    census.until_started(2).await;
    let panics = spawn(async { panic!("on purpose") });
    let error = gather(others.into_iter().chain([panics]))
        .await
        .unwrap_err();
    assert!(error.is_panic(), "{error}");
    assert_eq!(census.dropped(), 2);
    let reason = why.take().unwrap().reason.unwrap();
    assert!(
        reason.contains("the gather that it was given to"),
        "{reason}"
    );

    let other = endless(&census, &why);
    census.until_started(3).await;
    let error = filch::gather!(other, spawn(async { panic!("on purpose") }));
    assert!(error.unwrap_err().is_panic());
    assert_eq!(census.dropped(), 3);
}

#[filch::test]
async fn a_task_that_was_aborted_ends_the_others() {
    let (census, why) = (Census::default(), WhyCancelled::default());
    let aborted = endless(&census, &why);
    aborted.abort_because("not needed");
    let error = gather([endless(&census, &why), aborted]).await.unwrap_err();
    assert_eq!(
        error.cancelled().unwrap().reason.as_deref(),
        Some("not needed")
    );
    assert_eq!(census.dropped(), 2);
}

#[filch::test(paused)]
async fn tasks_are_gone_when_the_timeout_of_their_gather_returns() {
    let (census, why) = (Census::default(), WhyCancelled::default());
    let tasks = [endless(&census, &why), endless(&census, &why)];
    assert!(timeout(SOON, gather(tasks)).await.is_err());
    assert_eq!((census.started.load(SeqCst), census.dropped()), (2, 2));
}

#[filch::test]
async fn a_gather_that_is_dropped_at_once_ends_its_tasks_before_its_holder_ends() {
    let (census, why) = (Census::default(), WhyCancelled::default());
    let tasks = [endless(&census, &why), endless(&census, &why)];
    census.until_started(2).await;
    spawn(async move { drop(gather(tasks)) }).await.unwrap();
    assert_eq!(census.dropped(), 2);
}

#[filch::test(paused)]
async fn results_of_handles_leave_the_tasks_alone_unless_told() {
    let census = Census::default();
    let alone = spawn(census.endless::<()>());
    let seen = alone.abort_handle();
    assert!(timeout(SOON, gather_results([alone])).await.is_err());
    assert_eq!((census.started.load(SeqCst), census.dropped()), (1, 0));
    seen.abort();
    until(|| census.dropped() == 1).await;

    let along = AbortOnDrop(spawn(census.endless::<()>()));
    assert!(timeout(SOON, gather_results([along])).await.is_err());
    assert_eq!((census.started.load(SeqCst), census.dropped()), (2, 2));
}

#[filch::test]
async fn what_only_awaits_a_handle_leaves_its_task_alone() {
    let task = spawn(pending::<()>());
    let seen = task.abort_handle();
    let failed = gather::<_, (), _>([
        Box::pin(async move { task.await.map_err(|_| "aborted") })
            as futures_util::future::BoxFuture<_>,
        Box::pin(async { Err("failed") }),
    ]);
    assert_eq!(failed.await, Err("failed"));
    assert!(!seen.is_finished());
    seen.abort();
}
