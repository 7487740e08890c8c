//! `JoinHandle` and `AbortHandle`: what they give, when, and what they keep alive.

use crate::common::*;
use filch::task;
use std::future::{pending, ready};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

#[filch::test]
async fn a_task_gives_its_output() {
    assert_eq!(filch::spawn(async { 6 * 7 }).await.unwrap(), 42);
    assert_eq!(
        filch::spawn_blocking(|| "blocking").await.unwrap(),
        "blocking"
    );
}

#[filch::test]
async fn a_large_output_arrives_whole() {
    let output = filch::spawn(async { [7_u8; 100_000] }).await.unwrap();
    assert!(output.iter().all(|byte| *byte == 7));
}

#[filch::test]
async fn a_handle_may_be_awaited_by_reference() {
    let gate = Gate::new();
    let mut handle = filch::spawn({
        let gate = gate.clone();
        async move { gate.passed().await }
    });
    assert!(poll_once(&mut &mut handle).await.is_pending());
    gate.open();
    (&mut handle).await.unwrap();
}

#[filch::test]
async fn dropping_the_handle_detaches_the_task() {
    let (start, end) = (Gate::new(), Gate::new());
    drop(filch::spawn({
        let (start, end) = (start.clone(), end.clone());
        async move {
            start.passed().await;
            end.open();
        }
    }));
    start.open();
    end.passed().await;
}

#[filch::test]
async fn is_finished_tells_whether_awaiting_would_wait() {
    let gate = Gate::new();
    let mut handle = filch::spawn({
        let gate = gate.clone();
        async move { gate.passed().await }
    });
    let abort = handle.abort_handle();
    assert!(!handle.is_finished() && !abort.is_finished());
    gate.open();
    until("the task ends", || handle.is_finished()).await;
    assert!(abort.is_finished());
    assert!(poll_once(&mut handle).await.is_ready());
    assert!(handle.is_finished());
}

#[filch::test]
async fn ids_are_unique_and_the_same_inside_and_outside() {
    let handles: Vec<_> = (0..1000)
        .map(|_| filch::spawn(async { task::current().unwrap().id() }))
        .collect();
    let ids: Vec<_> = handles.iter().map(|handle| handle.id()).collect();
    assert!(all_different(ids.iter().copied()));
    for (handle, id) in handles.into_iter().zip(ids) {
        assert_eq!(handle.abort_handle().id(), id);
        assert_eq!(handle.await.unwrap(), id);
    }
}

#[filch::test]
async fn a_task_may_have_a_name() {
    let named = task::Builder::new()
        .name("heartbeat")
        .spawn(async { task::current().unwrap().name().map(str::to_owned) });
    assert_eq!(named.name(), Some("heartbeat"));
    assert_eq!(named.await.unwrap().as_deref(), Some("heartbeat"));
    let nameless = filch::spawn(ready(()));
    assert_eq!(nameless.name(), None);
}

#[test]
fn a_named_task_may_be_spawned_from_outside() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let task = task::Builder::new()
        .name("outside")
        .spawn_on(&rt.handle(), async { 5 });
    assert_eq!(task.name(), Some("outside"));
    assert_eq!(task.join_blocking(None).unwrap().unwrap(), 5);
}

#[filch::test]
async fn an_output_that_nobody_wants_is_dropped() {
    let (probe, eye) = Probe::new();
    drop(filch::spawn(async move { probe }));
    until("the output is dropped by the runtime", || is_gone(&eye)).await;

    let (probe, eye) = Probe::new();
    let handle = filch::spawn(async move { probe });
    until("the task ends", || handle.is_finished()).await;
    assert!(!is_gone(&eye));
    drop(handle);
    assert!(is_gone(&eye));
}

#[filch::test]
async fn an_abort_handle_and_a_waker_keep_no_output() {
    let (probe, eye) = Probe::new();
    let handle = filch::spawn(async move { probe });
    let abort = handle.abort_handle();
    drop(handle.await.unwrap());
    assert!(is_gone(&eye));
    abort.abort();
    assert!(abort.clone().is_finished());
}

#[filch::test]
async fn whoever_awaits_a_task_finds_its_future_dropped() {
    for _ in 0..rounds(200) {
        let (probe, eye) = Probe::new();
        let handle = filch::spawn(async move {
            task::yield_now().await;
            drop(probe.clone());
        });
        handle.await.unwrap();
        assert!(is_gone(&eye));
    }
}

#[filch::test]
async fn the_last_waker_is_the_one_that_is_woken() {
    let gate = Gate::new();
    let mut handle = filch::spawn({
        let gate = gate.clone();
        async move { gate.passed().await }
    });
    assert!(poll_once(&mut handle).await.is_pending());
    // Moved to another task, whose waker replaces this one's.
    let waiting = filch::spawn(handle);
    task::yield_now().await;
    gate.open();
    waiting.await.unwrap().unwrap();
}

