//! `spawn_blocking`: its threads are started on demand up to a cap, reused, and retire.

use crate::common::*;
use filch::Runtime;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn capped(threads: usize) -> Runtime {
    Runtime::builder()
        .workers(1)
        .max_blocking_threads(threads)
        .build()
        .unwrap()
}

#[test]
fn at_most_so_many_run_at_a_time_and_the_others_wait() {
    let rt = capped(3);
    let _limit = Limit::on(&rt);
    let (inside, most, release) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicUsize::new(0)),
        Gate::new(),
    );
    let calls: Vec<_> = (0..10)
        .map(|i| {
            let (inside, most, release) = (Arc::clone(&inside), Arc::clone(&most), release.clone());
            rt.spawn_blocking(move || {
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                release.block();
                inside.fetch_sub(1, Ordering::SeqCst);
                i
            })
        })
        .collect();
    wait_until("three run", || inside.load(Ordering::SeqCst) == 3);
    let metrics = rt.metrics();
    assert_eq!(
        (metrics.blocking_threads, metrics.blocking_queue_depth),
        (3, 7)
    );
    release.open();
    for (i, call) in calls.into_iter().enumerate() {
        assert_eq!(call.join_blocking(None).unwrap().unwrap(), i);
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn waiting_calls_begin_in_order() {
    let rt = capped(1);
    let _limit = Limit::on(&rt);
    let log = Arc::new(std::sync::Mutex::new(Vec::new()));
    let calls: Vec<_> = (0..100)
        .map(|i| {
            let log = Arc::clone(&log);
            rt.spawn_blocking(move || lock(&log).push(i))
        })
        .collect();
    for call in calls {
        call.join_blocking(None).unwrap().unwrap();
    }
    assert!(lock(&log).is_sorted());
}

#[test]
fn threads_are_used_again_and_retire_when_idle() {
    let rt = capped(512);
    let _limit = Limit::on(&rt);
    for i in 0..1000 {
        assert_eq!(
            rt.spawn_blocking(move || i)
                .join_blocking(None)
                .unwrap()
                .unwrap(),
            i
        );
    }
    // The thread that ran a call may not be back before the next one comes.
    let threads = rt.metrics().blocking_threads;
    assert!(
        (1..=100).contains(&threads),
        "{threads} threads for one call at a time"
    );
    wait_until("idle threads retire", || rt.metrics().blocking_threads == 0);
    assert_eq!(
        rt.spawn_blocking(|| 1)
            .join_blocking(None)
            .unwrap()
            .unwrap(),
        1
    );
}

#[test]
fn a_worker_is_not_kept_by_blocking_calls() {
    let rt = capped(512);
    let _limit = Limit::on(&rt);
    let (inside, release) = (Count::new(), Gate::new());
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (inside, release) = (inside.clone(), release.clone());
            rt.spawn_blocking(move || {
                inside.add();
                release.block();
            })
        })
        .collect();
    let opener = release.clone();
    rt.run(async move {
        until("all block", || inside.get() == 20).await;
        opener.open();
    });
    for call in calls {
        call.join_blocking(None).unwrap().unwrap();
    }
}

#[test]
fn blocking_calls_may_spawn_blocking_calls() {
    let rt = capped(2);
    let _limit = Limit::on(&rt);
    let nested = rt.spawn_blocking(|| {
        let inner = filch::spawn_blocking(|| filch::spawn(async { 5 }));
        inner.join_blocking(None).unwrap().unwrap()
    });
    let task = nested.join_blocking(None).unwrap().unwrap();
    assert_eq!(task.join_blocking(None).unwrap().unwrap(), 5);
}

#[test]
fn the_end_waits_for_what_has_begun_and_cancels_what_has_not() {
    let rt = capped(1);
    let _limit = Limit::on(&rt);
    let (inside, ended) = (Gate::new(), Count::new());
    let (running, queued_probe) = (Count::new(), Probe::new());
    rt.spawn_blocking({
        let (inside, ended) = (inside.clone(), ended.clone());
        move || {
            inside.open();
            // Until the runtime is shutting down: nothing can be spawned any more.
            let handle = filch::Handle::current();
            wait_until("shutdown", || {
                handle.spawn(async {}).join_blocking(None).unwrap().is_err()
            });
            ended.add();
        }
    });
    let (probe, eye) = queued_probe;
    let counted = running.clone();
    let queued = rt.spawn_blocking(move || {
        let _probe = probe;
        counted.add();
    });
    inside.block();
    drop(rt);
    assert_eq!(ended.get(), 1, "the drop waited");
    assert!(
        queued
            .join_blocking(None)
            .unwrap()
            .unwrap_err()
            .is_cancelled()
    );
    assert!(is_gone(&eye));
    assert_eq!(running.get(), 0);
}

#[test]
fn after_the_end_blocking_calls_are_cancelled_at_once() {
    let rt = capped(1);
    let _limit = Limit::on(&rt);
    let handle = rt.handle();
    drop(rt);
    let (probe, eye) = Probe::new();
    let late = handle.spawn_blocking(move || drop(probe));
    assert!(is_gone(&eye));
    assert!(
        late.join_blocking(None)
            .unwrap()
            .unwrap_err()
            .is_cancelled()
    );
}
