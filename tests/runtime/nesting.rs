//! Where waiting for a future would block the thread that has to make it ready, it panics and says so; elsewhere it
//! is allowed.

use crate::common::*;
use filch::{Handle, LocalRuntime, Runtime};
use std::future::ready;

#[track_caller]
fn assert_clear(what: &str, text: &str) {
    for part in [what, ".await", "spawn_blocking"] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

/// Everything that waits by blocking, called where that is a mistake.
fn try_everything() {
    let handle = Handle::current();
    assert_clear("block_on", &panics(|| handle.block_on(ready(()))));
    let other = runtime(1);
    assert_clear("block_on", &panics(|| other.block_on(ready(()))));
    assert_clear("run", &panics(|| other.run(ready(()))));
    assert_clear("run", &panics(|| filch::run(ready(()))));
    let local = LocalRuntime::new().unwrap();
    assert_clear(
        "LocalRuntime::block_on",
        &panics(|| local.block_on(ready(()))),
    );
    assert_clear(
        "join_blocking",
        &panics(|| other.spawn(ready(())).join_blocking(None)),
    );
}

#[test]
fn inside_a_task() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.spawn(async { try_everything() })
        .join_blocking(None)
        .unwrap()
        .unwrap();
    rt.run(async { try_everything() });
    assert_eq!(rt.run(async { 5 }), 5, "the runtime goes on");
}

#[test]
fn inside_block_on() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.block_on(async { try_everything() });
    rt.handle().block_on(async { try_everything() });
    assert_eq!(
        rt.block_on(async { filch::spawn(async { 5 }).await.unwrap() }),
        5
    );
}

#[test]
fn inside_a_local_runtime() {
    let _limit = Limit::new();
    let local = LocalRuntime::new().unwrap();
    local.block_on(async {
        try_everything();
        filch::spawn_local(async { try_everything() })
            .await
            .unwrap();
    });
    assert_eq!(local.block_on(async { 5 }), 5);
}

#[test]
fn inside_a_blocking_call_it_is_allowed() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let handle = rt.handle();
    let sum = rt.spawn_blocking(move || {
        let here = handle.block_on(async { filch::spawn(async { 1 }).await.unwrap() });
        let there = runtime(1).run(async { 10 });
        let local = LocalRuntime::new()
            .unwrap()
            .block_on(async { filch::spawn_local(async { 100 }).await.unwrap() });
        let joined = filch::spawn(async { 1000 })
            .join_blocking(None)
            .unwrap()
            .unwrap();
        assert_eq!(
            Handle::current().metrics().workers.len(),
            1,
            "the outer runtime is current again"
        );
        here + there + local + joined
    });
    assert_eq!(sum.join_blocking(None).unwrap().unwrap(), 1111);
}

#[test]
fn a_runtime_may_be_built_and_used_by_handle_inside_anothers_task() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let sum = rt.run(async {
        let inner = runtime(1);
        let (a, b) = (inner.spawn(async { 20 }), filch::spawn(async { 1 }));
        let sum = a.await.unwrap() + b.await.unwrap();
        drop(inner);
        sum
    });
    assert_eq!(sum, 21);
}

#[test]
fn the_current_runtime_is_the_innermost() {
    let _limit = Limit::new();
    let (one, two) = (runtime(1), runtime(2));
    let workers = || Handle::current().metrics().workers.len();
    assert!(Handle::try_current().is_err());
    one.block_on(async {
        assert_eq!(workers(), 1);
        let there = two.spawn(async move { workers() });
        assert_eq!(there.await.unwrap(), 2);
        assert_eq!(workers(), 1);
    });
    assert!(Handle::try_current().is_err());
}

#[test]
fn after_a_panic_the_thread_is_outside_again() {
    let _limit = Limit::new();
    let rt: Runtime = runtime(1);
    assert_eq!(panics(|| rt.block_on(async { panic!("out") })), "out");
    assert!(Handle::try_current().is_err());
    let local = LocalRuntime::new().unwrap();
    assert_eq!(panics(|| local.block_on(async { panic!("out") })), "out");
    assert!(Handle::try_current().is_err());
    assert_eq!(local.block_on(async { 1 }) + rt.block_on(async { 1 }), 2);
}
