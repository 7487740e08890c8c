//! Cancelled groups: from inside, from outside, and of one child alone.

use super::{Census, HOUR};
use filch::task::yield_now;
use filch::time::{sleep, timeout};
use filch::{Child, TaskGroup, spawn};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

#[filch::test]
async fn cancelling_one_child_does_not_cancel_the_others() {
    let value = TaskGroup::run(async |group| {
        let alone = group.spawn(pending::<Result<(), &str>>());
        let other = group.spawn_ok(async { 7 });
        alone.abort_because("not needed");
        let error = alone.outcome().await.unwrap_err();
        assert_eq!(
            error.cancelled().unwrap().reason.as_deref(),
            Some("not needed")
        );
        Ok(other.await)
    });
    assert_eq!(value.await.unwrap(), 7);
}

#[filch::test]
async fn cancelling_the_parent_cancels_all_children_and_is_no_error_of_the_group() {
    let census = Census::default();
    let theirs = census.clone();
    let parent = spawn(async move {
        TaskGroup::run(async |group| {
            for _ in 0..5 {
                group.spawn(theirs.endless::<()>());
            }
            pending::<Result<(), _>>().await
        })
        .await
    });
    census.until_started(5).await;
    parent.abort();
    assert!(parent.await.unwrap_err().is_cancelled());
    assert_eq!(census.dropped(), 5);
}

#[filch::test]
async fn a_child_that_comes_after_the_cancel_never_runs() {
    let (ran, held) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
    let ended = TaskGroup::run(async |group| {
        let (late, theirs, ours) = (group.clone(), held.clone(), ran.clone());
        group.spawn_blocking(move || {
            late.cancel_because("enough");
            let child = late.spawn(async move {
                let _theirs = theirs;
                ours.store(1, SeqCst);
                Ok(())
            });
            late.spawn_ok(async {});
            drop(child);
            Ok(())
        });
        pending::<Result<(), &str>>().await
    });
    let error = ended.await.unwrap_err();
    assert_eq!(error.cancelled().unwrap().reason.as_deref(), Some("enough"));
    assert!(error.errors().is_empty());
    assert_eq!((ran.load(SeqCst), Arc::strong_count(&held)), (0, 1));
}

#[filch::test]
async fn a_cancelled_group_has_no_errors_or_the_bodys_value() {
    let census = Census::default();
    let cancelled = TaskGroup::run(async |group| {
        group.spawn(census.endless::<()>());
        census.until_started(1).await;
        group.cancel();
        group.cancel();
        pending::<Result<(), _>>().await
    });
    let error = cancelled.await.unwrap_err();
    assert!(error.errors().is_empty() && error.cancelled().is_some());
    assert_eq!(census.dropped(), 1);

    let returned = TaskGroup::run(async |group| {
        group.spawn(census.endless::<()>());
        census.until_started(2).await;
        group.cancel();
        Ok(7)
    });
    assert_eq!(returned.await.unwrap(), 7);
    assert_eq!(census.dropped(), 2);
}

#[filch::test]
async fn a_child_may_cancel_its_own_group_at_once() {
    let ended = TaskGroup::run(async |group| {
        let own = group.clone();
        group.spawn_ok(async move { own.cancel() });
        pending::<Result<(), &str>>().await
    });
    assert!(ended.await.unwrap_err().cancelled().is_some());
}

#[filch::test]
async fn a_cancel_does_not_leak_to_the_await_after_the_group() {
    let ended = TaskGroup::run(async |group| {
        group.cancel();
        pending::<Result<(), &str>>().await
    });
    assert!(ended.await.is_err());
    sleep(Duration::from_millis(1)).await;
}

#[filch::test]
async fn a_child_that_was_aborted_alone_cancels_whoever_awaits_it() {
    let census = Census::default();
    let error = TaskGroup::run(async |group| {
        let child = group.spawn(census.endless::<()>());
        census.until_started(1).await;
        child.abort_because("not needed");
        child.await;
        Ok(())
    });
    let error = error.await.unwrap_err();
    let reason = error.cancelled().unwrap().reason.as_deref().unwrap();
    assert!(reason.contains("not needed"), "{reason}");

    let child: Arc<std::sync::Mutex<Option<Child<()>>>> = Arc::default();
    let slot = child.clone();
    let ended = TaskGroup::run(async |group| {
        *slot.lock().unwrap() = Some(group.spawn(census.endless()));
        census.until_started(2).await;
        group.cancel();
        pending::<Result<(), _>>().await
    });
    ended.await.unwrap_err();
    let stranger = child.lock().unwrap().take().unwrap();
    let outside = spawn(stranger);
    let error = timeout(HOUR, outside).await.unwrap().unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}

#[filch::test]
async fn a_group_can_be_waited_for_from_outside_to_be_cancelled() {
    let (tell, told) = filch::sync::oneshot::channel();
    let outside = spawn(async move {
        let group: TaskGroup<()> = told.await.unwrap();
        group.cancelled().await;
    });
    let ended = TaskGroup::run(async |group| {
        tell.send(group.clone()).unwrap();
        yield_now().await;
        group.cancel();
        Ok(())
    });
    ended.await.unwrap();
    outside.await.unwrap();
}

#[filch::test(paused)]
async fn a_timeout_around_a_group_returns_when_the_group_is_gone() {
    let census = Census::default();
    let limited = timeout(
        Duration::from_millis(5),
        TaskGroup::run(async |group| {
            group.spawn(census.endless::<()>());
            pending::<Result<(), _>>().await
        }),
    );
    assert!(limited.await.is_err());
    assert_eq!((census.started.load(SeqCst), census.dropped()), (1, 1));
}
