//! Nobody who is polite, or never short of work, keeps the others from running.

use crate::common::*;
use filch::io::{AsyncReadExt, AsyncWriteExt};
use filch::task::{consume_budget, need_preempt, yield_now};
use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[test]
fn yielding_tasks_take_turns() {
    in_turn(async {
        let log = Arc::new(Mutex::new(Vec::new()));
        let handles: Vec<_> = (0..3)
            .map(|name| {
                let log = Arc::clone(&log);
                filch::spawn(async move {
                    for _ in 0..3 {
                        lock(&log).push(name);
                        yield_now().await;
                    }
                })
            })
            .collect();
        for handle in handles {
            handle.await.unwrap();
        }
        assert_eq!(*lock(&log), [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    });
}

#[test]
fn tasks_start_in_the_order_of_their_spawns() {
    in_turn(async {
        let log = Arc::new(Mutex::new(Vec::new()));
        let handles: Vec<_> = (0..200)
            .map(|name| {
                let log = Arc::clone(&log);
                filch::spawn(async move { lock(&log).push(name) })
            })
            .collect();
        for handle in handles {
            handle.await.unwrap();
        }
        assert!(lock(&log).is_sorted());
    });
}

/// Runs a task that never waits beside one that has to get its turn nevertheless.
async fn beside<F: Future<Output = ()> + Send + 'static>(greedy: F) {
    let greedy = filch::spawn(greedy);
    filch::spawn(yield_now()).await.unwrap();
    greedy.abort();
    let error = greedy.await.unwrap_err();
    assert!(error.is_cancelled(), "{error}");
}

#[filch::test(workers = 1)]
async fn a_loop_that_spends_budget_lets_others_run() {
    beside(async {
        loop {
            consume_budget().await;
        }
    })
    .await;
}

#[test]
#[cfg_attr(miri, ignore = "too many tasks for Miri")]
fn a_loop_of_joins_that_are_ready_lets_others_run() {
    in_turn(async {
        // Not here: as a task whose polls are long this one would have to wait for the others below.
        let spawner = filch::spawn(async {
            let tasks = (0..10_000).map(|_| filch::spawn(ready(())));
            tasks.collect::<Vec<_>>()
        });
        let tasks = spawner.await.unwrap();
        until("all have ended", || {
            tasks.iter().all(|task| task.is_finished())
        })
        .await;
        let count = Count::new();
        let joined = count.clone();
        let greedy = filch::spawn(async move {
            for task in tasks {
                task.await.unwrap();
                joined.add();
            }
        });
        filch::spawn(yield_now()).await.unwrap();
        let now = count.get();
        assert!(now < 10_000, "it had its say before the loop ended");
        greedy.await.unwrap();
        assert_eq!(count.get(), 10_000);
    });
}

#[filch::test(workers = 1)]
async fn a_pipe_that_is_always_ready_lets_others_run() {
    let (mut one, mut other) = filch::io::duplex(64);
    beside(async move {
        loop {
            one.write_all(b"x").await.unwrap();
            other.read_exact(&mut [0]).await.unwrap();
        }
    })
    .await;
}

#[filch::test(workers = 1)]
#[cfg_attr(miri, ignore = "Miri has no such sockets")]
async fn a_socket_that_is_always_ready_lets_others_run() {
    let one = filch::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    one.connect(one.local_addr().unwrap()).await.unwrap();
    beside(async move {
        loop {
            one.send(b"x").await.unwrap();
        }
    })
    .await;
}

#[filch::test(workers = 1)]
async fn two_tasks_that_keep_waking_each_other_let_others_run() {
    let stop = Gate::new();
    let table = Arc::new(Mutex::new((0_usize, [None::<Waker>, None])));
    let players: Vec<_> = (0..2)
        .map(|player| {
            let (stop, table) = (stop.clone(), Arc::clone(&table));
            filch::spawn(std::future::poll_fn(move |cx: &mut Context<'_>| {
                let mut table = lock(&table);
                let other = table.1[1 - player].take();
                table.1[player] = Some(cx.waker().clone());
                table.0 += 1;
                if let Some(other) = other {
                    other.wake();
                }
                if stop.is_open() {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }))
        })
        .collect();
    for _ in 0..10 {
        filch::spawn(yield_now()).await.unwrap();
    }
    assert!(lock(&table).0 > 0);
    stop.open();
    let last = lock(&table)
        .1
        .iter_mut()
        .filter_map(Option::take)
        .collect::<Vec<_>>();
    last.into_iter().for_each(Waker::wake);
    for player in players {
        player.await.unwrap();
    }
}

#[filch::test(workers = 1)]
#[cfg_attr(miri, ignore = "Miri has no such sockets")]
async fn timers_sockets_and_other_threads_get_through_to_a_worker_that_is_never_idle() {
    let busy = filch::spawn(async {
        loop {
            yield_now().await;
        }
    });
    filch::time::sleep(Duration::from_millis(2)).await;
    let (mut one, two) = sockets::half_pair();
    let handle = filch::Handle::current();
    let thread = std::thread::spawn(move || {
        std::io::Write::write_all(&mut one, b"x").unwrap();
        handle.spawn(async { 5 })
    });
    two.read_exact(&mut [0]).await.unwrap();
    let from_outside = filch::spawn_blocking(|| thread.join().unwrap())
        .await
        .unwrap();
    assert_eq!(from_outside.await.unwrap(), 5);
    busy.abort();
}

/// Each task spawns the next one and ends: there is always one to run, and none that would be polled again.
#[test]
fn chains_of_spawns_let_timers_through() {
    let late = in_turn(async {
        let due = filch::time::Instant::now() + Duration::from_millis(5);
        let (stop, late) = (Gate::new(), Count::new());
        for _ in 0..3 {
            filch::spawn(link(due, stop.clone(), late.clone()));
        }
        filch::time::sleep_until(due).await;
        stop.open();
        late.get()
    });
    // A look at the clock every 32 polls, and what waits in the queue before whoever it wakes.
    assert!(late < 200, "{late} tasks began while a timer was due");
}

fn link(
    due: filch::time::Instant,
    stop: Gate,
    late: Count,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if filch::time::Instant::now() > due {
            late.add();
        }
        if !stop.is_open() {
            filch::spawn(link(due, stop, late));
        }
    })
}

