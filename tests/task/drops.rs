//! What a destructor finds around it: its task, the task-locals, and whether there is a panic.

use crate::common::*;
use filch::time::timeout;
use filch::{LocalRuntime, task_local};
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::panicking;
use std::time::Duration;

task_local! {
    static KEY: u32;
    static OTHER: u32;
}

/// What the destructor of a [`Look`] has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    key: Option<u32>,
    task: Option<filch::task::TaskId>,
    panicking: bool,
}

#[derive(Clone, Default)]
struct Eye(Arc<Mutex<Vec<Seen>>>);

/// Looks around when it is dropped.
struct Look(Eye);

impl Drop for Look {
    fn drop(&mut self) {
        let seen = Seen {
            key: KEY.try_with(|value| *value).ok(),
            task: filch::task::current().map(|task| task.id()),
            panicking: panicking(),
        };
        lock(&self.0.0).push(seen);
    }
}

impl Eye {
    fn look(&self) -> Look {
        Look(self.clone())
    }

    /// What was seen, once it was.
    #[track_caller]
    fn seen(&self) -> Seen {
        wait_until("it is dropped", || !lock(&self.0).is_empty());
        let seen = lock(&self.0).pop();
        seen.expect("just looked")
    }

    #[track_caller]
    fn saw_key(&self, value: u32) {
        assert_eq!(self.seen().key, Some(value));
    }
}

/// Written by hand: its field goes when it is dropped, not when it is ready.
struct ByHand {
    end: Poll<()>,
    _look: Look,
}

impl Future for ByHand {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.end
    }
}

fn by_hand(eye: &Eye, end: Poll<()>) -> ByHand {
    ByHand {
        end,
        _look: eye.look(),
    }
}

fn waits(eye: &Eye) -> impl Future<Output = ()> + Send + use<> {
    let look = eye.look();
    async move {
        let _look = look;
        pending::<()>().await;
    }
}

/// Every way in which the future of a scope is dropped in a runtime.
async fn scopes(eye: Eye) {
    KEY.scope(1, by_hand(&eye, Poll::Ready(()))).await;
    eye.saw_key(1);
    drop(KEY.scope(2, by_hand(&eye, Poll::Pending)));
    eye.saw_key(2);
    let given_up = timeout(Duration::from_millis(1), KEY.scope(3, waits(&eye))).await;
    assert!(given_up.is_err());
    eye.saw_key(3);
    let aborted = filch::spawn(KEY.scope(4, waits(&eye)));
    filch::task::yield_now().await;
    aborted.abort();
    assert!(aborted.await.is_err());
    eye.saw_key(4);
    let unpolled = filch::spawn(KEY.scope(5, waits(&eye)));
    unpolled.abort();
    assert!(unpolled.await.is_err());
    eye.saw_key(5);
    let in_task = filch::spawn(KEY.scope(6, by_hand(&eye, Poll::Ready(()))));
    in_task.await.unwrap();
    eye.saw_key(6);
    let panics = KEY.scope(7, async {
        let _look = eye.look();
        panic!("in a scope");
    });
    let panics = std::panic::AssertUnwindSafe(panics);
    let caught = futures_util::FutureExt::catch_unwind(panics).await;
    assert!(caught.is_err());
    eye.saw_key(7);
    // Nested, and in the order of leaving.
    drop(KEY.scope(8, OTHER.scope(1, KEY.scope(9, waits(&eye)))));
    eye.saw_key(9);
    assert!(KEY.try_with(|_| ()).is_err());
}

#[test]
fn a_future_sees_the_values_of_its_scope_whoever_drops_it_and_when() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(scopes(Eye::default()));
    LocalRuntime::new()
        .unwrap()
        .block_on(scopes(Eye::default()));
}

#[test]
fn a_scope_needs_no_runtime_to_be_dropped() {
    let eye = Eye::default();
    drop(KEY.scope(1, waits(&eye)));
    eye.saw_key(1);
}

#[test]
fn a_runtimes_end_drops_futures_with_their_values() {
    let _limit = Limit::new();
    let (rt, eye) = (runtime(1), Eye::default());
    rt.spawn(KEY.scope(1, waits(&eye)));
    drop(rt);
    eye.saw_key(1);
    let rt = LocalRuntime::new().unwrap();
    rt.spawn_local(KEY.scope(2, waits(&eye)));
    KEY.sync_scope(3, || drop(rt.spawn_local(waits(&Eye::default()))));
    drop(rt);
    eye.saw_key(2);
}

/// Inherited values are there in drops that no poll comes before: of a closure that waits for a thread, and of what is
/// given to a runtime that has ended.
#[test]
fn what_is_cancelled_before_it_begins_sees_what_it_has_inherited() {
    let _limit = Limit::new();
    let (rt, eye) = (
        filch::Runtime::builder()
            .max_blocking_threads(1)
            .build()
            .unwrap(),
        Eye::default(),
    );
    let gate = Gate::new();
    let (begun, block) = (Gate::new(), gate.clone());
    let has_begun = begun.clone();
    rt.spawn_blocking(move || {
        has_begun.open();
        block.block();
    });
    begun.block();
    let look = eye.look();
    let waiting = KEY.sync_scope(1, || rt.spawn_blocking(move || drop(look)));
    let handle = rt.handle();
    let ended = std::thread::spawn(move || drop(rt));
    let seen = eye.seen();
    assert_eq!((seen.key, seen.task), (Some(1), Some(waiting.id())));
    gate.open();
    ended.join().unwrap();
    let late = KEY.sync_scope(2, || handle.spawn(waits(&eye)));
    let seen = eye.seen();
    assert_eq!((seen.key, seen.task), (Some(2), Some(late.id())));
}

