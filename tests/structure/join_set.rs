//! `JoinSet`, by tokio's names.

use super::{Census, until};
use filch::spawn;
use filch::task::{JoinSet, yield_now};
use std::collections::BTreeSet;
use std::future::pending;
use std::sync::atomic::Ordering::SeqCst;

#[filch::test]
async fn outcomes_are_taken_as_tasks_end() {
    let mut set = JoinSet::new();
    assert!(set.join_next().await.is_none());
    for n in 0..100 {
        set.spawn(async move {
            for _ in 0..n % 7 {
                yield_now().await;
            }
            n
        });
    }
    assert_eq!(set.len(), 100);
    let mut seen = BTreeSet::new();
    while let Some(outcome) = set.join_next().await {
        seen.insert(outcome.unwrap());
    }
    assert_eq!((seen.len(), set.len()), (100, 0));
}

#[filch::test]
async fn a_task_that_fails_cancels_nobody() {
    let mut set = JoinSet::new();
    let aborted = set.spawn(pending::<i32>());
    set.spawn(async { panic!("on purpose") });
    set.spawn(async { 7 });
    aborted.abort_because("not needed");
    let (mut panics, mut cancels, mut values) = (0, 0, 0);
    while let Some(outcome) = set.join_next_with_id().await {
        match outcome {
            Ok((_, value)) => values += value,
            Err(error) if error.is_panic() => panics += 1,
            Err(error) => {
                assert_eq!(error.task_id(), aborted.id());
                cancels += 1;
            }
        }
    }
    assert_eq!((panics, cancels, values), (1, 1, 7));
}

#[filch::test]
async fn what_has_ended_can_be_taken_without_waiting() {
    let mut set: JoinSet<_> = [1, 2].into_iter().map(|n| async move { n }).collect();
    let mut sum = 0;
    while !set.is_empty() {
        match set.try_join_next() {
            Some(outcome) => sum += outcome.unwrap(),
            None => yield_now().await,
        }
    }
    assert_eq!(sum, 3);
    assert!(set.try_join_next().is_none());
}

#[filch::test]
async fn a_shutdown_waits_until_all_are_gone() {
    let (census, mut set) = (Census::default(), JoinSet::new());
    for _ in 0..5 {
        set.spawn(census.endless::<()>());
    }
    set.spawn_blocking(|| Ok(()));
    census.until_started(5).await;
    set.shutdown().await;
    assert_eq!((census.dropped(), set.len()), (5, 0));
}

#[filch::test]
async fn a_set_that_is_dropped_is_waited_for_by_its_task() {
    let census = Census::default();
    let theirs = census.clone();
    let task = spawn(async move {
        let mut set = JoinSet::new();
        set.spawn(theirs.endless::<()>());
        set.spawn(async { Ok(()) });
        theirs.until_started(1).await;
    });
    task.await.unwrap();
    assert_eq!(census.dropped(), 1);
}

#[filch::test]
async fn tasks_that_are_detached_run_on() {
    let (census, mut set) = (Census::default(), JoinSet::new());
    let task = set.spawn(census.endless::<()>());
    set.detach_all();
    assert!(set.is_empty() && set.join_next().await.is_none());
    drop(set);
    census.until_started(1).await;
    assert_eq!(census.dropped.load(SeqCst), 0);
    task.abort();
    until(|| census.dropped() == 1).await;
}

#[filch::test]
async fn a_dump_names_the_line_that_waits_for_the_next_one() {
    let (set_up, joined) = (line!() + 2, line!() + 4);
    let task = spawn(async {
        let mut set = JoinSet::new();
        set.spawn(std::future::pending::<()>());
        set.join_next().await
    });
    let wait = loop {
        let all = filch::task::all();
        let ours = all.iter().find(|info| info.id() == task.id());
        match ours.and_then(|info| info.wait().copied()) {
            Some(wait) => break wait,
            None => yield_now().await,
        }
    };
    assert_eq!(wait.kind(), filch::task::WaitKind::Gather);
    assert_eq!((wait.at().file(), wait.at().line()), (file!(), joined));
    assert_ne!(wait.at().line(), set_up);
    task.abort();
}

#[filch::test]
async fn all_outputs_come_at_once() {
    let set: JoinSet<_> = (0..10).map(|n| async move { n }).collect();
    let mut outputs = set.join_all().await;
    outputs.sort_unstable();
    assert_eq!(outputs, (0..10).collect::<Vec<_>>());
}
