//! One task blocks its worker; what waited behind it goes on elsewhere.
//!
//! Each of these would wait for ever if it did not: the blocked poll ends only when the others have done their part.

use crate::common::*;
use filch::task::yield_now;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

const ROUNDS: usize = 20;

#[filch::test(workers = 2)]
async fn the_task_in_the_next_task_slot() {
    for _ in 0..ROUNDS {
        let (gate, done) = (Gate::new(), Gate::new());
        filch::spawn({
            let (gate, done) = (gate.clone(), done.clone());
            async move {
                gate.passed().await;
                done.open();
            }
        });
        until("it waits", || gate.waiting() == 1).await;
        // The woken task is put where this worker would run it next.
        gate.open();
        done.block();
    }
}

#[filch::test(workers = 2)]
async fn the_tasks_in_the_queue() {
    for count in [1, 2, 3, 50, 300, 1000] {
        let done = Count::new();
        for _ in 0..count {
            let done = done.clone();
            filch::spawn(async move {
                yield_now().await;
                done.add();
            });
        }
        wait_until("all have run elsewhere", || done.get() == count);
        yield_now().await;
    }
}

#[filch::test(workers = 2)]
async fn a_task_that_the_stuck_poll_spawns_late() {
    for _ in 0..ROUNDS {
        for _ in 0..3 {
            let done = Gate::new();
            let opener = done.clone();
            filch::spawn(async move { opener.open() });
            done.block();
        }
        yield_now().await;
    }
}

#[filch::test(workers = 2)]
async fn its_timers() {
    for _ in 0..ROUNDS {
        // Another task is woken by a timer that this worker's wheel holds.
        let (ready, done) = (Gate::new(), Gate::new());
        let slot = std::sync::Arc::new(std::sync::Mutex::new(None::<Waker>));
        let waiter = filch::spawn({
            let (ready, done, slot) = (ready.clone(), done.clone(), slot.clone());
            async move {
                let mut woken = false;
                std::future::poll_fn(move |cx| {
                    if std::mem::replace(&mut woken, true) {
                        return std::task::Poll::Ready(());
                    }
                    *lock(&slot) = Some(cx.waker().clone());
                    ready.open();
                    std::task::Poll::Pending
                })
                .await;
                done.open();
            }
        });
        ready.passed().await;
        let waker = lock(&slot).take().unwrap();
        let mut sleep = pin!(filch::time::sleep(Duration::from_millis(1)));
        if sleep
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
        {
            // The machine was so busy that the time is over already.
            waker.wake_by_ref();
        }
        done.block();
        waiter.await.unwrap();
    }
}

#[filch::test(workers = 2)]
async fn the_sockets() {
    for _ in 0..ROUNDS {
        let (mut one, two) = sockets::half_pair();
        let (reading, done) = (Gate::new(), Gate::new());
        filch::spawn({
            let (reading, done) = (reading.clone(), done.clone());
            async move {
                assert!(poll_once(&mut two.read(&mut [0])).await.is_pending());
                reading.open();
                two.read_exact(&mut [0]).await.unwrap();
                done.open();
            }
        });
        reading.passed().await;
        std::io::Write::write_all(&mut one, b"x").unwrap();
        done.block();
    }
}

#[filch::test(workers = 4)]
async fn three_of_four_workers() {
    let (stuck, release) = (Count::new(), Gate::new());
    let hogs: Vec<_> = (0..3)
        .map(|_| {
            let (stuck, release) = (stuck.clone(), release.clone());
            filch::spawn(async move {
                stuck.add();
                release.block();
            })
        })
        .collect();
    until("three are stuck", || stuck.get() == 3).await;
    for i in 0..200 {
        filch::time::sleep(Duration::from_micros(200)).await;
        assert_eq!(filch::spawn(async move { i }).await.unwrap(), i);
    }
    release.open();
    for hog in hogs {
        hog.await.unwrap();
    }
}

#[test]
fn what_the_stuck_worker_had_goes_on_soon() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    // The best of many says what the runtime does; the others, what the machine was busy with.
    rt.run(async {
        let mut late = Duration::MAX;
        while late > Duration::from_millis(20) {
            let (gate, done) = (Gate::new(), Gate::new());
            filch::spawn({
                let (gate, done) = (gate.clone(), done.clone());
                async move {
                    gate.passed().await;
                    done.open();
                }
            });
            until("it waits", || gate.waiting() == 1).await;
            let start = std::time::Instant::now();
            gate.open();
            while !done.is_open() {
                std::thread::yield_now();
            }
            late = start.elapsed();
            yield_now().await;
        }
    });
}