#[test]
fn a_task_may_be_awaited_on_another_runtime() {
    let (one, other) = (runtime(1), runtime(1));
    let limit = Limit::on(&one);
    limit.watch(other.handle());
    let gate = Gate::new();
    let first = one.spawn({
        let gate = gate.clone();
        async move {
            gate.passed().await;
            1
        }
    });
    let second = other.spawn(async move { first.await.unwrap() + 1 });
    gate.open();
    assert_eq!(second.join_blocking(None).unwrap().unwrap(), 2);
}

#[test]
fn join_blocking_gives_the_handle_back_when_time_runs_out() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let gate = Gate::new();
    let mut handle = rt.spawn({
        let gate = gate.clone();
        async move {
            gate.passed().await;
            "late"
        }
    });
    let id = handle.id();
    for timeout in [Duration::ZERO, Duration::from_millis(5)] {
        handle = handle
            .join_blocking(Some(timeout))
            .expect_err("the gate is shut");
        assert_eq!(handle.id(), id);
    }
    gate.open();
    assert_eq!(
        handle.join_blocking(Some(Duration::MAX)).unwrap().unwrap(),
        "late"
    );
}

#[test]
fn join_blocking_takes_an_output_that_is_there_even_without_time() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let handle = rt.spawn(async { 3 });
    wait_until("the task ends", || handle.is_finished());
    assert_eq!(
        handle.join_blocking(Some(Duration::ZERO)).unwrap().unwrap(),
        3
    );
}

#[filch::test]
async fn join_blocking_inside_a_task_says_what_to_do() {
    let handle = filch::spawn(pending::<()>());
    let abort = handle.abort_handle();
    let text = panics(|| handle.join_blocking(None));
    assert!(
        text.contains("join_blocking")
            && text.contains(".await")
            && text.contains("spawn_blocking"),
        "{text}"
    );
    abort.abort();
    let handle = filch::spawn(async { 4 });
    let joined = filch::spawn_blocking(move || handle.join_blocking(None).unwrap().unwrap());
    assert_eq!(joined.await.unwrap(), 4);
}

#[filch::test]
async fn a_handle_that_was_awaited_panics_clearly_when_polled_again() {
    let mut handle = filch::spawn(ready(()));
    (&mut handle).await.unwrap();
    let again = filch::spawn(async move {
        let error = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let _ = std::pin::Pin::new(&mut handle)
                .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        }));
        message(error.unwrap_err())
    });
    let text = again.await.unwrap();
    assert!(
        text.contains("JoinHandle") && text.contains("after its output was taken"),
        "{text}"
    );
    assert!(text.contains("spawned at tests/task/handles.rs:"), "{text}");
}

#[filch::test]
async fn handles_may_cross_threads() {
    let handle = filch::spawn(async { 9 });
    let thread = std::thread::spawn(move || handle.join_blocking(None).unwrap().unwrap());
    let joined = filch::spawn_blocking(move || thread.join().unwrap());
    assert_eq!(joined.await.unwrap(), 9);
}

#[filch::test]
async fn a_chain_of_tasks_comes_back() {
    fn chain(left: usize) -> std::pin::Pin<Box<dyn Future<Output = usize> + Send>> {
        Box::pin(async move {
            if left == 0 {
                0
            } else {
                filch::spawn(chain(left - 1)).await.unwrap() + 1
            }
        })
    }
    let length = rounds(1000);
    assert_eq!(chain(length).await, length);
}

#[filch::test]
async fn many_tasks_are_joined_in_any_order() {
    let mut random = Random::new(1);
    let mut handles: Vec<_> = (0..rounds(2000))
        .map(|i| (i, filch::spawn(async move { i })))
        .collect();
    while !handles.is_empty() {
        let (i, handle) = handles.swap_remove(random.below(handles.len()));
        assert_eq!(handle.await.unwrap(), i);
    }
}

#[test]
fn without_a_runtime_spawning_says_what_to_do() {
    for text in [
        panics(|| filch::spawn(ready(()))),
        panics(|| filch::spawn_blocking(|| ())),
        panics(filch::Handle::current),
        filch::Handle::try_current().unwrap_err().to_string(),
    ] {
        assert!(
            text.contains("no filch runtime") && text.contains("#[filch::main]"),
            "{text}"
        );
    }
}

#[filch::test]
async fn what_handles_print_fits_a_line_and_says_how_it_stands() {
    let named = filch::task::Builder::new().name("resizer");
    let task = named.spawn(pending::<()>());
    let id = task.id();
    let (abort, text) = (task.abort_handle(), format!("{task:?}"));
    assert_eq!(
        text,
        format!("JoinHandle {{ id: {id}, name: \"resizer\", finished: false }}")
    );
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let text = format!("{abort:?}");
    assert_eq!(
        text,
        format!("AbortHandle {{ id: {id}, name: \"resizer\", finished: true }}")
    );
    let handle = filch::Handle::current();
    let (workers, tasks) = (handle.metrics().workers.len(), handle.metrics().tasks);
    assert_eq!(
        format!("{handle:?}"),
        format!("Handle {{ workers: {workers}, tasks: {tasks} }}")
    );
}
