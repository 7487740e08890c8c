//! `filch::blocking`: the worker says by itself that it is going to block.

use crate::common::*;
use filch::net::TcpListener;
use filch::task::yield_now;
use std::cell::Cell;
use std::future::Future;
use std::io::{Read, Write};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

#[test]
fn the_closure_borrows_and_gives_its_result() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let text = rt.run(async {
        let mut text = String::from("a");
        let length = filch::blocking(|| {
            text.push('b');
            text.len()
        });
        yield_now().await;
        (text, length)
    });
    assert_eq!(text, ("ab".to_owned(), 2));
}

#[test]
fn others_go_on_even_on_a_single_worker() {
    for workers in [1, 2] {
        let builder = filch::Runtime::builder()
            .workers(workers)
            .stall_threshold(HOUR);
        let rt = builder.build().unwrap();
        let _limit = Limit::on(&rt);
        rt.run(async move {
            for _ in 0..50 {
                let mut blocked = Vec::new();
                let (inside, done) = (Count::new(), Gate::new());
                for _ in 0..workers {
                    let (inside, done) = (inside.clone(), done.clone());
                    blocked.push(filch::spawn(async move {
                        filch::blocking(|| {
                            inside.add();
                            done.block();
                        });
                    }));
                }
                until("all block", || inside.get() == workers).await;
                done.open();
                for task in blocked {
                    task.await.unwrap();
                }
            }
        });
    }
}

#[test]
fn what_the_closure_wakes_and_spawns_goes_on_meanwhile() {
    let builder = filch::Runtime::builder().workers(1).stall_threshold(HOUR);
    let rt = builder.build().unwrap();
    let _limit = Limit::on(&rt);
    rt.run(async {
        for _ in 0..50 {
            let (gate, woken, spawned) = (Gate::new(), Gate::new(), Gate::new());
            filch::spawn({
                let (gate, woken) = (gate.clone(), woken.clone());
                async move {
                    gate.passed().await;
                    woken.open();
                }
            });
            until("it waits", || gate.waiting() == 1).await;
            filch::blocking(|| {
                gate.open();
                woken.block();
                let opener = spawned.clone();
                filch::spawn(async move { opener.open() });
                spawned.block();
            });
        }
    });
}

#[test]
fn blocking_calls_are_allowed_inside() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let handle = filch::Handle::current();
        let sum = filch::blocking(|| {
            let one = handle.block_on(async { filch::spawn(async { 1 }).await.unwrap() });
            let two = filch::spawn(async { 2 })
                .join_blocking(None)
                .unwrap()
                .unwrap();
            filch::blocking(|| one + two)
        });
        assert_eq!(sum, 3);
        let message = panics(|| handle.block_on(async {}));
        assert!(message.contains("inside an async task"), "{message}");
    });
}

#[test]
fn a_panic_goes_through_and_the_worker_goes_on() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let task = filch::spawn(async { filch::blocking::<_, ()>(|| panic!("inside")) });
        let error = task.await.unwrap_err();
        assert_eq!(message(error.into_panic()), "inside");
        assert_eq!(panics(|| filch::blocking(|| panic!("again"))), "again");
        assert_eq!(filch::spawn(async { 7 }).await.unwrap(), 7);
    });
}

#[test]
fn on_a_local_runtime_and_outside_it_just_calls() {
    assert_eq!(filch::blocking(|| 1), 1);
    let rt = filch::LocalRuntime::new().unwrap();
    let shared = Rc::new(Cell::new(0));
    let theirs = Rc::clone(&shared);
    rt.block_on(async move {
        filch::spawn_local(async move { filch::blocking(|| theirs.set(2)) })
            .await
            .unwrap();
    });
    assert_eq!(shared.get(), 2);
    let rt = runtime(1);
    assert_eq!(rt.block_on(async { filch::blocking(|| 3) }), 3);
    let task = rt.spawn_blocking(|| filch::blocking(|| 4));
    assert_eq!(task.join_blocking(None).unwrap().unwrap(), 4);
}

#[test]
fn a_local_runtime_cannot_be_waited_for_on_its_own_thread() {
    let rt = filch::LocalRuntime::new().unwrap();
    let handle = rt.handle();
    let message = panics(|| {
        rt.block_on(async {
            filch::blocking(|| handle.block_on(filch::time::sleep(Duration::from_millis(1))));
        });
    });
    assert!(message.contains("LocalRuntime"), "{message}");
    // Its blocking threads can wait for it, and another runtime can be waited for.
    let call = rt.block_on(async {
        filch::spawn_blocking(|| filch::Handle::current().block_on(async { 6 })).await
    });
    assert_eq!(call.unwrap(), 6);
    let other = runtime(1);
    assert_eq!(
        rt.block_on(async { filch::blocking(|| other.block_on(async { 5 })) }),
        5
    );
}

