//! `Handle::enter`, and futures without a budget.

use super::common::{HOUR, Limit, panics, runtime};
use filch::task::{consume_budget, unconstrained, yield_now};
use filch::{Handle, LocalRuntime};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Runs `test` on a thread that goes on afterwards: what a wrong use of a guard keeps for ever, its thread knows.
fn on_a_lasting_thread(test: impl FnOnce() + Send + 'static) {
    let (done, waiting) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        test();
        let _ = done.send(());
        loop {
            std::thread::park();
        }
    });
    waiting.recv().expect("the test has panicked");
}

#[test]
fn a_thread_that_has_entered_spawns_and_makes_timers() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let handle = rt.handle();
    let thread = std::thread::spawn(move || {
        assert!(Handle::try_current().is_err());
        let guard = handle.enter();
        let task = filch::spawn(async { 7 });
        assert_eq!(task.join_blocking(None).unwrap().unwrap(), 7);
        futures::executor::block_on(filch::time::sleep(Duration::from_millis(1)));
        let blocking = filch::spawn_blocking(|| 8).join_blocking(None);
        drop(guard);
        assert!(Handle::try_current().is_err());
        blocking.unwrap().unwrap()
    });
    assert_eq!(thread.join().unwrap(), 8);
    let _guard = rt.enter();
    assert!(
        filch::net::UdpSocket::from_std(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).is_ok()
    );
}

#[test]
fn guards_nest_and_the_innermost_runtime_is_found() {
    let (one, other) = (runtime(1), runtime(1));
    let spawned_in = |rt: &filch::Runtime| {
        let before = rt.metrics().tasks;
        let task = filch::spawn(std::future::pending::<()>());
        let there = rt.metrics().tasks == before + 1;
        task.abort();
        let _ = task.join_blocking(None).unwrap();
        there
    };
    let first = one.enter();
    assert!(spawned_in(&one));
    {
        let _second = other.enter();
        assert!(spawned_in(&other));
        let _third = one.enter();
        assert!(spawned_in(&one));
    }
    assert!(spawned_in(&one));
    drop(first);
    assert!(Handle::try_current().is_err());
}

#[test]
fn guards_that_are_dropped_in_another_order_panic_and_leave_nothing_dangling() {
    let (one, other) = (runtime(1), runtime(1));
    on_a_lasting_thread(move || {
        let first = one.enter();
        let second = other.enter();
        let said = panics(|| drop(first));
        assert!(said.contains("another order"), "{said}");
        drop(second);
        drop(other);
        // The thread is still where the first guard has put it, whatever becomes of that runtime.
        let handle = Handle::current();
        drop(one);
        assert!(
            handle
                .spawn(async {})
                .join_blocking(None)
                .unwrap()
                .unwrap_err()
                .is_cancelled()
        );
    });
}

#[test]
fn a_guard_that_is_forgotten_keeps_what_it_needs() {
    let rt = runtime(1);
    on_a_lasting_thread(move || {
        std::mem::forget(rt.handle().enter());
        drop(rt);
        assert!(
            filch::spawn(async {})
                .join_blocking(None)
                .unwrap()
                .unwrap_err()
                .is_cancelled()
        );
    });
}

#[test]
fn a_guard_dropped_inside_what_was_entered_later_panics_there() {
    let (one, other) = (runtime(1), runtime(1));
    on_a_lasting_thread(move || {
        let guard = one.enter();
        let said = panics(|| other.block_on(async move { drop(guard) }));
        assert!(said.contains("block_on"), "{said}");
        assert_eq!(other.block_on(async { 1 }), 1);
    });
}

#[test]
fn a_task_that_enters_another_runtime_still_must_not_block_and_goes_on() {
    let (one, other) = (runtime(1), runtime(1));
    let limit = Limit::on(&one);
    limit.watch(other.handle());
    let handle = other.handle();
    let task = one.spawn(async move {
        let id = filch::task::current().unwrap().id();
        let said = {
            let _guard = handle.enter();
            assert_eq!(filch::task::current().unwrap().id(), id);
            panics(|| handle.block_on(async {}))
        };
        yield_now().await;
        let theirs = {
            let _guard = handle.enter();
            filch::spawn(async { 5 })
        };
        (said, theirs.await.unwrap())
    });
    let (said, five) = one.block_on(task).unwrap();
    assert!(said.contains("inside an async task"), "{said}");
    assert_eq!(five, 5);
}

#[test]
fn a_runtime_waits_for_its_tasks_though_the_thread_that_drops_it_has_visited() {
    let rt = runtime(1);
    let handle = rt.handle();
    let _guard = handle.enter();
    let (probe, eye) = super::common::Probe::new();
    filch::spawn(async move {
        let _probe = probe;
        filch::time::sleep(HOUR).await;
    });
    drop(rt);
    assert!(super::common::is_gone(&eye), "the end was waited for");
}

#[test]
fn what_was_spawned_on_a_local_runtime_by_a_visitor_runs_when_it_does() {
    let rt = LocalRuntime::new().unwrap();
    let handle = rt.handle();
    let task = std::thread::spawn(move || {
        let _guard = handle.enter();
        filch::spawn(async { 9 })
    });
    let task = task.join().unwrap();
    assert!(!task.is_finished());
    assert_eq!(rt.block_on(task).unwrap(), 9);
}

/// How many polls it takes.
async fn polls<F: Future>(future: F) -> usize {
    let (mut future, mut polls) = (pin!(future), 0);
    poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx).map(drop)
    })
    .await;
    polls
}

async fn operations(count: usize) {
    for _ in 0..count {
        consume_budget().await;
    }
}

#[test]
fn a_future_without_a_budget_is_never_refused_and_takes_nothing_from_the_others() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    rt.run(async {
        assert!(polls(operations(1_000)).await > 1);
        assert_eq!(polls(unconstrained(operations(1_000))).await, 1);
        let inside = async {
            unconstrained(operations(1_000)).await;
            // Before a look at the clock: a slow machine's slice may be over.
            operations(4).await;
        };
        yield_now().await;
        assert_eq!(polls(inside).await, 1);
        let nested = unconstrained(async {
            unconstrained(operations(500)).await;
            operations(500).await;
        });
        assert_eq!(polls(nested).await, 1);
        let waits = polls(unconstrained(yield_now())).await;
        assert_eq!(waits, 2, "what really waits does");
    });
    assert_eq!(
        futures::executor::block_on(polls(unconstrained(operations(9)))),
        1
    );
}

#[test]
fn after_a_future_without_a_budget_the_task_is_refused_again() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let refused = async {
            unconstrained(operations(1_000)).await;
            operations(1_000).await;
        };
        assert!(polls(refused).await > 1);
        let dropped = poll_fn(|cx| {
            let mut pending = Box::pin(unconstrained(std::future::pending::<()>()));
            Poll::Ready(pending.as_mut().poll(cx).is_pending())
        });
        assert!(dropped.await);
        assert!(polls(operations(1_000)).await > 1);
    });
}
