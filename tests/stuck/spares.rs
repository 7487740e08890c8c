//! Spare threads come when every worker is stuck, and go when they are not needed.

use crate::common::*;
use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::net::{TcpListener, TcpStream};
use filch::task::yield_now;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tasks that hold as many workers as the runtime has until the gate opens.
pub(crate) async fn hold_all(
    workers: usize,
    release: &Gate,
    hold: impl Fn(&Gate) + Copy + Send + 'static,
) -> Vec<filch::JoinHandle<()>> {
    let inside = Count::new();
    let mut hogs = Vec::new();
    for _ in 0..workers {
        let (inside, release) = (inside.clone(), release.clone());
        hogs.push(filch::spawn(async move {
            inside.add();
            hold(&release);
        }));
    }
    until("all workers are held", || inside.get() == workers).await;
    hogs
}

/// Blocks the thread.
pub(crate) fn block(release: &Gate) {
    release.block();
}

/// Keeps its processor busy.
pub(crate) fn compute(release: &Gate) {
    let start = Instant::now();
    while !release.is_open() {
        assert!(start.elapsed() < LIMIT, "nobody opens the gate");
        std::hint::spin_loop();
    }
}

async fn echo_once(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4];
    stream.read_exact(&mut buffer).await?;
    stream.write_all(&buffer).await
}

/// Everything goes on while all workers are held: spawns, timers, sockets, and the root future.
fn everything_goes_on(workers: usize, hold: impl Fn(&Gate) + Copy + Send + Sync + 'static) {
    let rt = runtime(workers);
    let _limit = Limit::on(&rt);
    rt.run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let release = Gate::new();
        let hogs = hold_all(workers, &release, hold).await;
        for i in 0..50 {
            filch::time::sleep(Duration::from_micros(200)).await;
            assert_eq!(filch::spawn(async move { i }).await.unwrap(), i);
        }
        let client = std::thread::spawn(move || {
            let mut client = std::net::TcpStream::connect(address).unwrap();
            let mut buffer = [0; 4];
            for _ in 0..50 {
                client.write_all(b"ping").unwrap();
                client.read_exact(&mut buffer).unwrap();
            }
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..50 {
            echo_once(&mut stream).await.unwrap();
        }
        client.join().unwrap();
        release.open();
        for hog in hogs {
            hog.await.unwrap();
        }
    });
}

#[test]
fn everything_goes_on_beside_blocked_workers() {
    for workers in [1, 2, 4] {
        everything_goes_on(workers, block);
    }
}

#[test]
fn everything_goes_on_beside_computing_workers() {
    for workers in [1, 2, 4] {
        everything_goes_on(workers, compute);
    }
}

