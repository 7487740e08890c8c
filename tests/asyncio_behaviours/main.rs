//! What asyncio's own tests show of it, shown of filch where no other test does. The table of all is in
//! `docs/asyncio-behaviours.md`; `listed.rs` looks whether its tests exist.

#[path = "../common/mod.rs"]
mod common;

mod listed;

use common::Count;
use filch::sync::{Event, oneshot};
use filch::time::{self, sleep, timeout};
use filch::{GroupError, LocalRuntime, TaskGroup};
use futures::FutureExt as _;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Passes at once where the clock is paused.
const SOON: Duration = Duration::from_secs(1);

async fn fails<T>(error: &'static str) -> Result<T, &'static str> {
    Err(error)
}

fn errors(error: &GroupError<&'static str>) -> Vec<&'static str> {
    error.iter().copied().collect()
}

/// A cleanup that fails.
fn failing() -> impl Sized {
    filch::cleanup(async { Err::<(), _>("the cleanup's") })
}

#[filch::test(paused)]
async fn a_body_that_is_cancelled_cannot_replace_that_by_an_error_of_its_own() {
    let ended = TaskGroup::run(async |group| {
        group.spawn(fails::<()>("the child's"));
        sleep(SOON).await;
        Err::<(), _>("the body's")
    });
    assert_eq!(errors(&ended.await.unwrap_err()), ["the child's"]);
}

#[filch::test(paused)]
async fn a_child_that_fails_and_a_cleanup_that_fails_are_both_told() {
    let ended = TaskGroup::run(async |group| {
        group.spawn(fails::<()>("the child's"));
        let _cleanup = failing();
        pending::<Result<(), _>>().await
    });
    let error = ended.await.unwrap_err();
    assert_eq!(
        (errors(&error), error.cleanups().len()),
        (vec!["the child's"], 1)
    );
}

#[filch::test(paused)]
async fn an_outer_cancel_survives_an_inner_groups_failure() {
    let (after, passed) = (Count::new(), Count::new());
    let (theirs, theirs_passed) = (after.clone(), passed.clone());
    let task = filch::spawn(async move {
        let outer = TaskGroup::run(async |outer| {
            let inner = outer.spawn(async move {
                let inner = TaskGroup::run(async |group| {
                    group.spawn(async {
                        sleep(SOON).await;
                        fails::<()>("the inner child's").await
                    });
                    pending::<Result<(), _>>().await
                });
                drop(inner.await);
                theirs.add();
                sleep(SOON).await;
                theirs_passed.add();
                Ok::<(), &str>(())
            });
            inner.await;
            Ok(())
        });
        drop(outer.await);
    });
    // At the same instant as the failure.
    sleep(SOON).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(
        passed.get(),
        0,
        "the cancel came through {} times",
        after.get()
    );
}

#[filch::test(paused)]
async fn a_child_that_is_spawned_by_a_child_and_fails_cancels_it() {
    let passed = Count::new();
    let theirs = passed.clone();
    let ended = TaskGroup::run(async |group| {
        let inner = group.clone();
        group.spawn(async move {
            inner.spawn(fails::<()>("the grandchild's"));
            sleep(SOON).await;
            theirs.add();
            Ok(())
        });
        Ok(())
    });
    assert_eq!(errors(&ended.await.unwrap_err()), ["the grandchild's"]);
    assert_eq!(passed.get(), 0);
}

#[filch::test(paused)]
async fn cancelling_a_group_twice_and_after_its_end_does_nothing() {
    let mut kept = None;
    let ended = TaskGroup::<&str>::run(async |group| {
        group.cancel();
        group.cancel();
        kept = Some(group);
        pending::<Result<(), _>>().await
    });
    let error = ended.await.unwrap_err();
    assert!(error.cancelled().is_some() && error.first().is_none());
    kept.unwrap().cancel();
    sleep(SOON).await;
}

#[filch::test(paused)]
async fn a_cleanup_that_fails_in_a_timeout_is_told_by_the_group_around_it() {
    let ended = TaskGroup::run(async |_| {
        let late = timeout(SOON, async {
            let _cleanup = failing();
            pending::<()>().await;
        });
        assert!(late.await.is_err());
        Ok::<_, &str>(())
    });
    // The body has succeeded; what the cleanup had to say is not lost.
    let error = ended.await.unwrap_err();
    assert_eq!((error.first(), error.cleanups().len()), (None, 1));
    let ended = TaskGroup::run(async |_| {
        let late = timeout(
            SOON,
            TaskGroup::run(async |inner| {
                inner.spawn(async {
                    let _cleanup = failing();
                    pending::<Result<(), &str>>().await
                });
                Ok(())
            }),
        );
        assert!(late.await.is_err());
        Ok::<_, &str>(())
    });
    assert_eq!(ended.await.unwrap_err().cleanups().len(), 1);
}

#[filch::test(paused)]
async fn a_cleanup_may_have_a_timeout_of_its_own() {
    let cleaned = Count::new();
    let theirs = cleaned.clone();
    let task = filch::spawn(async move {
        let _cleanup = filch::cleanup(async move {
            assert!(timeout(SOON, pending::<()>()).await.is_err());
            let moved = time::deadline(SOON, async |limit| {
                limit.reschedule(None);
                sleep(SOON).await;
            });
            moved.await.unwrap();
            theirs.add();
        });
        pending::<()>().await;
    });
    sleep(SOON).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(cleaned.get(), 1);
}

#[filch::test(paused)]
async fn whoever_cancels_a_timeout_cancels_what_is_in_it() {
    let gone = Count::new();
    let theirs = gone.clone();
    let held = common::OnDrop(move || _ = theirs.add());
    let task = filch::spawn(timeout(9 * SOON, async move {
        let _held = held;
        pending::<()>().await;
    }));
    sleep(SOON).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(gone.get(), 1);
}

#[filch::test(paused)]
async fn a_result_that_comes_in_the_turn_of_its_timeout_is_not_lost() {
    for _ in 0..100 {
        let (give, given) = oneshot::channel();
        filch::spawn(async move {
            sleep(SOON).await;
            give.send(7).unwrap();
        });
        // Whether it comes before or after: a value that was sent is received, or still there.
        let mut given = given;
        match timeout(SOON, &mut given).await {
            Ok(value) => assert_eq!(value, Ok(7)),
            Err(_) => assert_eq!(given.await, Ok(7)),
        }
        assert_eq!(timeout(SOON, sleep(SOON)).await, Ok(()));
    }
}

#[filch::test]
async fn a_task_that_awaits_itself_panics_and_does_not_hang() {
    let (give, given) = oneshot::channel::<filch::JoinHandle<()>>();
    let (tell, told) = oneshot::channel();
    let task = filch::spawn(async move {
        let own = given.await.unwrap();
        let ended = AssertUnwindSafe(own).catch_unwind().await;
        tell.send(common::message(ended.unwrap_err())).unwrap();
    });
    give.send(task).unwrap();
    let message = told.await.unwrap();
    assert!(message.contains("awaits itself"), "{message}");
}

#[test]
fn a_late_comer_passes_an_event_that_is_set_before_those_who_waited() {
    let order = Arc::new(Mutex::new(Vec::new()));
    LocalRuntime::new().unwrap().block_on(async {
        let event = Arc::new(Event::new());
        let waiter = |number| {
            let (event, order) = (event.clone(), order.clone());
            filch::spawn(async move {
                event.wait().await;
                order.lock().unwrap().push(number);
            })
        };
        let early = [waiter(1), waiter(2)];
        filch::task::yield_now().await;
        let late = waiter(3);
        // The late one is scheduled, and those who wait are woken behind it.
        event.set();
        for waiter in early.into_iter().chain([late]) {
            waiter.await.unwrap();
        }
    });
    assert_eq!(*order.lock().unwrap(), [3, 1, 2]);
}

#[filch::test(local)]
async fn ten_thousand_sleeps_that_are_cancelled_do_not_accumulate() {
    let timers = || filch::Handle::current().metrics().workers[0].timers;
    let before = timers();
    for _ in 0..10_000 {
        let mut nap = sleep(Duration::from_secs(3600));
        assert!(common::poll_once(&mut nap).await.is_pending());
        assert!(timers() <= before + 1);
    }
    assert_eq!(timers(), before);
}

#[test]
fn sleeps_whose_times_have_passed_end_at_once_in_the_order_in_which_they_are_polled() {
    let order = Arc::new(Mutex::new(Vec::new()));
    LocalRuntime::new().unwrap().block_on(async {
        let sleepers = [1, 3, 2].map(|number| {
            let order = order.clone();
            filch::spawn(async move {
                time::sleep_until(time::Instant::now() - number * SOON).await;
                order.lock().unwrap().push(number);
            })
        });
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
    });
    assert_eq!(*order.lock().unwrap(), [1, 3, 2]);
}
