//! Scopes that are dropped where nobody looks for them: in a destructor, in another runtime, at the end of one, on
//! threads of all kinds. What they hold is cancelled, and whoever can wait has waited.

use super::{Census, Done, HOUR, until};
use filch::task::JoinSet;
use filch::time::timeout;
use filch::{LocalRuntime, Runtime, cleanup, spawn};
use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

type Begun = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A gather whose children run.
async fn begun(census: &Census, children: usize) -> Begun {
    let gathered = filch::gather((0..children).map(|_| census.endless::<()>()));
    let mut begun: Begun = Box::pin(async move { drop(gathered.await) });
    poll_fn(|cx| {
        assert!(begun.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    let running = census.until_started(children);
    timeout(HOUR, running).await.unwrap();
    begun
}

/// Drops in its destructor what it has, as a field of a future would be, but by code of its own.
struct Destructor(Option<Begun>);

impl Drop for Destructor {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

#[filch::test]
async fn in_the_destructor_of_a_task_that_is_aborted() {
    let census = Census::default();
    let destructor = Destructor(Some(begun(&census, 3).await));
    let task = spawn(async move {
        let _destructor = destructor;
        pending::<()>().await
    });
    task.abort();
    task.await.unwrap_err();
    assert_eq!(census.dropped(), 3);
}

#[filch::test]
async fn in_a_destructor_while_a_panic_unwinds() {
    let census = Census::default();
    let destructor = Destructor(Some(begun(&census, 3).await));
    let task = spawn(async move {
        let _destructor = destructor;
        panic!("on purpose");
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(census.dropped(), 3);
}

#[filch::test]
async fn in_the_value_of_a_channel_that_is_dropped_with_its_task() {
    let census = Census::default();
    let (sender, receiver) = filch::sync::mpsc::channel(1);
    sender.send(begun(&census, 3).await).await.unwrap();
    drop(sender);
    let task = spawn(async move {
        let _receiver = receiver;
    });
    task.await.unwrap();
    assert_eq!(census.dropped(), 3);
}

#[test]
fn in_a_task_of_another_runtime() {
    let (theirs, ours) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let census = Census::default();
    let begun = theirs.block_on(begun(&census, 3));
    let dropping = ours.spawn(async move { drop(begun) });
    ours.block_on(dropping).unwrap();
    assert_eq!(census.dropped(), 3);
    // And in its `block_on`.
    let census = Census::default();
    let begun = theirs.block_on(self::begun(&census, 3));
    ours.block_on(async move { drop(begun) });
    assert_eq!(census.dropped(), 3);
}

#[test]
fn in_a_block_on_of_a_thread_that_visits_from_a_closure() {
    let (inner, outer) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let census = Census::default();
    let theirs = census.clone();
    outer.block_on(async move {
        let visit = filch::spawn_blocking(move || {
            inner.block_on(async {
                drop(begun(&theirs, 3).await);
            });
            let dropped = theirs.dropped();
            drop(inner);
            dropped
        });
        assert_eq!(visit.await.unwrap(), 3);
    });
}

#[test]
fn on_a_thread_that_is_in_no_runtime() {
    let runtime = Runtime::new().unwrap();
    let census = Census::default();
    drop(runtime.block_on(begun(&census, 3)));
    // Nobody waits, but they are cancelled.
    runtime.block_on(async {
        timeout(HOUR, until(|| census.dropped() == 3))
            .await
            .unwrap()
    });
}

#[filch::test]
async fn in_closures_that_compute_and_block() {
    for kind in 0..3 {
        let census = Census::default();
        let begun = begun(&census, 3).await;
        let task = spawn(async move {
            match kind {
                0 => filch::blocking(|| drop(begun)),
                1 => filch::cpu(|| drop(begun)).await.unwrap(),
                _ => filch::spawn_blocking(|| drop(begun)).await.unwrap(),
            }
        });
        task.await.unwrap();
        assert_eq!(census.dropped(), 3, "{kind}");
    }
}

#[test]
fn in_a_closure_that_never_runs_as_the_runtime_ends() {
    let runtime = Runtime::builder().max_blocking_threads(1).build().unwrap();
    let census = Census::default();
    let (hold, held) = mpsc::channel::<()>();
    let busy = runtime.spawn_blocking(move || held.recv().is_err());
    let begun = runtime.block_on(begun(&census, 3));
    let never = runtime.spawn_blocking(move || drop(begun));
    never.abort();
    drop(hold);
    drop((busy, never, runtime));
    assert_eq!(census.dropped(), 3);
}

thread_local! {
    static KEPT: RefCell<Option<Begun>> = const { RefCell::new(None) };
}

#[test]
fn in_a_thread_local_of_a_worker() {
    let runtime = Runtime::builder().workers(1).build().unwrap();
    let census = Census::default();
    let theirs = census.clone();
    let task = runtime.spawn(async move {
        let begun = begun(&theirs, 3).await;
        KEPT.with(|kept| *kept.borrow_mut() = Some(begun));
    });
    runtime.block_on(task).unwrap();
    assert_eq!(census.dropped(), 0);
    drop(runtime);
    assert_eq!(census.dropped(), 3);
}

#[test]
fn in_a_thread_local_of_a_thread_that_has_visited() {
    let runtime = Runtime::new().unwrap();
    let census = Census::default();
    let (handle, theirs) = (runtime.handle().clone(), census.clone());
    let visitor = std::thread::spawn(move || {
        let begun = handle.block_on(begun(&theirs, 3));
        KEPT.with(|kept| *kept.borrow_mut() = Some(begun));
    });
    visitor.join().unwrap();
    runtime.block_on(async {
        timeout(HOUR, until(|| census.dropped() == 3))
            .await
            .unwrap()
    });
}

#[test]
fn at_the_end_of_a_runtime_in_the_destructor_of_a_task() {
    let runtime = Runtime::new().unwrap();
    let (census, done) = (Census::default(), Done::default());
    let destructor = Destructor(Some(runtime.block_on(begun(&census, 3))));
    let (theirs, (tell, told)) = (done.clone(), mpsc::channel());
    runtime.spawn(async move {
        let _destructor = destructor;
        let mut set = JoinSet::new();
        set.spawn(async move {
            let _guard = cleanup(theirs.slowly());
            tell.send(()).unwrap();
            pending::<()>().await
        });
        set.join_next().await;
    });
    told.recv().unwrap();
    drop(runtime);
    assert_eq!((census.dropped(), done.count()), (3, 1));
}

#[test]
fn at_the_end_of_a_local_runtime() {
    let runtime = LocalRuntime::new().unwrap();
    let (census, done) = (Census::default(), Done::default());
    let destructor = Destructor(Some(runtime.block_on(begun(&census, 3))));
    let theirs = done.clone();
    runtime.block_on(async {
        filch::task::spawn_local(async move {
            let _destructor = destructor;
            let _guard = cleanup(theirs.slowly());
            pending::<()>().await
        });
        filch::task::yield_now().await;
    });
    drop(runtime);
    assert_eq!((census.dropped(), done.count()), (3, 1));
}

#[test]
fn in_the_block_on_of_a_local_runtime() {
    let runtime = LocalRuntime::new().unwrap();
    let (census, done) = (Census::default(), Done::default());
    let begun = runtime.block_on(begun(&census, 3));
    runtime.block_on(async move { drop(Destructor(Some(begun))) });
    assert_eq!(census.dropped(), 3);
    let theirs = done.clone();
    runtime.block_on(async move {
        let _guard = cleanup(theirs.slowly());
    });
    assert_eq!(done.count(), 1);
}

#[test]
fn in_what_the_future_of_a_block_on_holds_to_its_end() {
    let (runtime, local) = (Runtime::new().unwrap(), LocalRuntime::new().unwrap());
    let done = Done::default();
    // The future holds its guard until it is dropped, and that is after its output is there.
    let held = |done: &Done| {
        let mut guard = None;
        let theirs = done.clone();
        poll_fn(move |_| {
            guard.get_or_insert_with(|| cleanup(theirs.clone().slowly()));
            Poll::Ready(())
        })
    };
    runtime.block_on(held(&done));
    assert_eq!(done.count(), 1);
    local.block_on(held(&done));
    assert_eq!(done.count(), 2);
}

#[test]
fn in_what_the_future_of_a_block_on_holds_when_it_panics() {
    let (runtime, local) = (Runtime::new().unwrap(), LocalRuntime::new().unwrap());
    let done = Done::default();
    let panics = |done: &Done| {
        let mut guard = None;
        let theirs = done.clone();
        // Not dropped by the panic, as what an async block holds is, but after it.
        poll_fn(move |_| {
            guard.get_or_insert_with(|| cleanup(theirs.clone().slowly()));
            assert!(std::hint::black_box(false), "on purpose");
            Poll::Ready(())
        })
    };
    let caught = catch_unwind(AssertUnwindSafe(|| runtime.block_on(panics(&done))));
    assert!(caught.is_err());
    runtime.block_on(until(|| done.count() == 1));
    let caught = catch_unwind(AssertUnwindSafe(|| local.block_on(panics(&done))));
    assert!(caught.is_err());
    local.block_on(until(|| done.count() == 2));
}

#[test]
fn in_a_shield_that_a_block_on_gives_up() {
    let (runtime, local) = (Runtime::new().unwrap(), LocalRuntime::new().unwrap());
    let done = Done::default();
    let given_up = |done: &Done| {
        let shielded = filch::shield(done.clone().slowly());
        async move { assert!(timeout(Duration::ZERO, shielded).await.is_err()) }
    };
    let theirs = done.clone();
    runtime.block_on(async { given_up(&theirs).await });
    assert_eq!(done.count(), 1);
    local.block_on(async { given_up(&theirs).await });
    assert_eq!(done.count(), 2);
    // And without a time limit of ours around it.
    local.block_on(async { drop(filch::shield(theirs.slowly())) });
    assert_eq!(done.count(), 3);
}
