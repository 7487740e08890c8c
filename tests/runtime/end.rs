//! How runtimes end: dropped here and there, with tasks in every state, in time or not.

use crate::common::*;
use filch::{Handle, Runtime};
use std::future::{pending, ready};
use std::sync::Arc;
use std::time::Duration;

fn named(name: &str, workers: usize) -> Runtime {
    Runtime::builder()
        .workers(workers)
        .thread_name(name)
        .build()
        .unwrap()
}

#[test]
fn every_future_is_dropped_and_every_thread_joined() {
    for workers in [1, 2, 4] {
        let _limit = Limit::new();
        let name = format!("endall{workers}");
        let rt = named(&name, workers);
        let (probe, eye) = Probe::new();
        let hold = |probe: &Probe, future| {
            let probe = probe.clone();
            async move {
                let _probe = probe;
                future.await;
            }
        };
        let listener = rt
            .block_on(filch::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let mut handles = Vec::new();
        for _ in 0..50 {
            handles.push(rt.spawn(hold(&probe, pending::<()>())));
        }
        let (sleeping, accepting, busy) = (probe.clone(), probe.clone(), probe.clone());
        handles.push(rt.spawn(async move {
            filch::time::sleep(HOUR).await;
            drop(sleeping);
        }));
        handles.push(rt.spawn(async move {
            let _ = listener.accept().await;
            drop(accepting);
        }));
        handles.push(rt.spawn(async move {
            let _busy = busy;
            loop {
                filch::task::yield_now().await;
            }
        }));
        rt.spawn_blocking(move || drop(probe));
        drop(rt);
        assert!(is_gone(&eye));
        assert!(process::threads(&name).is_empty());
        for handle in handles {
            assert!(
                handle
                    .join_blocking(None)
                    .unwrap()
                    .unwrap_err()
                    .is_cancelled()
            );
        }
    }
}

#[test]
fn a_handle_may_outlive_its_runtime() {
    let rt = runtime(2);
    let _limit = Limit::new();
    let handle = rt.handle();
    let done = rt.spawn(ready(5));
    wait_until("it ends", || done.is_finished());
    drop(rt);
    assert_eq!(
        done.join_blocking(None).unwrap().unwrap(),
        5,
        "an output is kept"
    );
    let (probe, eye) = Probe::new();
    let late = handle.spawn(async move { drop(probe) });
    assert!(late.is_finished() && is_gone(&eye), "cancelled at once");
    assert!(
        late.join_blocking(None)
            .unwrap()
            .unwrap_err()
            .is_cancelled()
    );
    assert_eq!(handle.block_on(async { 6 }), 6);
    let inside = handle.block_on(async { filch::spawn(ready(1)).await });
    assert!(inside.unwrap_err().is_cancelled());
    assert_eq!(handle.metrics().tasks, 0);
    assert!(handle.tasks().is_empty());
}

#[test]
fn what_a_destructor_spawns_during_the_end_is_cancelled() {
    let rt = runtime(2);
    let _limit = Limit::new();
    let (probe, eye) = Probe::new();
    let outcome = Arc::new(std::sync::Mutex::new(None));
    let (told, gate) = (Arc::clone(&outcome), Gate::new());
    let waiting = gate.clone();
    rt.spawn(async move {
        let _on_drop = OnDrop(move || {
            let probe = probe.clone();
            *lock(&told) = Some(filch::spawn(async move { drop(probe) }));
        });
        waiting.passed().await;
    });
    wait_until("it waits", || gate.waiting() == 1);
    drop(rt);
    assert!(is_gone(&eye));
    let late = lock(&outcome).take().unwrap();
    assert!(
        late.join_blocking(None)
            .unwrap()
            .unwrap_err()
            .is_cancelled()
    );
}

#[test]
fn dropped_inside_its_own_task() {
    let _limit = Limit::new();
    for workers in [1, 2, 4] {
        let name = format!("endown{workers}");
        let rt = named(&name, workers);
        let (handle, (probe, eye), after) = (rt.handle(), Probe::new(), Gate::new());
        let others: Vec<_> = (0..10)
            .map(|_| {
                let probe = probe.clone();
                rt.spawn(async move {
                    let _probe = probe;
                    pending::<()>().await;
                })
            })
            .collect();
        let task = handle.spawn({
            let after = after.clone();
            async move {
                let _probe = probe;
                drop(rt);
                after.open();
                pending::<()>().await;
            }
        });
        assert!(
            task.join_blocking(None)
                .unwrap()
                .unwrap_err()
                .is_cancelled()
        );
        assert!(after.is_open(), "the drop did not wait for its own task");
        for other in others {
            assert!(
                other
                    .join_blocking(None)
                    .unwrap()
                    .unwrap_err()
                    .is_cancelled()
            );
        }
        assert!(is_gone(&eye));
        wait_until("its threads end by themselves", || {
            process::threads(&format!("{name}-")).is_empty()
        });
    }
}

#[test]
fn dropped_inside_its_own_blocking_call() {
    let _limit = Limit::new();
    let rt = named("endblk", 2);
    let handle = rt.handle();
    let call = handle.spawn_blocking(move || {
        drop(rt);
        "came back"
    });
    assert_eq!(call.join_blocking(None).unwrap().unwrap(), "came back");
    wait_until("its threads end by themselves", || {
        process::threads("endblk-").is_empty()
    });
}

#[test]
fn dropped_inside_whatever_its_own_thread_has_entered_since() {
    let _limit = Limit::new();
    type Inside = fn(Runtime) -> &'static str;
    let in_own_block_on: Inside = |rt| {
        let handle = rt.handle();
        handle.block_on(async move { drop(rt) });
        "came back"
    };
    let in_anothers_block_on: Inside = |rt| {
        runtime(1).block_on(async move { drop(rt) });
        "came back"
    };
    let in_a_local_one: Inside = |rt| {
        let local = filch::LocalRuntime::new().unwrap();
        local.block_on(async move { drop(rt) });
        "came back"
    };
    for drop_inside in [in_own_block_on, in_anothers_block_on, in_a_local_one] {
        let rt = named("endnest", 2);
        let handle = rt.handle();
        let call = handle.spawn_blocking(move || drop_inside(rt));
        assert_eq!(call.join_blocking(None).unwrap().unwrap(), "came back");
        let rt = named("endnest", 2);
        let (handle, after) = (rt.handle(), Gate::new());
        let task = handle.spawn({
            let after = after.clone();
            async move {
                filch::blocking(|| drop_inside(rt));
                after.open();
            }
        });
        // It may or may not be cancelled before it ends.
        let _ = task.join_blocking(None).unwrap();
        assert!(after.is_open());
        wait_until("its threads end by themselves", || {
            process::threads("endnest-").is_empty()
        });
    }
}

#[test]
fn dropped_inside_its_own_block_on() {
    let _limit = Limit::new();
    let rt = named("endbo", 2);
    let (handle, waiting) = (rt.handle(), rt.spawn(pending::<()>()));
    handle.block_on(async move {
        drop(rt);
        assert!(waiting.await.unwrap_err().is_cancelled());
    });
    wait_until("its threads are gone", || {
        process::threads("endbo-").is_empty()
    });
}

#[test]
fn dropped_inside_anothers_task() {
    let _limit = Limit::new();
    for workers in [1, 2] {
        let name = format!("endoth{workers}");
        let (outer, inner) = (runtime(workers), named(&name, workers));
        let (probe, eye) = Probe::new();
        inner.spawn(async move {
            let _probe = probe;
            pending::<()>().await;
        });
        let done = outer.run(async move {
            drop(inner);
            let here = Handle::current().metrics().workers.len();
            (is_gone(&eye), here, filch::spawn(ready(1)).await.unwrap())
        });
        assert_eq!(done, (true, workers, 1));
        assert!(process::threads(&format!("{name}-")).is_empty());
    }
}

#[test]
fn a_shutdown_with_a_timeout_names_what_would_not_end() {
    let rt = runtime(2);
    let _limit = Limit::new();
    let (inside, release) = (Gate::new(), Gate::new());
    let stuck = filch::task::Builder::new()
        .name("stubborn")
        .spawn_on(&rt.handle(), {
            let (inside, release) = (inside.clone(), release.clone());
            async move {
                inside.open();
                release.block();
            }
        });
    let blocking = Gate::new();
    let call = rt.spawn_blocking({
        let (blocking, release) = (blocking.clone(), release.clone());
        move || {
            blocking.open();
            release.block();
        }
    });
    inside.block();
    blocking.block();
    let leftover = rt.shutdown_timeout(Duration::from_millis(50));
    assert!(!leftover.is_empty());
    assert_eq!(leftover.blocking_threads(), 1);
    let ids: Vec<_> = leftover.tasks().iter().map(|info| info.id()).collect();
    assert_eq!(ids, [stuck.id(), call.id()]);
    let text = leftover.to_string();
    assert!(
        text.contains("'stubborn'")
            && text.contains("tests/runtime/end.rs")
            && text.contains("running"),
        "{text}"
    );
    release.open();
    stuck.join_blocking(None).unwrap().unwrap();
    call.join_blocking(None).unwrap().unwrap();
}

#[test]
fn a_shutdown_with_a_timeout_does_not_wait_for_what_a_task_left_behind() {
    /// Its drop blocks.
    struct Slow(Gate, Gate);
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.open();
            self.1.block();
        }
    }
    let rt = named("endslow", 2);
    let _limit = Limit::new();
    let (inside, release) = (Gate::new(), Gate::new());
    let output = Slow(inside.clone(), release.clone());
    let detached = Gate::new();
    drop(rt.spawn({
        let detached = detached.clone();
        async move {
            // Had it ended before, whoever drops the handle would drop the output.
            detached.passed().await;
            output
        }
    }));
    detached.open();
    inside.block();
    let leftover = rt.shutdown_timeout(Duration::from_millis(50));
    assert!(
        !leftover.is_empty() && leftover.threads() >= 1,
        "{leftover}"
    );
    assert!(leftover.to_string().contains("thread(s)"), "{leftover}");
    release.open();
    wait_until("its threads end by themselves", || {
        process::threads("endslow-").is_empty()
    });
}

