//! Shields: what a cancel does not end.

use super::{Done, HOUR, SOON, process, until, until_draining};
use filch::sync::oneshot;
use filch::time::{Instant, advance, timeout};
use filch::{Runtime, TaskGroup, shield, spawn};
use std::future::pending;
use std::io;
use std::sync::Arc;

#[filch::test]
async fn a_shield_gives_its_output() {
    assert_eq!(shield(async { 7 }).await, 7);
}

/// Work that has begun, and ends some time after it was told to.
fn begun(done: &Done) -> (oneshot::Sender<()>, filch::future::Shield<()>) {
    let (tell, told) = oneshot::channel();
    let done = done.clone();
    let work = shield(async move {
        told.await.unwrap();
        done.slowly().await;
    });
    (tell, work)
}

#[filch::test]
async fn what_is_shielded_ends_though_its_awaiter_was_cancelled() {
    let done = Done::default();
    let (tell, work) = begun(&done);
    let task = spawn(work);
    task.abort();
    until_draining(task.id()).await;
    tell.send(()).unwrap();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(done.count(), 1);
}

#[filch::test(paused)]
async fn a_timeout_waits_for_what_is_shielded_in_it() {
    let done = Done::default();
    let (tell, work) = begun(&done);
    let limited = spawn(timeout(SOON, work));
    // When this returns, everybody has done all that can be done by now.
    advance(2 * SOON).await;
    assert!(!limited.is_finished());
    tell.send(()).unwrap();
    assert!(limited.await.unwrap().is_err());
    assert_eq!(done.count(), 1);
}

#[filch::test(paused)]
async fn a_grace_bounds_how_long_it_runs_on() {
    let (held, start) = (Arc::new(()), Instant::now());
    let theirs = held.clone();
    let endless = shield(async move {
        let _theirs = theirs;
        pending::<()>().await
    });
    assert!(timeout(SOON, endless.grace(HOUR)).await.is_err());
    assert_eq!(Arc::strong_count(&held), 1);
    assert_eq!(start.elapsed(), SOON + HOUR);
}

#[filch::test(paused)]
async fn a_group_waits_for_what_its_body_has_shielded() {
    let done = Done::default();
    let ended = TaskGroup::run(async |group| {
        let _shielded = shield(done.clone().slowly());
        group.cancel();
        pending::<Result<(), &str>>().await
    });
    assert!(ended.await.is_err());
    assert_eq!(done.count(), 1);
}

#[test]
fn the_end_of_a_runtime_waits_for_what_is_shielded() {
    let (runtime, done) = (Runtime::new().unwrap(), Done::default());
    let theirs = done.clone();
    let (tell, told) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        let shielded = shield(theirs.slowly());
        tell.send(()).unwrap();
        shielded.await;
    });
    told.recv().unwrap();
    drop(runtime);
    assert_eq!(done.count(), 1);
}

#[filch::test]
async fn a_panic_in_a_shield_goes_to_its_awaiter() {
    let task = spawn(async { shield(async { std::panic::panic_any(7_u8) }).await });
    let panic = task.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&7_u8));
}

/// In the part `part`: drops a shield, and fails there.
fn fail_unawaited(part: String) {
    struct Silent;
    filch::run(async move {
        filch::time::pause();
        match part.as_str() {
            "before its end" => {
                let (tell, told) = oneshot::channel();
                let work = shield(async move {
                    told.await.unwrap();
                    Err::<(), _>(io::Error::other("disk full"))
                });
                let task = spawn(work);
                task.abort();
                until_draining(task.id()).await;
                tell.send(()).unwrap();
                task.await.unwrap_err();
            }
            "after its end" => {
                let ran = Arc::new(());
                let theirs = ran.clone();
                let work = shield(async move {
                    drop(theirs);
                    Err::<(), _>("disk full")
                });
                until(|| Arc::strong_count(&ran) == 1).await;
                drop(work);
            }
            "of any type" => {
                let failed = shield(async { "seven".parse::<u32>() });
                drop(failed.report_errors());
            }
            "of an unknown type" => drop(shield(async { Err::<u32, _>(Silent) })),
            "panics" => drop(shield(async { panic!("disk full") })),
            "awaited" => assert!(shield(async { Err::<(), _>("disk full") }).await.is_err()),
            "succeeds" => drop(shield(async { Ok::<_, Silent>(7) })),
            _ => unreachable!("{part}"),
        }
    });
}

#[test]
fn an_error_that_nobody_awaits_is_reported_once() {
    if let Some(part) = process::part() {
        return fail_unawaited(part);
    }
    let test = "shields::an_error_that_nobody_awaits_is_reported_once";
    let reports = |part| {
        let text = process::succeed(test, part);
        // Not those of a poll that took long, as on a busy machine every poll may.
        let is_report =
            |line: &&str| line.starts_with("filch: ") && !line.contains("inside one poll");
        let lines = text.lines().filter(is_report);
        lines.map(String::from).collect::<Vec<_>>()
    };
    for (part, what) in [
        ("before its end", "disk full"),
        ("after its end", "disk full"),
        ("of any type", "invalid digit"),
        ("panics", "disk full"),
    ] {
        let lines = reports(part);
        assert_eq!(lines.len(), 1, "{part}: {lines:?}");
        assert!(lines[0].contains("nobody awaits it any more"), "{lines:?}");
        assert!(
            lines[0].contains("shields.rs:") && lines[0].contains(what),
            "{lines:?}"
        );
    }
    for part in ["of an unknown type", "awaited", "succeeds"] {
        assert!(reports(part).is_empty(), "{part}");
    }
}
