//! Payloads, outputs, futures and wakers that panic when they are dropped or woken: the runtime goes on, and so does
//! everybody else.

use crate::common::hostile::{Calls, Endless, Throws, let_go, poll_with};
use crate::common::*;
use filch::time::Instant;
use filch::{AbortHandle, JoinHandle, LocalRuntime};
use std::future::{Future, pending};
use std::panic::panic_any;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(2);

/// Panics in its poll, and in its drop.
struct Twice(Throws);

impl Future for Twice {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let _is_held = &self.0;
        panic_any(Endless)
    }
}

/// Ready, and panics in its drop.
struct Ready(#[allow(dead_code, reason = "it is held")] Throws);

impl Future for Ready {
    type Output = Throws;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Throws> {
        Poll::Ready(Throws)
    }
}

async fn waits() {
    let _throws = Throws;
    pending::<()>().await;
}

/// One task of each kind, with its handle dropped by `let_go`, at once or at its end.
fn tasks(spawn: impl Fn(Kind) -> AbortHandle) -> Vec<AbortHandle> {
    Kind::ALL.into_iter().map(spawn).collect()
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Panics,
    PanicsLater,
    Blocks,
    Computes,
    Twice,
    Ready,
    Output,
    Aborted,
}

impl Kind {
    const ALL: [Kind; 8] = [
        Kind::Panics,
        Kind::PanicsLater,
        Kind::Blocks,
        Kind::Computes,
        Kind::Twice,
        Kind::Ready,
        Kind::Output,
        Kind::Aborted,
    ];

    /// Starts one inside a runtime.
    fn start(self, at_its_end: bool) -> AbortHandle {
        match self {
            Kind::Panics => end(filch::spawn(async { panic_any(Endless) }), at_its_end),
            Kind::PanicsLater => {
                let later = async {
                    filch::task::yield_now().await;
                    panic_any(Endless)
                };
                end(filch::spawn(later), at_its_end)
            }
            Kind::Blocks => end(filch::spawn_blocking(|| panic_any(Endless)), at_its_end),
            Kind::Computes => end(filch::cpu(|| panic_any(Endless)), at_its_end),
            Kind::Twice => end(filch::spawn(Twice(Throws)), at_its_end),
            Kind::Ready => end(filch::spawn(Ready(Throws)), at_its_end),
            Kind::Output => end(filch::spawn(async { Throws }), at_its_end),
            Kind::Aborted => {
                let task = filch::spawn(waits());
                task.abort();
                end(task, at_its_end)
            }
        }
    }
}

/// Drops a handle, at once or when its task has ended.
fn end<T: Send + 'static>(handle: JoinHandle<T>, at_its_end: bool) -> AbortHandle {
    let task = handle.abort_handle();
    if at_its_end {
        drop(filch::spawn(async move {
            until("the task has ended", || handle.is_finished()).await;
            drop(handle);
        }));
    }
    task
}

async fn all_end(at_its_end: bool) {
    for task in tasks(|kind| kind.start(at_its_end)) {
        until("the task has ended", || task.is_finished()).await;
    }
    until("only this task is left", || filch::task::all().len() <= 1).await;
    assert_eq!(filch::spawn(async { 1 }).await.unwrap(), 1);
}

#[test]
fn a_runtime_survives_what_throws_for_ever() {
    for workers in [1, 2] {
        let rt = runtime(workers);
        let _limit = Limit::on(&rt);
        rt.run(all_end(false));
        rt.run(all_end(true));
    }
}

#[test]
fn a_local_runtime_does_too() {
    let rt = LocalRuntime::new().unwrap();
    let limit = Limit::new();
    limit.watch(rt.handle());
    rt.block_on(async {
        for at_its_end in [false, true] {
            for task in tasks(|kind| kind.start(at_its_end)) {
                until("the task has ended", || task.is_finished()).await;
            }
        }
        until("no task is left", || filch::task::all().is_empty()).await;
    });
}

#[filch::test]
async fn a_handle_that_is_dropped_in_a_panic_is_no_second_one() {
    let handle = filch::spawn(async { panic_any(Endless) });
    until("it has ended", || handle.is_finished()).await;
    let text = panics(|| {
        let _handle = handle;
        panic!("with the handle at hand");
    });
    assert_eq!(text, "with the handle at hand");
}

#[test]
fn a_local_runtimes_end_drops_all_futures_whatever_one_of_them_does() {
    let _limit = Limit::new();
    let rt = LocalRuntime::new().unwrap();
    let (probe, eye) = Probe::new();
    drop(rt.spawn_local(waits()));
    for _ in 0..3 {
        let probe = probe.clone();
        drop(rt.spawn_local(async move {
            let _probe = probe;
            pending::<()>().await;
        }));
    }
    drop(probe);
    // A handle that lives on, with a waker that throws.
    let mut handle = rt.spawn_local(pending::<()>());
    let waker = Calls::throwing().waker();
    assert!(poll_with(&mut handle, &waker).is_pending());
    rt.block_on(filch::task::yield_now());
    drop(rt);
    assert!(is_gone(&eye) && handle.is_finished());
    let_go(waker);
}