#[test]
fn it_is_no_slow_poll() {
    let threshold = Duration::from_millis(100);
    let builder = filch::Runtime::builder()
        .workers(1)
        .stall_threshold(threshold);
    let rt = builder.build().unwrap();
    let _limit = Limit::on(&rt);
    rt.run(async move {
        filch::blocking(|| std::thread::sleep(2 * threshold));
        yield_now().await;
    });
    assert_eq!(rt.metrics().slow_polls, 0, "{:?}", rt.metrics());
}

/// Each of the monitor's looks has a poll measured: by what the poll itself computes.
#[test]
fn nor_is_what_the_closure_computes_the_polls() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    rt.run(async move {
        for _ in 0..100 {
            filch::blocking(|| {
                let start = std::time::Instant::now();
                while start.elapsed() < Duration::from_millis(2) {}
            });
            yield_now().await;
        }
    });
    assert_eq!(rt.metrics().slow_polls, 0, "{:?}", rt.metrics());
}

/// Both workers sleep, one of them in the poller. That one gets the event, and its task blocks: the other has
/// to go to the poller in its place.
fn sockets_are_served(block: impl Fn(&Gate) + Copy + Send + 'static) {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    // A worker's thread is started when it is needed.
    rt.run(async {
        let release = Gate::new();
        let hogs = super::spares::hold_all(2, &release, super::spares::compute).await;
        release.open();
        for hog in hogs {
            hog.await.unwrap();
        }
    });
    for _ in 0..5 {
        let (release, inside) = (Gate::new(), Count::new());
        let listener = rt.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let connect = || {
            let address = listener.local_addr().unwrap();
            let client = std::net::TcpStream::connect(address).unwrap();
            (client, rt.block_on(listener.accept()).unwrap().0)
        };
        let ((mut first, blocks), (mut second, echoes)) = (connect(), connect());
        let blocks = rt.spawn({
            let (release, inside) = (release.clone(), inside.clone());
            async move {
                blocks.read_exact(&mut [0; 4]).await.unwrap();
                inside.add();
                block(&release);
            }
        });
        let echoes = rt.spawn(async move {
            let mut buffer = [0; 4];
            echoes.read_exact(&mut buffer).await.unwrap();
            echoes.write_all(&buffer).await.unwrap();
        });
        wait_until("all is quiet", || {
            let metrics = rt.metrics();
            metrics.spares == 0
                && metrics.workers.iter().all(|worker| worker.idle)
                && rt.handle().tasks().iter().all(|task| task.wait().is_some())
        });
        first.write_all(b"hold").unwrap();
        wait_until("it blocks", || inside.get() == 1);
        second.write_all(b"ping").unwrap();
        second.read_exact(&mut [0; 4]).unwrap();
        release.open();
        blocks.join_blocking(None).unwrap().unwrap();
        echoes.join_blocking(None).unwrap().unwrap();
    }
}

#[test]
fn sockets_are_served_while_the_worker_that_had_the_poller_blocks() {
    sockets_are_served(|release| filch::blocking(|| release.block()));
}

#[test]
fn sockets_are_served_while_a_worker_is_found_to_block() {
    sockets_are_served(super::spares::block);
}

/// Another library's `block_on`.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Unpark>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn a_timer_that_the_blocked_thread_itself_waits_for_fires() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let wait = || {
            // By then the reactor thread sleeps deeply.
            std::thread::sleep(Duration::from_millis(200));
            block_on(filch::time::sleep(Duration::from_millis(1)));
        };
        filch::blocking(wait);
        wait();
    });
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// More workers than processors, and nobody to come in their place.
fn many_workers() -> filch::Runtime {
    let builder = filch::Runtime::builder().workers(4 * processors());
    builder.max_spare_threads(0).build().unwrap()
}

#[test]
fn beyond_the_processors_there_is_still_a_worker_for_what_a_blocked_one_waits_for() {
    let rt = many_workers();
    let _limit = Limit::on(&rt);
    rt.run(async {
        let wait_for_another = || filch::spawn(async { 1 }).join_blocking(None);
        let mut waiting = Vec::new();
        for _ in 0..2 * processors() {
            waiting.push(filch::spawn(async move {
                let mut sum = 0;
                for _ in 0..200 {
                    sum += filch::blocking(wait_for_another).unwrap().unwrap();
                    yield_now().await;
                }
                sum
            }));
        }
        for task in waiting {
            assert_eq!(task.await.unwrap(), 200);
        }
    });
}

#[test]
fn beyond_the_processors_tasks_that_block_unannounced_use_all_workers() {
    let rt = many_workers();
    let _limit = Limit::on(&rt);
    rt.run(async {
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        while most.load(Relaxed) < 4 * processors() {
            let tasks = (0..100).map(|_| {
                let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
                filch::spawn(async move {
                    most.fetch_max(inside.fetch_add(1, Relaxed) + 1, Relaxed);
                    std::thread::sleep(Duration::from_millis(2));
                    inside.fetch_sub(1, Relaxed);
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.unwrap();
            }
        }
    });
}
