//! Situations that once went wrong, or easily could: each ends, and nothing is lost.

use filch_executor::{
    Builder, Handle, LocalRuntime, Runtime, Timer, UnhandledPanic, consume_budget, spawn,
    spawn_blocking, spawn_local, yield_now,
};
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

fn runtime(workers: usize) -> Runtime {
    Runtime::builder()
        .workers(workers)
        .build()
        .expect("a runtime starts")
}

async fn sleep(duration: Duration) {
    let mut timer = Timer::new(filch_timer::Instant::now() + duration, Location::caller());
    poll_fn(|cx| timer.poll(cx)).await;
}

/// Waits for a condition that some other thread brings about.
fn eventually(mut condition: impl FnMut() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

#[test]
fn a_spawn_from_block_on_runs_although_every_worker_is_busy() {
    let runtime = runtime(1);
    let busy = runtime.spawn(async {
        loop {
            yield_now().await;
        }
    });
    assert_eq!(
        runtime.block_on(async { spawn(async { 1 }).await.unwrap() }),
        1
    );
    busy.abort();
}

#[test]
fn a_spawn_from_another_threads_block_on_runs_on_a_local_runtime() {
    let local = LocalRuntime::new().unwrap();
    let handle = local.handle();
    let other = thread::spawn(move || handle.block_on(async { spawn(async { 1 }).await }));
    let done = local.block_on(async {
        while !other.is_finished() {
            sleep(Duration::from_millis(1)).await;
        }
        other.join().unwrap()
    });
    assert_eq!(done.unwrap(), 1);
}

/// A place for a waker of the test's own thread, and a flag.
#[derive(Default)]
struct Bell {
    waker: Mutex<Option<Waker>>,
    rung: AtomicBool,
}

impl Bell {
    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        eventually(|| self.waker.lock().unwrap().take().map(Waker::wake).is_some());
    }

    async fn rings(&self) {
        poll_fn(|cx| {
            *self.waker.lock().unwrap() = Some(cx.waker().clone());
            if self.rung.load(Ordering::Acquire) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

#[test]
fn spawns_from_outside_reach_a_local_runtime_in_every_block_on() {
    let local = LocalRuntime::new().unwrap();
    for _ in 0..300 {
        // A task and the root become ready together, so the block_on may end before the task ran.
        let (handle, bell) = (local.handle(), Arc::new(Bell::default()));
        let their_bell = Arc::clone(&bell);
        let other = thread::spawn(move || {
            eventually(|| their_bell.waker.lock().unwrap().is_some());
            drop(handle.spawn(async {}));
            their_bell.ring();
        });
        local.block_on(bell.rings());
        other.join().unwrap();
        // In the next one, nothing but the task can end it.
        let (handle, bell) = (local.handle(), Arc::new(Bell::default()));
        let their_bell = Arc::clone(&bell);
        let other = thread::spawn(move || {
            eventually(|| their_bell.waker.lock().unwrap().is_some());
            drop(handle.spawn(async move { their_bell.ring() }));
        });
        local.block_on(bell.rings());
        other.join().unwrap();
    }
}

#[test]
fn a_runtime_dropped_in_its_own_blocking_closure_ends() {
    let runtime = runtime(2);
    let (started, go) = mpsc::channel::<()>();
    let ended = Arc::new(AtomicBool::new(false));
    let in_task = SetOnDrop(Arc::clone(&ended));
    drop(runtime.spawn(async move {
        let _in_task = in_task;
        pending::<()>().await;
    }));
    let handle = runtime.handle();
    let closure = handle.spawn_blocking(move || {
        go.recv().unwrap();
        drop(runtime);
    });
    started.send(()).unwrap();
    closure.join_blocking(None).unwrap().unwrap();
    eventually(|| ended.load(Ordering::Acquire));
}

#[test]
fn a_runtime_dropped_in_its_own_task_ends() {
    let runtime = runtime(2);
    let handle = runtime.handle();
    let ended = Arc::new(AtomicBool::new(false));
    let in_task = SetOnDrop(Arc::clone(&ended));
    drop(runtime.spawn(async move {
        let _in_task = in_task;
        pending::<()>().await;
    }));
    let task = handle.spawn(async move { drop(runtime) });
    task.join_blocking(None).unwrap().unwrap();
    eventually(|| ended.load(Ordering::Acquire));
    // Nobody fires timers any more, and whoever still waits for one hears of it.
    let waits = catch_unwind(AssertUnwindSafe(|| {
        handle.block_on(sleep(Duration::from_secs(3600)))
    }));
    assert!(waits.is_err());
}

#[test]
fn a_runtime_without_threads_of_its_own_shuts_down_in_time() {
    let runtime = Builder::new().workers(1).build().unwrap();
    let task = runtime.spawn(pending::<()>());
    let leftover = runtime.shutdown_timeout(Duration::from_secs(30));
    assert!(leftover.is_empty(), "{leftover}");
    assert!(
        task.join_blocking(None)
            .unwrap()
            .unwrap_err()
            .is_cancelled()
    );
}

#[test]
fn an_unhandled_panic_ends_run_block_on_and_local_block_on() {
    let build = || {
        Builder::new()
            .workers(2)
            .on_unhandled_panic(UnhandledPanic::ShutdownRuntime)
    };
    let fail = || drop(spawn(async { panic!("nobody awaits this") }));

    let runtime = build().build().unwrap();
    let run = catch_unwind(AssertUnwindSafe(|| {
        runtime.run(async move {
            fail();
            pending::<()>().await;
        })
    }));
    assert!(run.is_err());

    let runtime = build().build().unwrap();
    let block_on = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async move {
            fail();
            pending::<()>().await;
        })
    }));
    assert!(block_on.is_err());

    let local = build().build_local().unwrap();
    let block_on = catch_unwind(AssertUnwindSafe(|| {
        local.block_on(async move {
            fail();
            pending::<()>().await;
        })
    }));
    assert!(block_on.is_err());
}

