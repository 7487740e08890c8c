//! `filch::cpu`: closures that compute, on the workers.

use crate::common::*;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn its_result_and_its_panic() {
    for workers in [1, 2] {
        let rt = runtime(workers);
        let _limit = Limit::on(&rt);
        rt.run(async {
            let sum = filch::cpu(|| (1..=100).sum::<u32>()).await.unwrap();
            assert_eq!(sum, 5050);
            let error = filch::cpu::<_, ()>(|| panic!("overflow"))
                .await
                .unwrap_err();
            assert_eq!(message(error.into_panic()), "overflow");
        });
        let from_outside = rt.handle().cpu(|| 7);
        assert_eq!(from_outside.join_blocking(None).unwrap().unwrap(), 7);
    }
    let local = filch::LocalRuntime::new().unwrap();
    assert_eq!(local.block_on(async { filch::cpu(|| 8).await.unwrap() }), 8);
}

#[test]
fn outside_a_runtime_it_panics_and_says_what_to_do() {
    let message = panics(|| filch::cpu(|| ()));
    assert!(message.contains("no filch runtime"), "{message}");
}

#[test]
fn no_more_at_a_time_than_workers_and_all_in_their_order() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    let now_and_most = Arc::new(std::sync::Mutex::new((0, 0)));
    rt.run({
        let now_and_most = Arc::clone(&now_and_most);
        async move {
            let tasks: Vec<_> = (0..30)
                .map(|i| {
                    let now_and_most = Arc::clone(&now_and_most);
                    filch::cpu(move || {
                        {
                            let mut state = lock(&now_and_most);
                            state.0 += 1;
                            state.1 = state.1.max(state.0);
                        }
                        let start = std::time::Instant::now();
                        while start.elapsed() < Duration::from_millis(2) {}
                        lock(&now_and_most).0 -= 1;
                        i
                    })
                })
                .collect();
            for (i, task) in tasks.into_iter().enumerate() {
                assert_eq!(task.await.unwrap(), i);
            }
        }
    });
    assert!(lock(&now_and_most).1 <= 2);
}

#[test]
fn other_tasks_go_on_beside_it() {
    let builder = filch::Runtime::builder().workers(2).stall_threshold(HOUR);
    let rt = builder.build().unwrap();
    let _limit = Limit::on(&rt);
    rt.run(async {
        for _ in 0..20 {
            let (inside, release) = (Count::new(), Gate::new());
            let tasks = [0, 1].map(|_| {
                let (inside, release) = (inside.clone(), release.clone());
                filch::cpu(move || {
                    inside.add();
                    super::spares::compute(&release);
                })
            });
            until("both compute", || inside.get() == 2).await;
            assert_eq!(filch::spawn(async { 7 }).await.unwrap(), 7);
            release.open();
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
}

#[test]
fn one_that_has_not_begun_can_be_aborted() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let release = Gate::new();
        let first = filch::cpu({
            let release = release.clone();
            move || super::spares::compute(&release)
        });
        let (probe, eye) = Probe::new();
        let second = filch::cpu(move || drop(probe));
        second.abort();
        release.open();
        first.await.unwrap();
        assert!(second.await.unwrap_err().is_cancelled());
        assert!(is_gone(&eye));
    });
}

#[test]
fn it_is_no_slow_poll_and_inherits_task_locals() {
    filch::task_local! { static NAME: &'static str; }
    let threshold = Duration::from_millis(100);
    let builder = filch::Runtime::builder()
        .workers(2)
        .stall_threshold(threshold);
    let rt = builder.build().unwrap();
    let _limit = Limit::on(&rt);
    rt.run(async move {
        let task = NAME.scope("locals", async {
            filch::cpu(move || {
                let start = std::time::Instant::now();
                while start.elapsed() < 2 * threshold {}
                NAME.get()
            })
            .await
        });
        assert_eq!(task.await.unwrap(), "locals");
    });
    assert_eq!(rt.metrics().slow_polls, 0, "{:?}", rt.metrics());
}

/// Polls of some milliseconds, enough of them for the runtime to expect the next ones to be long.
async fn compute_often() {
    for _ in 0..20 {
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_millis(3) {}
        filch::task::yield_now().await;
    }
}

/// Two things that `start` makes, and that hold their threads until the gate opens, on a runtime of two workers;
/// `beside` has to end meanwhile.
fn beside_two<F>(start: fn(Count, Gate) -> filch::JoinHandle<()>, beside: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(async move {
        let (inside, release) = (Count::new(), Gate::new());
        let held = [0, 1].map(|_| start(inside.clone(), release.clone()));
        until("both hold their threads", || inside.get() == 2).await;
        beside.await;
        release.open();
        for task in held {
            task.await.unwrap();
        }
    });
}

#[test]
fn long_closures_keep_no_task_waiting_whose_polls_tend_to_be_long() {
    let closure = |inside: Count, release: Gate| {
        filch::cpu(move || {
            inside.add();
            super::spares::compute(&release);
        })
    };
    beside_two(closure, async {
        filch::spawn(compute_often()).await.unwrap();
    });
}

#[test]
fn nor_does_a_task_whose_poll_never_seems_to_end() {
    let hog = |inside: Count, release: Gate| {
        filch::spawn(async move {
            compute_often().await;
            inside.add();
            super::spares::compute(&release);
        })
    };
    beside_two(hog, async {
        filch::spawn(compute_often()).await.unwrap();
    });
}

#[test]
fn closures_that_block_make_way_for_others() {
    let closure = |inside: Count, release: Gate| {
        filch::cpu(move || {
            inside.add();
            super::spares::block(&release);
        })
    };
    beside_two(closure, async {
        assert_eq!(filch::cpu(|| 3).await.unwrap(), 3);
    });
}

#[test]
fn one_may_wait_for_another_where_it_may_block() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let handle = filch::Handle::current();
        let closure = filch::cpu(move || {
            filch::blocking(|| handle.block_on(async { filch::cpu(|| 4).await.unwrap() }))
        });
        assert_eq!(closure.await.unwrap(), 4);
    });
}