/// Dropped at its end, as the handle is gone, or later with the handle, wherever that is.
#[test]
fn the_drop_of_an_output_that_nobody_takes_is_part_of_its_task() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let eye = Eye::default();
    let gate = Gate::new();
    let spawn = || {
        let (look, gate) = (eye.look(), gate.clone());
        KEY.sync_scope(1, || {
            rt.spawn(async move {
                gate.passed().await;
                look
            })
        })
    };
    let (early, late) = (spawn(), spawn());
    let (first, second) = (early.id(), late.id());
    drop(early);
    gate.open();
    let seen = eye.seen();
    assert_eq!((seen.key, seen.task), (Some(1), Some(first)));
    wait_until("it has ended", || late.is_finished());
    drop(late);
    let seen = eye.seen();
    assert_eq!((seen.key, seen.task), (Some(1), Some(second)));
    // After the runtime, and inside another task's turn.
    let late = KEY.sync_scope(2, || rt.spawn(ready(eye.look())));
    let (id, other) = (late.id(), runtime(1));
    wait_until("it has ended", || late.is_finished());
    drop(rt);
    let outer = other.run(KEY.scope(3, async move {
        drop(late);
        (filch::task::current().map(|task| task.id()), KEY.get())
    }));
    let seen = eye.seen();
    assert_eq!((seen.key, seen.task), (Some(2), Some(id)));
    assert!(
        outer.0.is_some() && outer.1 == 3,
        "the dropper is itself again"
    );
}

#[test]
fn a_scope_around_a_whole_task_is_around_the_drop_of_its_output() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let eye = Eye::default();
    drop(rt.spawn(KEY.scope(1, ready(eye.look()))));
    eye.saw_key(1);
    let late = rt.spawn(KEY.scope(2, OTHER.scope(0, KEY.scope(3, ready(eye.look())))));
    wait_until("it has ended", || late.is_finished());
    drop(late);
    eye.saw_key(3);
    // One that was over before the task was is not.
    let look = eye.look();
    drop(rt.spawn(async move {
        KEY.scope(4, ready(())).await;
        look
    }));
    assert_eq!(eye.seen().key, None);
    // Whoever takes the output is not inside.
    let taken = rt.spawn(KEY.scope(5, ready(eye.look())));
    drop(taken.join_blocking(None).unwrap().unwrap());
    assert_eq!(eye.seen().key, None);
}

/// Panics when it is polled, with a field that looks around.
struct Panics(#[allow(dead_code, reason = "it is held")] Look);

impl Future for Panics {
    type Output = Result<(), ()>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
        panic!("polled");
    }
}

async fn panic_in_poll(eye: Eye) {
    assert!(filch::spawn(Panics(eye.look())).await.is_err());
    assert!(eye.seen().panicking, "in a task");
    let scoped = KEY.scope(1, Panics(eye.look()));
    assert!(filch::spawn(scoped).await.is_err());
    let seen = eye.seen();
    assert!(seen.panicking && seen.key == Some(1) && seen.task.is_some());
    let gathered = std::panic::AssertUnwindSafe(filch::gather([Panics(eye.look())]));
    let caught = futures_util::FutureExt::catch_unwind(gathered).await;
    assert_eq!(message(caught.unwrap_err()), "polled");
    assert!(eye.seen().panicking, "in a gather");
    let results = filch::gather_results([Panics(eye.look())]).await;
    assert!(results[0].is_err() && eye.seen().panicking);
    let look = eye.look();
    let blocking = filch::spawn_blocking(move || {
        let _look = &look;
        panic!("in a closure");
    });
    assert!(blocking.await.is_err() && eye.seen().panicking);
    filch::spawn(by_hand(&eye, Poll::Ready(()))).await.unwrap();
    assert!(!eye.seen().panicking, "without a panic");
}

#[test]
fn a_future_that_panicked_is_dropped_within_the_panic() {
    let rt = runtime(2);
    let _limit = Limit::on(&rt);
    rt.run(panic_in_poll(Eye::default()));
    LocalRuntime::new()
        .unwrap()
        .block_on(panic_in_poll(Eye::default()));
}

#[filch::test]
async fn a_std_lock_held_in_a_field_is_poisoned_by_a_panic() {
    struct Holds(std::sync::MutexGuard<'static, u8>);
    // SAFETY: the test's task is dropped by the thread that polls it: it panics in its first poll.
    unsafe impl Send for Holds {}
    impl Future for Holds {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            panic!("with the lock {}", *self.0);
        }
    }
    let mutex: &'static Mutex<u8> = keep(Mutex::new(1));
    struct Locks(&'static Mutex<u8>, Option<Holds>);
    impl Future for Locks {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            let mutex = self.0;
            let holds = self.1.get_or_insert_with(|| Holds(mutex.lock().unwrap()));
            Pin::new(holds).poll(cx)
        }
    }
    assert!(filch::spawn(Locks(mutex, None)).await.is_err());
    assert!(mutex.is_poisoned());
}