#[test]
fn more_blockers_than_workers_one_after_the_other() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(async {
        // Each blocks until all the others have begun.
        let (all, begun) = (40, Count::new());
        let tasks: Vec<_> = (0..all)
            .map(|_| {
                let begun = begun.clone();
                filch::spawn(async move {
                    begun.add();
                    wait_until("all have begun", || begun.get() == all);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn more_hogs_than_workers() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let (all, begun) = (6, Count::new());
        let tasks: Vec<_> = (0..all)
            .map(|_| {
                let begun = begun.clone();
                filch::spawn(async move {
                    begun.add();
                    while begun.get() < all {
                        std::thread::yield_now();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn the_cap_is_kept() {
    let builder = filch::Runtime::builder().workers(2).max_spare_threads(3);
    let rt = builder.build().unwrap();
    let _limit = Limit::on(&rt);
    let (now, most) = (Count::new(), Arc::new(std::sync::Mutex::new((0, 0))));
    rt.run(async move {
        let tasks: Vec<_> = (0..60)
            .map(|_| {
                let (now, most) = (now.clone(), Arc::clone(&most));
                filch::spawn(async move {
                    {
                        let mut inside = lock(&most);
                        inside.0 += 1;
                        inside.1 = inside.1.max(inside.0);
                    }
                    std::thread::sleep(Duration::from_millis(3));
                    lock(&most).0 -= 1;
                    now.add();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(now.get(), 60);
        let most = lock(&most).1;
        assert!(most <= 5, "{most} at a time, with 2 workers and 3 spares");
    });
    assert!(rt.metrics().spare_threads <= 3, "{:?}", rt.metrics());
}

#[test]
fn without_spare_threads_all_wait_and_nothing_is_lost() {
    let builder = filch::Runtime::builder().workers(2).max_spare_threads(0);
    let rt = builder.build().unwrap();
    let _limit = Limit::on(&rt);
    let release = Gate::new();
    let (inside, hogs) = (Count::new(), 2);
    for _ in 0..hogs {
        let (inside, release) = (inside.clone(), release.clone());
        drop(rt.spawn(async move {
            inside.add();
            release.block();
        }));
    }
    wait_until("both workers are held", || inside.get() == hogs);
    let task = rt.spawn(async { 7 });
    assert_eq!(rt.metrics().spare_threads, 0);
    release.open();
    assert_eq!(task.join_blocking(None).unwrap().unwrap(), 7);
}

#[test]
fn spare_threads_go_when_nobody_is_stuck_any_more() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    for round in 0..3 {
        let release = Gate::new();
        let opener = release.clone();
        rt.run(async move {
            let hogs = hold_all(2, &release, block).await;
            assert!(filch::Handle::current().metrics().spares > 0);
            opener.open();
            for hog in hogs {
                hog.await.unwrap();
            }
        });
        wait_until("no spare is at work", || rt.metrics().spares == 0);
        assert!(
            rt.metrics().spare_threads <= 8,
            "round {round}: {:?}",
            rt.metrics()
        );
    }
    wait_until("they have ended", || rt.metrics().spare_threads == 0);
    assert_eq!(
        rt.run(async { filch::spawn(async { 7 }).await.unwrap() }),
        7
    );
}

#[test]
fn a_shutdown_waits_for_stuck_polls_and_drops_the_rest() {
    for _ in 0..10 {
        let rt = runtime(2);
        let limit = Limit::on(&rt);
        let release = Gate::new();
        let (probe, eye) = Probe::new();
        let held = release.clone();
        // Not with `run`, whose thread is a worker and so may itself be held.
        let root = rt.spawn(async move {
            let _hogs = hold_all(2, &held, block).await;
            drop(filch::spawn(async move {
                let _probe = probe;
                std::future::pending::<()>().await;
            }));
            yield_now().await;
        });
        root.join_blocking(None).unwrap().unwrap();
        let opener = std::thread::spawn(move || {
            wait_until("the waiting task is dropped", || is_gone(&eye));
            release.open();
        });
        drop(limit);
        drop(rt);
        opener.join().unwrap();
    }
}

#[test]
fn a_thousand_tasks_that_block_at_once() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let done = Count::new();
        let tasks: Vec<_> = (0..1000)
            .map(|_| {
                let done = done.clone();
                filch::spawn(async move {
                    std::thread::sleep(Duration::from_millis(10));
                    done.add();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(done.get(), 1000);
    });
    assert!(rt.metrics().spare_threads <= 256);
}

/// Drops of futures and outputs are no polls, but a worker can be stuck in them all the same.
#[test]
fn nobody_counts_as_stuck_after_a_long_drop() {
    struct Slow(Gate);
    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.block();
        }
    }

    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    for aborted in [true, false] {
        let (release, detached) = (Gate::new(), Gate::new());
        let (slow, end) = (Slow(release.clone()), detached.clone());
        let task = rt.spawn(async move {
            end.passed().await;
            slow
        });
        let abort = task.abort_handle();
        drop(task);
        if aborted {
            abort.abort();
        } else {
            detached.open();
        }
        wait_until("the drop is found to block", || {
            rt.metrics().stuck_workers == 1
        });
        let beside = rt.spawn(async { 7 });
        assert_eq!(beside.join_blocking(None).unwrap().unwrap(), 7);
        release.open();
        wait_until("the spare is gone", || rt.metrics().spares == 0);
        assert_eq!(rt.metrics().stuck_workers, 0, "aborted: {aborted}");
    }
}