#[test]
fn a_shutdown_in_time_leaves_nothing() {
    let _limit = Limit::new();
    for timeout in [Duration::from_secs(60), Duration::MAX] {
        let rt = named("endtime", 2);
        let (probe, eye) = Probe::new();
        rt.spawn(async move {
            let _probe = probe;
            pending::<()>().await;
        });
        rt.spawn_blocking(|| ());
        let leftover = rt.shutdown_timeout(timeout);
        assert!(leftover.is_empty(), "{leftover}");
        assert!(is_gone(&eye));
        assert!(process::threads("endtime-").is_empty());
    }
}

#[test]
fn a_shutdown_without_time_does_not_wait() {
    let rt = runtime(1);
    let _limit = Limit::new();
    let (inside, release) = (Gate::new(), Gate::new());
    let stuck = rt.spawn({
        let (inside, release) = (inside.clone(), release.clone());
        async move {
            inside.open();
            release.block();
        }
    });
    inside.block();
    assert_eq!(rt.shutdown_timeout(Duration::ZERO).tasks().len(), 1);
    release.open();
    let _ = stuck.join_blocking(None).unwrap();
}

#[test]
fn io_and_timers_of_a_runtime_that_ended_do_not_wait_for_ever() {
    let rt = runtime(1);
    let _limit = Limit::new();
    let listener = rt
        .block_on(filch::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let accepting = std::thread::spawn({
        let handle = rt.handle();
        let waiting = Gate::new();
        let told = waiting.clone();
        let thread = std::thread::spawn(move || {
            handle.block_on(async {
                let mut accept = std::pin::pin!(listener.accept());
                let first = std::future::poll_fn(|cx| {
                    std::task::Poll::Ready(accept.as_mut().poll(cx).is_pending())
                })
                .await;
                assert!(first);
                told.open();
                accept.await.map(drop)
            })
        });
        move || {
            waiting.block();
            drop(rt);
            thread.join().unwrap()
        }
    });
    let error = accepting.join().unwrap().unwrap_err();
    assert!(!error.to_string().is_empty(), "{error}");
}

/// The part that a child process plays: the figures are the process's own.
#[test]
fn child() {
    if process::part().is_none() {
        return;
    }
    let _limit = Limit::new();
    let life = |round: usize| {
        let rt = Runtime::builder().workers(1 + round % 3).build().unwrap();
        rt.spawn(pending::<()>());
        rt.spawn(filch::time::sleep(HOUR));
        if round % 5 == 0 {
            // Both wait for each other, so there is a spare thread.
            let meet = |mine: Gate, other: Gate| async move {
                mine.open();
                other.block();
            };
            let (one, two) = (Gate::new(), Gate::new());
            rt.spawn(meet(one.clone(), two.clone()));
            let met = rt.spawn(meet(two, one));
            met.join_blocking(None).unwrap().unwrap();
        }
        match round % 4 {
            0 => rt.run(async {
                let (one, _two) = sockets::pair();
                filch::spawn(async move { one.readable().await });
                filch::task::yield_now().await;
            }),
            1 => rt
                .spawn_blocking(|| ())
                .join_blocking(None)
                .unwrap()
                .unwrap(),
            2 => rt.block_on(filch::time::sleep(Duration::from_micros(10))),
            _ => assert!(rt.shutdown_timeout(LIMIT).is_empty()),
        }
    };
    let figures = || (process::threads("filch"), process::descriptors());
    life(0);
    let before = figures();
    assert!(before.0.is_empty());
    for round in 0..500 {
        life(round);
        assert_eq!(figures(), before, "at once, after life {round}");
    }
    println!("500 lives");
}

#[test]
fn five_hundred_runtimes_leave_no_thread_and_no_descriptor() {
    assert!(process::succeed("end::child", "lives").contains("500 lives"));
}
