//! Polls of the slow lane that block: no number of them keeps the others there waiting, as long as there are spare
//! threads.

use crate::common::*;
use filch::JoinHandle;
use filch::task::yield_now;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const WORKERS: [usize; 4] = [1, 2, 4, 16];

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Computes until it is told to end, and waits for nothing, not even for a lock.
fn compute_until(end: &AtomicBool) {
    let start = Instant::now();
    while !end.load(Relaxed) {
        assert!(start.elapsed() < LIMIT, "nobody ends it");
        spin(Duration::from_micros(100));
    }
}

/// A runtime on which polls that block are no news.
fn quiet(workers: usize) -> filch::Runtime {
    let builder = filch::Runtime::builder().workers(workers);
    let rt = builder.slow_poll_warning(Duration::MAX).build();
    rt.expect("a runtime")
}

/// One poll that computes.
async fn compute_once() {
    spin(Duration::from_millis(2));
    yield_now().await;
}

/// Enough of them for the next ones to be expected to be long, too.
async fn get_the_habit() {
    for _ in 0..10 {
        compute_once().await;
    }
}

fn join_all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let join = |task: JoinHandle<T>| task.join_blocking(None).expect("it ends").unwrap();
    tasks.into_iter().map(join).collect()
}

#[test]
fn a_task_that_computes_goes_on_beside_more_than_twice_as_many_that_block_as_there_are_workers() {
    for workers in WORKERS {
        let rt = quiet(workers);
        let _limit = Limit::on(&rt);
        let (inside, release, all) = (Count::new(), Gate::new(), 2 * workers + 1);
        let blocked = (0..all).map(|_| {
            let (inside, release) = (inside.clone(), release.clone());
            rt.spawn(async move {
                get_the_habit().await;
                inside.add();
                release.block();
            })
        });
        let blocked: Vec<_> = blocked.collect();
        let (inside, release) = (inside.clone(), release.clone());
        let other = rt.spawn(async move {
            while inside.get() < all {
                compute_once().await;
            }
            get_the_habit().await;
            release.open();
        });
        join_all(vec![other]);
        join_all(blocked);
    }
}

#[test]
fn who_consumes_and_who_produces_may_both_compute() {
    for workers in WORKERS {
        let rt = quiet(workers);
        let _limit = Limit::on(&rt);
        let consumers = 3 * workers;
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..consumers).map(|_| channel()).unzip();
        let receiving = receivers.into_iter().map(|receiver| {
            rt.spawn(async move {
                get_the_habit().await;
                receiver.recv().expect("it is sent") + receiver.recv().expect("again")
            })
        });
        let receiving: Vec<_> = receiving.collect();
        let producer = rt.spawn(async move {
            get_the_habit().await;
            for number in [1, 2] {
                for sender in senders.iter().rev() {
                    sender.send(number).expect("somebody receives");
                    compute_once().await;
                }
            }
        });
        join_all(vec![producer]);
        assert_eq!(join_all(receiving), vec![3; consumers]);
    }
}

#[test]
fn closures_may_wait_for_each_other() {
    for workers in WORKERS {
        let rt = quiet(workers);
        let _limit = Limit::on(&rt);
        let handle = rt.handle();
        let outer = (0..3 * workers).map(|i| {
            let inner = handle.clone();
            handle.cpu(move || {
                let (sender, receiver) = channel();
                drop(inner.cpu(move || sender.send(i)));
                receiver.recv().expect("the inner one sends")
            })
        });
        let got = join_all(outer.collect());
        assert!(got.into_iter().eq(0..3 * workers));
    }
}

#[test]
fn closures_may_hold_a_lock_while_they_wait_for_others() {
    for workers in WORKERS {
        let rt = quiet(workers);
        let _limit = Limit::on(&rt);
        let (handle, sum) = (rt.handle(), Arc::new(Mutex::new(0)));
        let closures = 2 * workers + 1;
        let adding = (0..closures).map(|_| {
            let (inner, sum) = (handle.clone(), Arc::clone(&sum));
            handle.cpu(move || {
                let mut sum = lock(&sum);
                *sum += filch::blocking(|| inner.block_on(inner.cpu(|| 1))).unwrap();
            })
        });
        join_all(adding.collect());
        assert_eq!(*lock(&sum), closures);
    }
}

