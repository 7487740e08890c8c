//! Aborting a task in each of its states.

use crate::common::*;
use filch::task::{self, TaskState, yield_now};
use filch::{JoinError, JoinHandle};
use std::future::pending;
use std::sync::mpsc;

#[track_caller]
fn assert_cancelled<T>(joined: Result<T, JoinError>) {
    let error = joined.err().expect("the task was aborted");
    assert!(error.is_cancelled() && !error.is_panic(), "{error}");
    assert!(error.to_string().contains(", was cancelled "), "{error}");
}

/// What `task::all()` says of a task's state.
fn state_of<T>(handle: &JoinHandle<T>) -> Option<TaskState> {
    task::all()
        .into_iter()
        .find(|info| info.id() == handle.id())
        .map(|info| info.state())
}

#[test]
fn before_its_first_poll_it_never_runs() {
    in_turn(async {
        let (probe, eye) = Probe::new();
        let runs = Count::new();
        let counted = runs.clone();
        let handle = filch::spawn(async move {
            counted.add();
            drop(probe);
        });
        handle.abort();
        assert_cancelled(handle.await);
        assert_eq!(runs.get(), 0);
        assert!(is_gone(&eye), "what it had captured is dropped");
    });
}

#[filch::test]
async fn while_it_waits() {
    let (probe, eye) = Probe::new();
    let gate = Gate::new();
    let handle = filch::spawn({
        let gate = gate.clone();
        async move {
            let _held = probe;
            gate.passed().await;
        }
    });
    until("it waits", || {
        gate.waiting() == 1 && state_of(&handle) == Some(TaskState::Waiting)
    })
    .await;
    handle.abort();
    assert_cancelled(handle.await);
    assert!(is_gone(&eye));
    gate.open();
}

#[filch::test]
#[cfg_attr(miri, ignore = "Miri has no such sockets")]
async fn while_it_waits_for_time_or_io() {
    let listener = filch::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sleeping = filch::spawn(filch::time::sleep(HOUR));
    let accepting = filch::spawn(async move { listener.accept().await.map(drop) });
    until("both wait", || {
        [state_of(&sleeping), state_of(&accepting)] == [Some(TaskState::Waiting); 2]
    })
    .await;
    sleeping.abort();
    accepting.abort();
    assert_cancelled(sleeping.await);
    assert_cancelled(accepting.await);
    let metrics = filch::Handle::current().metrics();
    assert_eq!(metrics.io_sources, 0);
}

#[test]
fn while_it_is_scheduled() {
    in_turn(async {
        let (gate, runs) = (Gate::new(), Count::new());
        let handle = filch::spawn({
            let (gate, runs) = (gate.clone(), runs.clone());
            async move {
                gate.passed().await;
                runs.add();
            }
        });
        while gate.waiting() == 0 {
            yield_now().await;
        }
        gate.open();
        // There is one worker, and this task has it.
        assert_eq!(state_of(&handle), Some(TaskState::Scheduled));
        handle.abort();
        assert_cancelled(handle.await);
        assert_eq!(runs.get(), 0);
    });
}

/// Spawns a task whose poll lasts until something is sent, and gives Ready or Pending as it is told.
fn long_poll() -> (JoinHandle<()>, Gate, mpsc::Sender<bool>) {
    let (inside, (finish, told)) = (Gate::new(), mpsc::channel::<bool>());
    let told = std::sync::Mutex::new(told);
    let handle = filch::spawn({
        let inside = inside.clone();
        async move {
            inside.open();
            let ends = lock(&told).recv().unwrap();
            if !ends {
                pending::<()>().await;
            }
        }
    });
    (handle, inside, finish)
}

#[filch::test(workers = 2)]
async fn while_it_runs_and_then_waits() {
    let (handle, inside, finish) = long_poll();
    inside.passed().await;
    assert_eq!(state_of(&handle), Some(TaskState::Running));
    handle.abort();
    handle.abort();
    assert!(!handle.is_finished());
    finish.send(false).unwrap();
    assert_cancelled(handle.await);
}

#[filch::test(workers = 2)]
async fn while_it_runs_and_then_ends_its_output_counts() {
    let (handle, inside, finish) = long_poll();
    inside.passed().await;
    handle.abort();
    finish.send(true).unwrap();
    handle.await.unwrap();
}

#[filch::test]
async fn by_itself_it_ends_at_its_next_await() {
    let reached = Count::new();
    let (send, receive) = mpsc::channel::<filch::AbortHandle>();
    let receive = std::sync::Mutex::new(receive);
    let handle = filch::spawn({
        let reached = reached.clone();
        async move {
            lock(&receive).recv().unwrap().abort();
            reached.add();
            yield_now().await;
            reached.add();
        }
    });
    send.send(handle.abort_handle()).unwrap();
    assert_cancelled(handle.await);
    assert_eq!(reached.get(), 1);
}

