//! filch without its features: tasks, timers, locks and channels need neither the attributes nor the sockets.
//!
//! Everything else runs with both; this is what `cargo test --no-default-features --test bare` is for.

use filch::sync::{Mutex, mpsc, oneshot};
use filch::time::{Elapsed, FutureExt, Instant, sleep};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn tasks_run_and_are_joined() {
    let sum = filch::run(async {
        let tasks: Vec<_> = (0..100).map(|n| filch::spawn(async move { n })).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 4950);
}

#[test]
fn timers_fire_when_they_are_due_and_not_before() {
    let nap = Duration::from_millis(20);
    let (early, late) = filch::run(async move {
        let start = Instant::now();
        let never = std::future::pending::<()>().timeout(nap);
        let (slept, timeout) = filch::join!(sleep(nap), never);
        ((slept, timeout), start.elapsed())
    });
    assert_eq!(early, ((), Err(Elapsed)));
    assert!(late >= nap, "{late:?}");
}

#[test]
fn structure_needs_no_attribute() {
    let runtime = filch::Runtime::builder().workers(2).build().unwrap();
    let both = runtime.run(async { filch::gather!(async { Ok::<_, ()>(1) }, async { Ok(2) }) });
    assert_eq!(both.unwrap(), (1, 2));
    let wrong = runtime
        .run(async { filch::gather!(async { Ok::<i32, _>(1) }, async { Err::<i32, _>("no") }) });
    assert!(wrong.is_err());
}

#[test]
fn tasks_of_several_threads_meet_at_locks_and_channels() {
    let total = filch::run(async {
        let total = Arc::new(Mutex::new(0));
        let (sender, receiver) = mpsc::channel(4);
        for n in 0..10 {
            let sender = sender.clone();
            filch::spawn(async move { sender.send(n).await.unwrap() });
        }
        drop(sender);
        while let Some(n) = receiver.recv().await {
            *total.lock().await += n;
        }
        let (done, waits) = oneshot::channel();
        filch::spawn_blocking(move || done.send(()));
        waits.await.unwrap();
        *total.lock().await
    });
    assert_eq!(total, 45);
}

#[test]
fn one_thread_runs_what_is_not_send() {
    let runtime = filch::LocalRuntime::new().unwrap();
    let shared = std::rc::Rc::new(20);
    let other = shared.clone();
    let task = async move { filch::spawn_local(async move { *other + 22 }).await };
    let sum = runtime.block_on(task);
    assert_eq!(sum.unwrap(), 42);
    assert_eq!(*shared, 20);
}