#[filch::test(workers = 1)]
async fn a_refused_leaf_says_pending_once_and_then_goes_on() {
    let refused = Count::new();
    let counted = refused.clone();
    filch::spawn(async move {
        for _ in 0..1000 {
            let mut leaf = consume_budget();
            while poll_once(&mut leaf).await.is_pending() {
                counted.add();
                yield_now().await;
            }
        }
    })
    .await
    .unwrap();
    let refused = refused.get();
    // By number after 128, and by time at each 32nd at most, on however slow a machine.
    assert!(
        (1..=1000 / 32).contains(&refused),
        "1000 operations were refused {refused} times"
    );
}

#[filch::test]
async fn need_preempt_tells_when_a_poll_has_gone_on_for_long() {
    assert!(!need_preempt(), "the first question starts the measurement");
    wait_until("time passes", need_preempt);
    yield_now().await;
    assert!(!need_preempt());
}

#[test]
fn outside_a_runtime_there_is_no_budget() {
    assert!(!need_preempt());
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        assert!(std::pin::pin!(consume_budget()).poll(&mut cx).is_ready());
    }
    assert!(!need_preempt());
}

#[test]
fn a_yield_inside_a_combinator_wakes_it() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let sum = rt.spawn(async {
        use futures_util::{StreamExt, stream::FuturesUnordered};
        let many: FuturesUnordered<_> = (0..100_u32)
            .map(|i| async move {
                yield_now().await;
                i
            })
            .collect();
        many.fold(0, |sum, i| ready(sum + i)).await
    });
    assert_eq!(sum.join_blocking(None).unwrap().unwrap(), 4950);
}

#[filch::test]
async fn a_yield_that_is_polled_and_dropped_harms_nobody() {
    for _ in 0..100 {
        let _ = poll_once(&mut yield_now()).await;
        filch::spawn(async {
            let _ = poll_once(&mut yield_now()).await;
        })
        .await
        .unwrap();
    }
}
