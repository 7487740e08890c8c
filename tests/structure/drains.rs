//! Whoever cancels a structure waits until the cancelled are gone.

use super::{Census, Gate, SOON, until, until_draining};
use filch::time::{Instant, timeout, timeout_at};
use filch::{Runtime, gather, spawn};
use std::future::{pending, poll_fn};
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;

/// A gather of `children` gathers of two children each.
fn nested(census: &Census, children: usize) -> filch::future::Gather<Vec<()>, &'static str> {
    let census = census.clone();
    gather((0..children).map(move |_| {
        let census = census.clone();
        async move { gather([census.endless(), census.endless()]).await }
    }))
}

#[filch::test(paused)]
async fn a_timeout_returns_when_the_children_of_a_gather_are_gone() {
    let census = Census::default();
    for round in 1..=10 {
        let limited = timeout(SOON, gather([census.endless::<()>(), census.endless()]));
        assert!(limited.await.is_err());
        let started = census.started.load(SeqCst);
        assert_eq!((started, census.dropped()), (2 * round, 2 * round));
    }
}

#[filch::test(paused)]
async fn a_timeout_waits_for_children_of_children() {
    let census = Census::default();
    let limited = timeout(SOON, nested(&census, 3)).await;
    let (started, dropped) = (census.started.load(SeqCst), census.dropped());
    assert_eq!((limited.is_err(), started, dropped), (true, 6, 6));
}

#[filch::test]
async fn a_timeout_without_children_is_over_at_once() {
    let mut polls = 0;
    let mut limited = Box::pin(timeout_at(Instant::now(), pending::<()>()));
    poll_fn(|cx| {
        polls += 1;
        limited.as_mut().poll(cx)
    })
    .await
    .unwrap_err();
    assert!(polls <= 2, "{polls} polls");
}

#[filch::test(workers = 2)]
async fn an_aborted_task_has_not_ended_before_its_children_are_gone() {
    let (census, gate) = (Census::default(), Gate::default());
    let (resident, child) = (census.resident(), gate.stuck::<()>());
    let task = spawn(async move {
        let _resident = resident;
        gather([child]).await
    });
    gate.until_inside().await;
    task.abort_because("enough");
    until(|| census.dropped() == 1).await;
    let text = until_draining(task.id()).await.to_string();
    assert!(text.contains("the end of cancelled task #"), "{text}");
    assert!(text.contains("cancelled by task"), "{text}");
    assert!(text.contains("enough"), "{text}");
    gate.open();
    assert!(task.await.unwrap_err().is_cancelled());
}

#[filch::test]
async fn what_a_task_drops_on_its_way_is_gone_when_it_has_ended() {
    let census = Census::default();
    let theirs = census.clone();
    let task = spawn(async move {
        let gathered = nested(&theirs, 2);
        theirs.until_started(4).await;
        drop(gathered);
        7
    });
    assert_eq!(task.await.unwrap(), 7);
    assert_eq!(census.dropped(), 4);
}

#[filch::test]
async fn what_another_crates_combinator_drops_is_waited_for_by_the_task() {
    let census = Census::default();
    let theirs = census.clone();
    let task = spawn(async move {
        let gathered = gather([theirs.endless::<()>(), theirs.endless()]);
        let started = Box::pin(theirs.until_started(2));
        futures_util::future::select(gathered, started).await;
    });
    task.await.unwrap();
    assert_eq!(census.dropped(), 2);
}

#[filch::test]
async fn try_join_returns_when_the_children_of_its_branches_are_gone() {
    let census = Census::default();
    let fail = async {
        census.until_started(4).await;
        Err::<(), _>("failed")
    };
    let joined = filch::try_join!(nested(&census, 2), fail);
    assert_eq!((joined, census.dropped()), (Err("failed"), 4));
}

#[test]
fn block_on_returns_when_what_its_future_dropped_is_gone() {
    let (runtime, census) = (Runtime::new().unwrap(), Census::default());
    runtime.block_on(async {
        let mut gathered = Some(nested(&census, 2));
        census.until_started(4).await;
        poll_fn(|_| {
            gathered = None;
            Poll::Ready(())
        })
        .await;
    });
    assert_eq!(census.dropped(), 4);
}

#[filch::test(workers = 2)]
async fn a_drain_that_is_dropped_hands_on_upward() {
    let (census, gate) = (Census::default(), Gate::default());
    let (theirs, stuck) = (census.clone(), gate.stuck::<()>());
    let (inside, resident) = (gate.clone(), census.resident());
    let child = async move {
        let _resident = resident;
        stuck.await
    };
    let task = spawn(async move {
        let resident = theirs.resident();
        let gathered = gather([child]);
        inside.until_inside().await;
        let limited = timeout(SOON, async move {
            let _resident = resident;
            gathered.await
        });
        limited.await.is_err()
    });
    // Its future is dropped: the timeout drains.
    until(|| census.dropped() == 1).await;
    task.abort();
    until_draining(task.id()).await;
    gate.open();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(census.dropped(), 2);
}

#[filch::test]
async fn children_in_an_output_that_nobody_takes_are_cancelled() {
    let census = Census::default();
    let theirs = census.clone();
    let task = spawn(async move {
        let gathered = gather([theirs.endless::<()>()]);
        theirs.until_started(1).await;
        (gathered, "an output")
    });
    until(|| task.is_finished()).await;
    drop(task);
    until(|| census.dropped() == 1).await;
}

#[filch::test]
async fn a_panic_leaves_no_children_behind() {
    let census = Census::default();
    let theirs = census.clone();
    let task = spawn(async move {
        let _gathered = nested(&theirs, 2);
        theirs.until_started(4).await;
        panic!("on purpose");
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(census.dropped(), 4);
}

#[test]
fn on_a_local_runtime_children_are_waited_for_too() {
    let (runtime, census) = (filch::LocalRuntime::new().unwrap(), Census::default());
    runtime.block_on(async {
        filch::time::pause();
        assert!(timeout(SOON, nested(&census, 2)).await.is_err());
        assert_eq!((census.started.load(SeqCst), census.dropped()), (4, 4));
        let theirs = census.clone();
        let task = filch::spawn_local(async move {
            let _gathered = nested(&theirs, 2);
            pending::<()>().await
        });
        census.until_started(8).await;
        task.abort();
        task.await.unwrap_err();
        assert_eq!(census.dropped(), 8);
    });
}

#[filch::test]
async fn a_closure_that_drops_a_gather_has_not_ended_before_its_children() {
    let census = Census::default();
    let theirs = census.clone();
    let closure = filch::spawn_blocking(move || {
        let _gathered = gather([theirs.endless::<()>(), theirs.endless()]);
        while theirs.started.load(SeqCst) < 2 {
            std::thread::yield_now();
        }
    });
    closure.await.unwrap();
    assert_eq!(census.dropped(), 2);
}