/// Each of them waits until all are there, and then for one more, which gets the last thread.
fn all_but_one_block(
    workers: usize,
    spares: usize,
    start: fn(&filch::Handle, Box<dyn FnOnce() + Send>),
) {
    let builder = filch::Runtime::builder().workers(workers);
    let builder = builder.max_spare_threads(spares);
    let rt = builder.slow_poll_warning(Duration::MAX).build().unwrap();
    let _limit = Limit::on(&rt);
    let (inside, release, all) = (Count::new(), Gate::new(), workers + spares - 1);
    let block = || {
        let (inside, release) = (inside.clone(), release.clone());
        Box::new(move || {
            inside.add();
            release.block();
        })
    };
    (0..all).for_each(|_| start(&rt.handle(), block()));
    wait_until("all but one block", || inside.get() == all);
    let opener = release.clone();
    start(&rt.handle(), Box::new(move || opener.open()));
    wait_until("the last one has come", || release.is_open());
}

#[test]
fn one_thread_less_than_there_may_be_can_block() {
    for (workers, spares) in [(1, 1), (1, 24), (2, 2), (2, 24), (4, 24), (16, 24)] {
        all_but_one_block(workers, spares, |handle, closure| drop(handle.cpu(closure)));
        all_but_one_block(workers, spares, |handle, closure| {
            drop(handle.spawn(async move {
                get_the_habit().await;
                closure();
            }));
        });
    }
}

/// Nobody can announce that no more come: they compute for several times as long as the lane stands still for polls
/// that have blocked.
#[test]
fn a_thousand_closures_that_compute_do_not_become_a_thousand_threads() {
    for workers in [1, 2, 4] {
        let rt = quiet(workers);
        let _limit = Limit::on(&rt);
        let (inside, most) = (Count::new(), Arc::new(AtomicUsize::new(0)));
        let end = Arc::new(AtomicBool::new(false));
        let closures = (0..1000).map(|_| {
            let (inside, most, end) = (inside.clone(), Arc::clone(&most), Arc::clone(&end));
            rt.handle().cpu(move || {
                most.fetch_max(inside.add() + 1, Relaxed);
                compute_until(&end);
                inside.take();
            })
        });
        let closures = closures.collect();
        wait_until("the first ones compute", || inside.get() >= workers);
        std::thread::sleep(Duration::from_millis(400));
        end.store(true, Relaxed);
        join_all(closures);
        // Elsewhere nobody can tell whether they block, so a few more come.
        let may_be = match cfg!(target_os = "linux") {
            true => workers,
            false => workers + 32,
        };
        assert!(most.load(Relaxed) <= may_be, "{most:?} of {workers}");
    }
}

#[test]
fn closures_that_compute_after_they_have_blocked_keep_nobody_waiting() {
    for declares in [false, true] {
        let (rt, all) = (quiet(2), 12);
        let _limit = Limit::on(&rt);
        let (inside, release) = (Count::new(), Gate::new());
        let end = Arc::new(AtomicBool::new(false));
        let closures = (0..all).map(|_| {
            let (inside, release, end) = (inside.clone(), release.clone(), Arc::clone(&end));
            rt.handle().cpu(move || {
                let block = || {
                    inside.add();
                    release.block();
                };
                match declares {
                    true => filch::blocking(block),
                    false => block(),
                }
                compute_until(&end);
            })
        });
        let closures: Vec<_> = closures.collect();
        wait_until("all block", || inside.get() == all);
        // Two that meet have both permits, so all of the others are known to block.
        let met = Arc::new(AtomicUsize::new(0));
        let meet = |_| {
            let met = Arc::clone(&met);
            rt.handle().cpu(move || {
                met.fetch_add(1, Relaxed);
                while met.load(Relaxed) < 2 {
                    std::hint::spin_loop();
                }
            })
        };
        join_all((0..2).map(meet).collect());
        release.open();
        // The lane is theirs at first, and then everybody's.
        for _ in 0..3 {
            let late = rt.handle().cpu(|| 7);
            assert_eq!(late.join_blocking(None).unwrap().unwrap(), 7);
        }
        end.store(true, Relaxed);
        join_all(closures);
    }
}
