//! Cancellation with a reason: tasks, tokens, and handles that abort.

use super::{Census, HOUR, WhyCancelled, until};
use filch::time::timeout;
use filch::{AbortOnDrop, CancelToken, gather, spawn};
use std::future::{pending, ready};
use std::sync::Arc;

#[filch::test]
async fn an_error_says_who_cancelled_where_and_why() {
    let task = spawn(pending::<()>());
    let handle = task.abort_handle();
    let line = line!() + 1;
    let canceller = spawn(async move { handle.abort_because(format!("reason {}", 1)) });
    let (id, by) = (task.id(), canceller.id());
    canceller.await.unwrap();
    let error = task.await.unwrap_err();
    let cancelled = error.cancelled().unwrap();
    assert_eq!(cancelled.by, Some(by));
    assert_eq!((cancelled.at.file(), cancelled.at.line()), (file!(), line));
    assert_eq!(cancelled.reason.as_deref(), Some("reason 1"));
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("task {id}, spawned at ")),
        "{text}"
    );
    let end = format!(" was cancelled by task {by} at {}: reason 1", cancelled.at);
    assert!(text.ends_with(&end), "{text}");
}

#[filch::test]
async fn the_first_who_cancels_is_kept() {
    let task = spawn(pending::<()>());
    let handle = task.abort_handle();
    handle.abort_because("first");
    task.abort_because("second");
    let error = task.await.unwrap_err();
    assert_eq!(error.cancelled().unwrap().reason.as_deref(), Some("first"));
}

#[filch::test]
async fn a_task_that_is_done_is_not_cancelled_any_more() {
    let task = spawn(ready(7));
    until(|| task.is_finished()).await;
    task.abort_because("late");
    assert_eq!(task.await.unwrap(), 7);
}

#[filch::test]
async fn a_panic_was_not_cancelled() {
    let task = spawn(async { panic!("on purpose") });
    assert!(task.await.unwrap_err().cancelled().is_none());
}

#[test]
fn at_the_end_of_a_runtime_the_error_says_so() {
    let runtime = filch::Runtime::new().unwrap();
    let task = runtime.spawn(pending::<()>());
    drop(runtime);
    let error = task.join_blocking(None).unwrap().unwrap_err();
    let reason = error.cancelled().unwrap().reason.as_deref().unwrap();
    assert!(reason.contains("shut down"), "{reason}");
}

#[filch::test]
async fn a_child_is_told_that_its_gather_was_dropped() {
    let (census, told) = (Census::default(), WhyCancelled::default());
    let last = told.clone();
    let child = census.endless::<()>();
    let gathered = gather([async move {
        let _last = last;
        child.await
    }]);
    census.until_started(1).await;
    let dropper = spawn(async move { drop(gathered) });
    let by = dropper.id();
    dropper.await.unwrap();
    let cancelled = told.take().expect("the child was cancelled");
    assert_eq!(cancelled.reason.as_deref(), Some("its gather was dropped"));
    assert_eq!((cancelled.by, cancelled.at.file()), (Some(by), file!()));
}

#[filch::test]
async fn a_token_cancels_its_children_and_not_its_parent() {
    let root = CancelToken::new();
    let (child, other) = (root.child(), root.child_token());
    let grandchild = child.child();
    child.cancel_because("enough");
    assert!(!root.is_cancelled() && !other.is_cancelled());
    assert!(child.is_cancelled() && grandchild.is_cancelled());
    assert_eq!(grandchild.reason().as_deref(), Some("enough"));
    assert!(child.child().is_cancelled(), "born cancelled");
    root.cancel_because("later");
    assert_eq!(other.reason().as_deref(), Some("later"));
    assert_eq!(child.reason().as_deref(), Some("enough"));
}

#[filch::test]
async fn a_grandchild_is_cancelled_though_nobody_holds_the_child() {
    let root = CancelToken::new();
    let grandchild = root.child().child();
    for _ in 0..1000 {
        drop(root.child());
    }
    root.cancel();
    assert!(grandchild.is_cancelled());
    grandchild.cancelled().await;
}

#[filch::test]
async fn a_long_line_of_tokens_is_dropped_and_cancelled_without_recursion() {
    let root = CancelToken::new();
    let mut last = root.clone();
    for _ in 0..if cfg!(miri) { 100 } else { 100_000 } {
        last = last.child();
    }
    root.cancel();
    assert!(last.is_cancelled());
}

#[filch::test]
async fn whoever_waits_for_a_token_is_woken() {
    let token = CancelToken::new();
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let token = token.clone();
            spawn(async move { token.cancelled().await })
        })
        .collect();
    filch::task::yield_now().await;
    drop(token.drop_guard());
    for task in waiting {
        timeout(HOUR, task).await.unwrap().unwrap();
    }
}

#[filch::test]
async fn a_guard_that_is_disarmed_cancels_nothing() {
    let token = CancelToken::new();
    let token = token.drop_guard().disarm();
    assert!(!token.is_cancelled());
}

#[filch::test]
async fn a_token_ends_a_future_and_waits_for_its_children() {
    let (token, census) = (CancelToken::new(), Census::default());
    let (theirs, started) = (token.clone(), census.clone());
    let canceller = spawn(async move {
        started.until_started(2).await;
        theirs.cancel_because("enough");
    });
    let ended = token.run(gather([census.endless::<()>(), census.endless()]));
    let cancelled = ended.await.unwrap_err();
    assert_eq!(cancelled.reason.as_deref(), Some("enough"));
    assert_eq!(census.dropped(), 2);
    canceller.await.unwrap();
    assert_eq!(token.run_until_cancelled(ready(7)).await, None);
    assert_eq!(
        CancelToken::new().run_until_cancelled(ready(7)).await,
        Some(7)
    );
    assert_eq!(CancelToken::new().run(ready(7)).await.unwrap(), 7);
}

#[filch::test]
async fn a_handle_that_aborts_ends_its_task_before_its_holder_ends() {
    let census = Census::default();
    let (resident, held) = (census.resident(), Arc::new(()));
    let theirs = held.clone();
    let holder = spawn(async move {
        let _handle = AbortOnDrop(spawn(async move {
            let _theirs = theirs;
            let _resident = resident;
            pending::<()>().await
        }));
    });
    holder.await.unwrap();
    assert_eq!((census.dropped(), Arc::strong_count(&held)), (1, 1));
    assert_eq!(AbortOnDrop(spawn(ready(7))).await.unwrap(), 7);
    assert_eq!(AbortOnDrop(spawn(ready(7))).detach().await.unwrap(), 7);
}
