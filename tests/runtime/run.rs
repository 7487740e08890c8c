//! `run` and `block_on`: from one thread, from many at once, and while the workers are busy.

use crate::common::*;
use filch::task::yield_now;
use std::future::ready;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn run_gives_the_output_of_a_task() {
    let _limit = Limit::new();
    assert!(filch::run(async { filch::task::current().is_some() }));
    let rt = runtime(1);
    for i in 0..100 {
        assert_eq!(
            rt.run(async move { filch::spawn(ready(i)).await.unwrap() }),
            i
        );
    }
}

#[test]
fn what_run_leaves_is_cancelled_and_waited_for() {
    let _limit = Limit::new();
    let (probe, eye) = Probe::new();
    filch::run(async move {
        for _ in 0..10 {
            let probe = probe.clone();
            filch::spawn(async move {
                let _probe = probe;
                std::future::pending::<()>().await;
            });
        }
        yield_now().await;
    });
    assert!(is_gone(&eye));
}

#[test]
fn block_on_takes_what_is_not_send_and_what_borrows() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let (text, shared) = (String::from("borrowed"), Rc::new(3));
    let sum = rt.block_on(async {
        yield_now().await;
        let other = filch::spawn(async { 4 });
        text.len() + *shared + other.await.unwrap()
    });
    assert_eq!(sum, 15);
}

#[test]
fn tasks_outlive_the_call_that_spawned_them() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let gate = Gate::new();
    // In a tuple: what an async block gives is not to look like something to be awaited.
    let later = |gate: &Gate| (filch::spawn(gate.passed()),);
    let (first,) = rt.block_on(async { later(&gate) });
    let (second,) = rt.run({
        let gate = gate.clone();
        async move { later(&gate) }
    });
    gate.open();
    rt.block_on(async { (first.await.unwrap(), second.await.unwrap()) });
}

/// Counts how many are inside at a time, at most.
#[derive(Default)]
struct Crowd {
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    /// Some work inside one poll.
    fn work(&self) {
        let now = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        std::thread::yield_now();
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn callers_of_run_and_workers_share_the_seats() {
    for workers in [1, 2, 4] {
        // A spare thread would be one more while a poll is taken for stuck, on a machine that is busy.
        let builder = filch::Runtime::builder()
            .workers(workers)
            .max_spare_threads(0);
        let rt = builder.build().unwrap();
        let _limit = Limit::on(&rt);
        let crowd = Arc::new(Crowd::default());
        std::thread::scope(|scope| {
            for caller in 0..8 {
                let (rt, crowd) = (&rt, Arc::clone(&crowd));
                scope.spawn(move || {
                    for round in 0..20 {
                        let crowd = Arc::clone(&crowd);
                        let output = rt.run(async move {
                            let tasks: Vec<_> = (0..4)
                                .map(|_| {
                                    let crowd = Arc::clone(&crowd);
                                    filch::spawn(async move {
                                        crowd.work();
                                        yield_now().await;
                                        crowd.work();
                                    })
                                })
                                .collect();
                            crowd.work();
                            for task in tasks {
                                task.await.unwrap();
                            }
                            (caller, round)
                        });
                        assert_eq!(output, (caller, round));
                    }
                });
            }
        });
        let most = crowd.most.load(Ordering::SeqCst);
        assert!(
            most <= workers,
            "{most} threads ran tasks at a time, {workers} may"
        );
    }
}

#[test]
fn run_gets_a_seat_from_workers_that_are_never_idle() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let stop = Gate::new();
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let stop = stop.clone();
            rt.spawn(async move {
                while !stop.is_open() {
                    yield_now().await;
                }
            })
        })
        .collect();
    std::thread::scope(|scope| {
        for i in 0..6 {
            let rt = &rt;
            scope.spawn(move || {
                for _ in 0..10 {
                    assert_eq!(
                        rt.run(async move { filch::spawn(async move { i }).await.unwrap() }),
                        i
                    );
                }
            });
        }
    });
    stop.open();
    for task in busy {
        task.join_blocking(None).unwrap().unwrap();
    }
}

#[test]
fn run_comes_back_while_the_other_callers_stay() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let gate = Gate::new();
    std::thread::scope(|scope| {
        let long = scope.spawn(|| rt.run(gate.passed()));
        wait_until("the long call waits", || gate.waiting() == 1);
        for i in 0..20 {
            assert_eq!(rt.run(async move { i }), i);
        }
        gate.open();
        long.join().unwrap();
    });
}

#[test]
fn block_on_from_many_threads() {
    for workers in [1, 2, 16] {
        let rt = runtime(workers);
        let _limit = Limit::on(&rt);
        std::thread::scope(|scope| {
            for i in 0..16 {
                let rt = &rt;
                scope.spawn(move || {
                    for _ in 0..25 {
                        let sum = rt.block_on(async {
                            let (a, b) =
                                (filch::spawn(async move { i }), filch::spawn(yield_now()));
                            filch::time::sleep(std::time::Duration::from_micros(50)).await;
                            b.await.unwrap();
                            a.await.unwrap()
                        });
                        assert_eq!(sum, i);
                    }
                });
            }
        });
    }
}

#[test]
fn what_block_on_spawned_runs_although_its_future_blocks() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let done = Gate::new();
    rt.block_on(async {
        let inner = done.clone();
        filch::spawn(async move {
            filch::spawn(async {}).await.unwrap();
            inner.open();
        });
        done.block();
    });
}

#[test]
fn several_runtimes_work_side_by_side() {
    let _limit = Limit::new();
    let runtimes: Vec<_> = (1..=4).map(runtime).collect();
    let mut handle = runtimes[0].spawn(async { 0_usize });
    for hop in 0..200 {
        let (previous, next) = (handle, &runtimes[hop % runtimes.len()]);
        handle = next.spawn(async move {
            let workers = filch::Handle::current().metrics().workers.len();
            assert_eq!(workers, hop % 4 + 1);
            previous.await.unwrap() + 1
        });
    }
    assert_eq!(handle.join_blocking(None).unwrap().unwrap(), 200);
    let [one, two, ..] = &runtimes[..] else {
        unreachable!()
    };
    let crossed = one.block_on(
        two.spawn(async { filch::time::sleep(std::time::Duration::from_millis(1)).await }),
    );
    crossed.unwrap();
}
