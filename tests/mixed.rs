//! A little of everything at once, between a few tasks and threads: small enough that Miri can run it over several
//! seeds (`.ci/miri`), each of which is another order of things.

#[path = "common/mod.rs"]
mod common;

use common::*;
use filch::sync::{Mutex, Notify, Semaphore, mpsc, oneshot};
use filch::task::TaskId;
use filch::{AbortHandle, FutureExt, Handle, JoinHandle, task};
use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

/// What the senders share.
#[derive(Clone)]
struct Shared {
    values: mpsc::Sender<usize>,
    sum: Arc<Mutex<usize>>,
    permits: Arc<Semaphore>,
    sent: Arc<Notify>,
}

impl Shared {
    async fn send(self, values: usize) {
        for value in 0..values {
            let permit = self.permits.acquire().await.unwrap();
            let value = by_a_detour(value).await;
            self.values.send(value).await.unwrap();
            *self.sum.lock().await += value;
            drop(permit);
            self.sent.notify_one();
        }
    }

    /// The same from a thread that may block.
    fn send_blocking(self, values: usize) {
        for value in 0..values {
            self.values.blocking_send(value).unwrap();
            *self.sum.blocking_lock() += value;
            self.sent.notify_one();
        }
    }
}

/// Gives the value back, through whatever the runtime has.
async fn by_a_detour(value: usize) -> usize {
    match value % 4 {
        0 => filch::spawn_blocking(move || value).await.unwrap(),
        1 => {
            let (sender, receiver) = oneshot::channel();
            filch::spawn(async move { sender.send(value) });
            receiver.await.unwrap()
        }
        2 => {
            let moment = Duration::from_micros(10);
            let late = pending::<()>().timeout(moment).await;
            assert!(late.is_err());
            value
        }
        _ => {
            task::yield_now().await;
            filch::blocking(move || value)
        }
    }
}

#[test]
fn channels_locks_timers_and_closures_lose_nothing() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(async {
        let (sender, receiver) = mpsc::channel(2);
        let shared = Shared {
            values: sender,
            sum: Arc::default(),
            permits: Arc::new(Semaphore::new(2)),
            sent: Arc::default(),
        };
        let (sum, sent) = (shared.sum.clone(), shared.sent.clone());
        let many = rounds(400);
        for _ in 0..3 {
            filch::spawn(shared.clone().send(many));
        }
        filch::spawn_blocking(move || shared.send_blocking(many));
        sent.notified().await;
        let mut received = 0;
        while let Some(value) = receiver.recv().await {
            received += value;
        }
        let expected = 4 * (0..many).sum::<usize>();
        assert_eq!((received, *sum.lock().await), (expected, expected));
    });
}

/// Tasks that end soon, after none, one or two turns.
fn short_tasks(handle: &Handle, probe: &Probe) -> Vec<JoinHandle<usize>> {
    (0..6)
        .map(|number| {
            let probe = probe.clone();
            handle.spawn(async move {
                let _probe = probe;
                for _ in 0..number % 3 {
                    task::yield_now().await;
                }
                number
            })
        })
        .collect()
}

#[test]
fn ends_race_with_aborts_joins_and_looks() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    for _ in 0..rounds(200) {
        let (handle, (probe, eye)) = (rt.handle(), Probe::new());
        let tasks = short_tasks(&handle, &probe);
        drop(probe);
        let odd = tasks.iter().skip(1).step_by(2);
        let odd: Vec<_> = odd.map(JoinHandle::abort_handle).collect();
        let looks = thread::spawn(move || {
            for _ in 0..2 {
                handle
                    .tasks()
                    .iter()
                    .for_each(|info| drop(info.to_string()));
            }
        });
        let aborts = thread::spawn(move || odd.iter().for_each(AbortHandle::abort));
        for (number, task) in tasks.into_iter().enumerate() {
            match task.join_blocking(None).expect("it was waited for") {
                Ok(output) => assert_eq!(output, number),
                Err(error) => assert!(error.is_cancelled() && number % 2 == 1, "{error}"),
            }
        }
        looks.join().unwrap();
        aborts.join().unwrap();
        assert!(is_gone(&eye));
    }
}

fn ends_or_is_cancelled<T>(task: JoinHandle<T>) {
    let ended = task.join_blocking(None).expect("it was waited for");
    assert!(ended.err().is_none_or(|error| error.is_cancelled()));
}

#[test]
fn spawns_from_outside_race_with_the_end_of_the_runtime() {
    let _limit = Limit::new();
    for _ in 0..rounds(100) {
        let rt = runtime(2);
        let (handle, (probe, eye)) = (rt.handle(), Probe::new());
        let outside = thread::spawn(move || {
            for _ in 0..3 {
                let theirs = probe.clone();
                let closure = handle.spawn_blocking(move || drop(theirs));
                for task in short_tasks(&handle, &probe) {
                    ends_or_is_cancelled(task);
                }
                ends_or_is_cancelled(closure);
            }
        });
        rt.spawn(filch::time::sleep(HOUR));
        drop(rt);
        outside.join().unwrap();
        assert!(is_gone(&eye));
    }
}

/// More threads in `block_on` than there are places for such, and others that are in no runtime.
#[test]
fn whoever_spawns_a_task_it_runs_once_and_has_an_id_of_its_own() {
    let _limit = Limit::new();
    let rt = runtime(2);
    let each = if cfg!(miri) { 3 } else { rounds(1000) };
    let runs = Arc::new(AtomicUsize::new(0));
    let spawn_some = |handle: &Handle| -> Vec<JoinHandle<TaskId>> {
        let count = || {
            let runs = runs.clone();
            async move {
                runs.fetch_add(1, Relaxed);
                task::current().unwrap().id()
            }
        };
        (0..each).map(|_| handle.spawn(count())).collect()
    };
    let ids: Vec<TaskId> = thread::scope(|scope| {
        let inside =
            (0..6).map(|_| scope.spawn(|| rt.block_on(async { spawn_some(&rt.handle()) })));
        let inside: Vec<_> = inside.collect();
        let outside = (0..3).map(|_| scope.spawn(|| spawn_some(&rt.handle())));
        let threads: Vec<_> = inside.into_iter().chain(outside).collect();
        let tasks = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        tasks
            .map(|task| {
                let id = task.id();
                assert_eq!(rt.block_on(task).unwrap(), id);
                id
            })
            .collect()
    });
    let distinct: HashSet<TaskId> = ids.iter().copied().collect();
    assert_eq!((ids.len(), distinct.len()), (9 * each, 9 * each));
    assert_eq!(runs.load(Relaxed), 9 * each);
    wait_until("no task is left", || rt.metrics().tasks == 0);
}
