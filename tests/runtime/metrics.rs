//! The figures add up.

use crate::common::*;
use filch::{Metrics, Runtime};
use std::future::pending;
use std::time::Duration;

fn sum(metrics: &Metrics, of: impl Fn(&filch::WorkerMetrics) -> u64) -> u64 {
    metrics.workers.iter().chain([&metrics.spare]).map(of).sum()
}

#[test]
fn polls_and_tasks_are_counted() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    assert_eq!(rt.metrics().tasks, 0);
    let before = sum(&rt.metrics(), |worker| worker.polls);
    let tasks: Vec<_> = (0..100)
        .map(|_| rt.spawn(async { filch::task::yield_now().await }))
        .collect();
    for task in tasks {
        task.join_blocking(None).unwrap().unwrap();
    }
    wait_until("the last are gone", || rt.metrics().tasks == 0);
    let polls = sum(&rt.metrics(), |worker| worker.polls) - before;
    assert!(
        (200..=400).contains(&polls),
        "100 tasks of two polls each were polled {polls} times"
    );
    let waiting: Vec<_> = (0..10).map(|_| rt.spawn(pending::<()>())).collect();
    assert_eq!(rt.metrics().tasks, 10);
    waiting.iter().for_each(|task| task.abort());
    wait_until("they are gone", || rt.metrics().tasks == 0);
}

#[test]
fn an_idle_runtime_says_so() {
    let rt = runtime(4);
    let _limit = Limit::on(&rt);
    rt.run(async {});
    wait_until("all sleep", || {
        rt.metrics().workers.iter().all(|worker| worker.idle)
    });
    let metrics = rt.metrics();
    assert!(metrics.workers.iter().all(|worker| worker.queue_depth == 0));
    assert_eq!(
        (metrics.injector_depth, metrics.blocking_queue_depth),
        (0, 0)
    );
}

#[test]
fn timers_and_sources_are_counted_and_go() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let timers = |metrics: &Metrics| {
        metrics.foreign_timers + sum(metrics, |worker| worker.timers as u64) as usize
    };
    let listener = rt
        .block_on(filch::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let sleepers: Vec<_> = (0..10)
        .map(|_| rt.spawn(filch::time::sleep(HOUR)))
        .collect();
    let server = rt.spawn(async move { listener.accept().await.map(drop) });
    wait_until("all are registered", || {
        timers(&rt.metrics()) == 10 && rt.metrics().io_sources == 1
    });
    sleepers.iter().for_each(|task| task.abort());
    server.abort();
    wait_until("all are gone", || {
        timers(&rt.metrics()) == 0 && rt.metrics().io_sources == 0
    });
    let fired = |rt: &Runtime| {
        sum(&rt.metrics(), |worker| worker.timers_fired) + rt.metrics().backstop_timers_fired
    };
    let before = fired(&rt);
    rt.run(async {
        for _ in 0..5 {
            filch::time::sleep(std::time::Duration::from_micros(100)).await;
        }
    });
    assert_eq!(fired(&rt) - before, 5, "{:?}", rt.metrics());
}

#[test]
fn what_waits_behind_a_blocked_worker_is_in_its_depth() {
    // Nobody comes to its help.
    let builder = Runtime::builder().workers(1).max_spare_threads(0);
    let rt = builder.build().unwrap();
    let _limit = Limit::on(&rt);
    let (inside, release) = (Gate::new(), Gate::new());
    let spawner = rt.spawn({
        let (inside, release) = (inside.clone(), release.clone());
        async move {
            let tasks: Vec<_> = (0..10).map(|i| filch::spawn(async move { i })).collect();
            inside.open();
            release.block();
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
    inside.block();
    let depth = |metrics: &Metrics| {
        metrics.injector_depth
            + metrics
                .workers
                .iter()
                .map(|worker| worker.queue_depth)
                .sum::<usize>()
    };
    let metrics = rt.metrics();
    assert_eq!(depth(&metrics), 10, "{metrics:?}");
    assert_eq!(metrics.tasks, 11);
    release.open();
    spawner.join_blocking(None).unwrap().unwrap();
    wait_until("all are done", || {
        depth(&rt.metrics()) == 0 && rt.metrics().tasks == 0
    });
}

/// Sleeps a few times for a timer, and says how the workers looked around before.
fn looks_beside_timers(look: filch::IdleLook) -> (u64, u64, Duration) {
    let rt = Runtime::builder()
        .workers(2)
        .idle_look(look)
        .build()
        .unwrap();
    let _limit = Limit::on(&rt);
    rt.run(async {
        for _ in 0..20 {
            filch::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let metrics = rt.metrics();
    let time = metrics.workers.iter().map(|worker| worker.look_time).sum();
    let looks = sum(&metrics, |worker| worker.looks);
    (looks, sum(&metrics, |worker| worker.looks_paid), time)
}

#[test]
fn looks_before_sleeps_are_counted_and_done_as_was_asked_for() {
    let asked = Duration::from_micros(10);
    let (looks, paid, time) = looks_beside_timers(filch::IdleLook::For(asked));
    assert!(looks >= 10, "{looks} looks before 20 sleeps");
    assert!(paid <= looks && time > Duration::ZERO);
    assert_eq!(looks_beside_timers(filch::IdleLook::Off).0, 0);
}

#[test]
fn who_sleeps_for_timers_only_does_not_look() {
    let (looks, _, time) = looks_beside_timers(filch::IdleLook::Adaptive);
    assert_eq!((looks, time), (0, Duration::ZERO));
}

#[test]
fn a_connection_alone_is_answered_whichever_way_its_worker_looks() {
    let kinds = [
        filch::IdleLook::Off,
        filch::IdleLook::Adaptive,
        filch::IdleLook::For(Duration::from_micros(200)),
    ];
    for look in kinds {
        let rt = Runtime::builder()
            .workers(2)
            .idle_look(look)
            .build()
            .unwrap();
        let _limit = Limit::on(&rt);
        let listener = rt
            .block_on(filch::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let server = rt.spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut byte = [0];
            while stream.read(&mut byte).await.unwrap() == 1 {
                stream.write_all(&byte).await.unwrap();
            }
        });
        let mut client = std::net::TcpStream::connect(address).unwrap();
        for turn in 0..rounds(500) {
            let (sent, mut got) = ([turn as u8], [0]);
            std::io::Write::write_all(&mut client, &sent).unwrap();
            std::io::Read::read_exact(&mut client, &mut got).unwrap();
            assert_eq!(sent, got);
        }
        drop(client);
        server.join_blocking(None).unwrap().unwrap();
    }
}