#[filch::test]
async fn after_its_end_nothing_changes() {
    let handle = filch::spawn(async { 8 });
    until("it ends", || handle.is_finished()).await;
    handle.abort();
    handle.abort_handle().abort();
    assert_eq!(handle.await.unwrap(), 8);
}

#[test]
fn between_two_turns() {
    in_turn(async {
        let turns = Count::new();
        let handle = filch::spawn({
            let turns = turns.clone();
            async move {
                loop {
                    turns.add();
                    yield_now().await;
                }
            }
        });
        while turns.get() < 10 {
            yield_now().await;
        }
        let before = turns.get();
        handle.abort();
        assert_cancelled::<()>(handle.await);
        assert_eq!(turns.get(), before);
    });
}

#[filch::test]
async fn an_aborted_waiter_leaves_what_it_awaited_running() {
    let (gate, end) = (Gate::new(), Gate::new());
    let inner = filch::spawn({
        let (gate, end) = (gate.clone(), end.clone());
        async move {
            gate.passed().await;
            end.open();
        }
    });
    let outer = filch::spawn(inner);
    until("it waits", || state_of(&outer) == Some(TaskState::Waiting)).await;
    outer.abort();
    assert_cancelled(outer.await);
    gate.open();
    end.passed().await;
}

#[filch::test]
async fn the_future_is_dropped_on_the_runtimes_threads() {
    let (send, dropped_on) = mpsc::channel();
    let handle = filch::spawn(async move {
        let _on_drop = OnDrop(move || send.send(filch::Handle::try_current().is_ok()).unwrap());
        pending::<()>().await;
    });
    until("it waits", || state_of(&handle) == Some(TaskState::Waiting)).await;
    let abort = handle.abort_handle();
    std::thread::spawn(move || abort.abort());
    assert_cancelled(handle.await);
    assert!(dropped_on.recv().unwrap(), "inside the runtime");
}

#[filch::test]
async fn a_destructor_that_panics_is_a_panic() {
    let handle = filch::spawn(async {
        let _on_drop = OnDrop(|| panic!("in the destructor"));
        pending::<()>().await;
    });
    until("it waits", || state_of(&handle) == Some(TaskState::Waiting)).await;
    handle.abort();
    let error = handle.await.unwrap_err();
    assert!(
        error.is_panic() && error.to_string().contains("in the destructor"),
        "{error}"
    );
}

#[filch::test]
async fn a_destructor_may_spawn_wake_and_abort() {
    let (gate, abort) = (
        Gate::new(),
        std::sync::Arc::new(std::sync::OnceLock::<filch::AbortHandle>::new()),
    );
    let handle = filch::spawn({
        let (gate, abort) = (gate.clone(), abort.clone());
        async move {
            let waker = std::future::poll_fn(|cx| std::task::Poll::Ready(cx.waker().clone())).await;
            let _on_drop = OnDrop(move || {
                waker.wake_by_ref();
                abort.get().unwrap().abort();
                let gate = gate.clone();
                filch::spawn(async move { gate.open() });
            });
            pending::<()>().await;
        }
    });
    abort.set(handle.abort_handle()).unwrap();
    until("it waits", || state_of(&handle) == Some(TaskState::Waiting)).await;
    handle.abort();
    assert_cancelled(handle.await);
    gate.passed().await;
}

#[test]
fn a_blocking_call_is_cancelled_only_before_it_begins() {
    let rt = filch::Runtime::builder()
        .workers(1)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let _limit = Limit::on(&rt);
    let (inside, release) = (Gate::new(), Gate::new());
    let running = rt.spawn_blocking({
        let (inside, release) = (inside.clone(), release.clone());
        move || {
            inside.open();
            release.block();
            "ran to its end"
        }
    });
    let (probe, eye) = Probe::new();
    let queued = rt.spawn_blocking(move || drop(probe));
    inside.block();
    running.abort();
    queued.abort();
    release.open();
    assert_eq!(
        running.join_blocking(None).unwrap().unwrap(),
        "ran to its end"
    );
    assert_cancelled(queued.join_blocking(None).unwrap());
    assert!(is_gone(&eye));
}

#[filch::test]
async fn thousands_of_aborts_race_with_their_tasks() {
    let mut random = Random::new(2);
    let (mut ended, mut cancelled) = (0, 0);
    for _ in 0..rounds(3000) {
        let (probe, eye) = Probe::new();
        let turns = random.below(3);
        let handle = filch::spawn(async move {
            let _probe = probe;
            for _ in 0..turns {
                yield_now().await;
            }
        });
        for _ in 0..random.below(3) {
            yield_now().await;
        }
        handle.abort();
        match handle.await {
            Ok(()) => ended += 1,
            Err(error) => {
                assert!(error.is_cancelled());
                cancelled += 1;
            }
        }
        assert!(is_gone(&eye));
    }
    assert!(
        ended > 0 && cancelled > 0,
        "{ended} ended, {cancelled} cancelled"
    );
}