#[test]
fn a_runtimes_end_does_too() {
    let _limit = Limit::new();
    let (probe, eye) = Probe::new();
    let rt = runtime(2);
    for _ in 0..8 {
        let probe = probe.clone();
        rt.spawn(waits());
        rt.spawn(async move {
            let _probe = probe;
            pending::<()>().await;
        });
    }
    drop(probe);
    drop(rt);
    assert!(is_gone(&eye));
}

/// A handle's waker is replaced, woken, and dropped with it.
#[filch::test]
async fn a_joiners_waker_may_throw() {
    let waker = Calls::throwing().waker();
    let gate = Gate::new();
    let spawn = || filch::spawn(gate.passed());
    let (mut woken, mut replaced, mut dropped) = (spawn(), spawn(), spawn());
    assert!(poll_with(&mut woken, &waker).is_pending());
    assert!(poll_with(&mut dropped, &waker).is_pending());
    assert!(poll_with(&mut replaced, &waker).is_pending());
    assert!(poll_once(&mut replaced).await.is_pending());
    drop(dropped);
    gate.open();
    replaced.await.unwrap();
    until("it has ended", || woken.is_finished()).await;
    woken.await.unwrap();
    let_go(waker);
}

/// Timers wake in batches, and a timer's waker is replaced and dropped with it.
#[filch::test]
async fn a_sleepers_waker_may_throw() {
    let waker = Calls::throwing().waker();
    let sleeps: Vec<_> = (0..3)
        .map(|_| {
            let mut sleep = filch::time::sleep(HOUR);
            assert!(poll_with(&mut sleep, &waker).is_pending());
            // Not short from the start: it could be over before its first poll.
            sleep.reset(Instant::now() + SOON);
            sleep
        })
        .collect();
    let mut replaced = Box::pin(filch::time::sleep(HOUR));
    assert!(poll_with(&mut replaced, &waker).is_pending());
    assert!(poll_once(&mut replaced).await.is_pending());
    let mut dropped = Box::pin(filch::time::sleep(HOUR));
    assert!(poll_with(&mut dropped, &waker).is_pending());
    drop(dropped);
    filch::time::sleep(2 * SOON).await;
    for sleep in sleeps {
        sleep.await;
    }
    let_go(waker);
}

/// A poll whose waker cannot be cloned does not keep the next one from being woken.
#[filch::test]
async fn a_gather_outlives_a_waker_that_cannot_be_cloned() {
    let gate = Gate::new();
    let child = |gate: Gate| async move {
        gate.passed().await;
        Ok::<_, ()>(())
    };
    let mut gather = filch::gather([child(gate.clone())]);
    let calls = Calls {
        cloned: Box::new(|| panic!("cloned")),
        ..Calls::nothing()
    };
    let waker = calls.waker();
    let poll = || poll_with(&mut gather, &waker).is_pending();
    assert_eq!(panics(poll), "cloned");
    let throwing = Calls::throwing().waker();
    assert!(poll_with(&mut gather, &throwing).is_pending());
    let_go(throwing);
    assert!(poll_once(&mut gather).await.is_pending());
    gate.open();
    assert_eq!(gather.await, Ok(vec![()]));
}

#[filch::test]
async fn a_gather_that_fails_outlives_its_failures() {
    type Child = Pin<Box<dyn Future<Output = Result<Throws, Throws>> + Send>>;
    let children: [Child; 4] = [
        Box::pin(async { panic_any(Endless) }),
        Box::pin(async { Err(Throws) }),
        Box::pin(async { Ok(Throws) }),
        Box::pin(async {
            waits().await;
            Ok(Throws)
        }),
    ];
    drop(filch::gather(children));
    until("all have ended", || filch::task::all().len() == 1).await;
}

filch::task_local! {
    static OUTER: Throws;
    static INNER: Throws;
    static COUNTED: Probe;
}

#[filch::test]
async fn values_of_task_locals_may_throw() {
    let (probe, eye) = Probe::new();
    let inner = COUNTED.scope(probe, INNER.scope(Throws, async { 1 }));
    assert_eq!(OUTER.scope(Throws, inner).await, 1);
    assert!(is_gone(&eye));
    let (probe, eye) = Probe::new();
    let child = COUNTED.sync_scope(probe, || {
        OUTER.sync_scope(Throws, || filch::spawn(async { 2 }))
    });
    assert_eq!(child.await.unwrap(), 2);
    until("all values are dropped", || is_gone(&eye)).await;
}

/// What was thrown may throw when it is dropped, several of them one after the other too.
#[filch::test]
async fn errors_are_dropped_quietly_whatever_was_thrown() {
    let children = [1, 2, 3].map(|_| async { panic_any(Endless) });
    let outcomes: Vec<Result<(), _>> = filch::gather_results(children).await;
    assert!(outcomes.iter().all(Result::is_err));
    drop(outcomes);
    let error = filch::spawn(async { panic_any(Endless) }).await;
    let thrown = error
        .map(|()| unreachable!())
        .map_err(filch::JoinError::into_panic);
    assert!(thrown.as_ref().is_err_and(|thrown| thrown.is::<Endless>()));
    std::mem::forget(thrown);
}
