//! Cleanups: what a cancel does not end, but begin.

use super::{Done, HOUR, SOON, process, until};
use filch::time::timeout;
use filch::{GroupError, Runtime, TaskGroup, cleanup, cleanup_with, spawn};
use std::future::pending;
use std::io;
use std::time::Duration;

#[filch::test(paused)]
async fn a_cleanup_runs_however_its_scope_is_left() {
    let done = Done::default();
    // At the end of the block, by `?`, a panic, and a cancel.
    let theirs = done.clone();
    spawn(async move {
        let _guard = cleanup(theirs.slowly());
    })
    .await
    .unwrap();
    assert_eq!(done.count(), 1);

    let theirs = done.clone();
    let early = spawn(async move {
        let _guard = cleanup(theirs.slowly());
        Err::<(), _>(io::Error::other("early"))?;
        Ok::<_, io::Error>(())
    });
    assert!(early.await.unwrap().is_err());
    assert_eq!(done.count(), 2);

    let theirs = done.clone();
    let panics = spawn(async move {
        let _guard = cleanup(theirs.slowly());
        panic!("on purpose");
    });
    assert!(panics.await.unwrap_err().is_panic());
    assert_eq!(done.count(), 3);

    let theirs = done.clone();
    let limited = timeout(SOON, async move {
        let _guard = cleanup(theirs.slowly());
        pending::<()>().await
    });
    assert!(limited.await.is_err());
    assert_eq!(done.count(), 4);
}

#[filch::test]
async fn a_cleanup_is_finished_or_disarmed() {
    let done = Done::default();
    cleanup(done.clone().slowly()).finish().await;
    assert_eq!(done.count(), 1);
    drop(cleanup(done.clone().slowly()).disarm());
    let mut guard = cleanup_with(vec![1], async |list: Vec<i32>| drop(list));
    guard.push(2);
    assert_eq!(guard.len(), 2);
    assert_eq!(guard.disarm(), [1, 2]);
    let failed = cleanup_with(7, async |code| {
        Err::<(), _>(io::Error::from_raw_os_error(code))
    });
    assert!(failed.finish().await.is_err());
    assert_eq!(done.count(), 1);
}

#[filch::test(paused)]
async fn a_finish_that_is_dropped_midway_runs_on() {
    let done = Done::default();
    let theirs = done.clone();
    let task = spawn(async move {
        let guard = cleanup(theirs.slowly());
        timeout(Duration::ZERO, guard.finish()).await.is_err()
    });
    assert!(task.await.unwrap(), "it was not ready at once");
    assert_eq!(done.count(), 1);
}

#[filch::test(paused)]
async fn cleanups_that_fail_are_told_by_their_group() {
    let in_body = TaskGroup::run(async |_| {
        let _guard = cleanup(async { Err::<(), _>(io::Error::other("disk full")) });
        Ok::<_, &str>(())
    });
    let error: GroupError<_> = in_body.await.unwrap_err();
    assert!(error.errors().is_empty() && error.cancelled().is_none());
    let [failure] = error.cleanups() else {
        panic!("{error:?}")
    };
    assert_eq!(failure.error().unwrap().to_string(), "disk full");

    let in_child = TaskGroup::run(async |group| {
        group.spawn_ok(async {
            let _panics = cleanup(async { assert!(std::hint::black_box(false), "on purpose") });
            let _endless = cleanup(pending::<()>()).deadline(SOON);
        });
        Ok::<_, &str>(())
    });
    let error = in_child.await.unwrap_err();
    let cleanups = error.cleanups();
    assert_eq!(cleanups.len(), 2, "{error}");
    assert!(cleanups.iter().any(|failure| failure.is_panic()));
    assert!(cleanups.iter().any(|failure| failure.is_overrun()));

    let in_timeout = TaskGroup::run(async |_| {
        let limited = timeout(SOON, async {
            let _guard = cleanup(async { Err::<(), _>("inner") });
            pending::<()>().await
        });
        assert!(limited.await.is_err());
        Ok::<_, &str>(())
    });
    assert_eq!(in_timeout.await.unwrap_err().cleanups().len(), 1);
}

/// A gather and a set have no place for them: what fails in a child of theirs is its own task's matter.
#[test]
fn cleanups_that_fail_without_a_group_are_reported_once() {
    if let Some(part) = process::part() {
        return fail_without_a_group(part);
    }
    let test = "lasting::cleanups_that_fail_without_a_group_are_reported_once";
    for part in [
        "in a task",
        "in a gather",
        "in a gather of a group",
        "in a set",
    ] {
        let text = process::succeed(test, part);
        let told: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("disk full"))
            .collect();
        assert_eq!(told.len(), 1, "{part}: {text}");
        let is_report = told[0].starts_with("filch: ") && told[0].contains("lasting.rs:");
        assert!(is_report, "{part}: {text}");
    }
}

fn fail_without_a_group(part: String) {
    async fn fails() -> Result<(), ()> {
        let _guard = cleanup(async { Err::<(), _>(io::Error::other("disk full")) });
        Ok(())
    }
    filch::run(async move {
        match part.as_str() {
            "in a task" => assert!(spawn(fails()).await.unwrap().is_ok()),
            "in a gather" => assert!(filch::gather([fails()]).await.is_ok()),
            "in a gather of a group" => {
                let ended = TaskGroup::run(async |_| filch::gather([fails()]).await);
                assert!(ended.await.is_ok());
            }
            _ => {
                let mut set = filch::task::JoinSet::new();
                set.spawn(fails());
                assert!(set.join_next().await.unwrap().unwrap().is_ok());
            }
        }
    });
}

#[test]
fn the_end_of_a_runtime_waits_for_cleanups() {
    let (runtime, done) = (Runtime::new().unwrap(), Done::default());
    let theirs = done.clone();
    let (tell, told) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        let _guard = cleanup(theirs.slowly());
        tell.send(()).unwrap();
        pending::<()>().await
    });
    told.recv().unwrap();
    drop(runtime);
    assert_eq!(done.count(), 1);
}

#[filch::test]
async fn an_endless_task_has_its_cleanups_run_meanwhile() {
    let done = Done::default();
    let theirs = done.clone();
    let endless = spawn(async move {
        drop(cleanup(theirs.slowly()));
        pending::<()>().await
    });
    timeout(HOUR, until(|| done.count() == 1)).await.unwrap();
    endless.abort();
    endless.await.unwrap_err();
}