filch_executor::task_local! {
    static NOISY: Noisy;
}

/// Looks at itself, spawns and panics when dropped.
struct Noisy(Arc<AtomicUsize>);

impl Drop for Noisy {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
        assert!(
            NOISY.try_with(|_| ()).is_err(),
            "a value that is being dropped was found"
        );
        if let Ok(handle) = Handle::try_current() {
            drop(handle.spawn(async {}));
        }
        panic!("dropped");
    }
}

#[test]
fn a_task_local_that_is_dropped_with_its_last_task_may_do_as_it_likes() {
    let runtime = runtime(2);
    let drops = Arc::new(AtomicUsize::new(0));
    for i in 1..=50 {
        let value = Noisy(Arc::clone(&drops));
        // The scope's own reference goes first, the inheriting task's last, on a worker.
        let (go, gone) = mpsc::channel::<()>();
        runtime.block_on(NOISY.scope(value, async {
            drop(spawn(async move {
                let _ = gone.recv();
            }));
        }));
        drop(go);
        eventually(|| drops.load(Ordering::Acquire) == i);
    }
    assert_eq!(runtime.run(async { 1 }), 1);
}

#[test]
fn a_yield_that_lost_a_race_does_not_make_the_next_task_run_twice() {
    let runtime = runtime(1);
    let polls = runtime.run(async {
        drop(spawn(async {
            let mut yielding = Box::pin(yield_now());
            poll_fn(|cx| {
                assert!(yielding.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        }));
        let polls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&polls);
        let second = spawn(poll_fn(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Poll::<()>::Pending
        }));
        for _ in 0..10 {
            yield_now().await;
        }
        second.abort();
        polls.load(Ordering::Relaxed)
    });
    assert_eq!(polls, 1);
}

#[test]
fn a_timer_moved_ahead_outside_any_runtime_still_fires() {
    let runtime = runtime(1);
    let timer = Arc::new(Mutex::new(Timer::new(
        filch_timer::Instant::now() + Duration::from_secs(3600),
        Location::caller(),
    )));
    let theirs = Arc::clone(&timer);
    let polled = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&polled);
    let task = runtime.spawn(poll_fn(move |cx| {
        let poll = theirs.lock().unwrap().poll(cx);
        told.store(true, Ordering::Release);
        poll
    }));
    eventually(|| polled.load(Ordering::Acquire));
    timer
        .lock()
        .unwrap()
        .reset(filch_timer::Instant::now() + Duration::from_millis(1));
    task.join_blocking(None).unwrap().unwrap();
}

#[test]
fn spawns_during_a_shutdown_are_all_cancelled() {
    for _ in 0..200 {
        let runtime = runtime(2);
        let handle = runtime.handle();
        let spawner = thread::spawn(move || {
            (0..50)
                .map(|_| handle.spawn(pending::<()>()))
                .collect::<Vec<_>>()
        });
        drop(runtime);
        for task in spawner.join().unwrap() {
            assert!(
                task.join_blocking(None)
                    .unwrap()
                    .unwrap_err()
                    .is_cancelled()
            );
        }
    }
}

#[test]
fn a_blocking_closure_that_ends_after_the_drop_began_is_waited_for() {
    for _ in 0..50 {
        let runtime = runtime(1);
        let ended = Arc::new(AtomicBool::new(false));
        let (began, started) = mpsc::channel();
        let in_closure = Arc::clone(&ended);
        drop(runtime.spawn_blocking(move || {
            began.send(()).unwrap();
            thread::yield_now();
            in_closure.store(true, Ordering::Release);
        }));
        started.recv().unwrap();
        drop(runtime);
        assert!(ended.load(Ordering::Acquire));
    }
}

#[test]
fn a_local_runtime_drops_what_its_blocking_closures_and_tasks_hold() {
    let local = LocalRuntime::new().unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let held = SetOnDrop(Arc::clone(&ended));
    local.block_on(async {
        drop(spawn_local(async move {
            let _held = held;
            spawn_blocking(|| ()).await.unwrap();
            pending::<()>().await;
        }));
        consume_budget().await;
        yield_now().await;
    });
    drop(local);
    assert!(ended.load(Ordering::Acquire));
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
