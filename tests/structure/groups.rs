//! Task groups. Behaviours of asyncio's own tests are named as there, as far as Rust has them.

use super::{Census, Gate, until, until_waiting};
use filch::task::{WaitKind, yield_now};
use filch::{Child, GroupError, JoinError, TaskGroup, spawn};
use std::future::{Future, pending};
use std::panic::panic_any;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Barrier};

type Errors = GroupError<&'static str>;

async fn fail<T>(error: &'static str) -> Result<T, &'static str> {
    Err(error)
}

#[filch::test]
async fn a_group_waits_for_all_and_results_are_readable() {
    let census = Census::default();
    let sum = TaskGroup::run(async |group| {
        let residents = [census.resident(), census.resident()];
        let children = residents.map(|resident| {
            group.spawn(async move {
                yield_now().await;
                drop(resident);
                Ok::<_, Errors>(21)
            })
        });
        let mut sum = 0;
        for child in children {
            sum += child.await;
        }
        Ok(sum)
    });
    assert_eq!(sum.await.unwrap(), 42);
    assert_eq!(census.dropped(), 2);
}

#[filch::test]
async fn children_that_nobody_awaits_are_waited_for() {
    let census = Census::default();
    let ended = TaskGroup::run(async |group| {
        for _ in 0..100 {
            let resident = census.resident();
            group.spawn(async move {
                yield_now().await;
                drop(resident);
                Ok::<_, &str>(())
            });
        }
        Ok(())
    });
    ended.await.unwrap();
    assert_eq!(census.dropped(), 100);
}

#[filch::test]
async fn a_childs_error_cancels_siblings_and_body() {
    let census = Census::default();
    let error = TaskGroup::run(async |group| {
        for _ in 0..5 {
            group.spawn(census.endless::<()>());
        }
        census.until_started(5).await;
        group.spawn(fail::<()>("it failed"));
        pending::<Result<(), _>>().await
    });
    let error = error.await.unwrap_err();
    assert_eq!((error.errors(), census.dropped()), (&["it failed"][..], 5));
    let cancelled = error.cancelled().unwrap();
    assert_eq!(
        cancelled.reason.as_deref(),
        Some("a task of the same group failed")
    );
    assert_eq!(error.to_string(), "an error in a task group: it failed");
}

#[filch::test]
async fn whoever_awaits_a_failed_child_is_cancelled_along() {
    let reached = AtomicUsize::new(0);
    let error = TaskGroup::run(async |group| {
        let child = group.spawn(fail::<u32>("it failed"));
        let value = child.await;
        reached.store(1, SeqCst);
        Ok(value)
    });
    assert_eq!(error.await.unwrap_err().errors(), ["it failed"]);
    assert_eq!(reached.load(SeqCst), 0);
}

#[filch::test]
async fn all_errors_are_told_the_bodys_too() {
    // Each waits for the others within its one poll, so that none is cancelled before it has failed.
    let all = Arc::new(Barrier::new(4));
    let error = TaskGroup::run(async |group| {
        for name in ["one", "two", "three"] {
            let all = all.clone();
            group.spawn_blocking(move || {
                all.wait();
                Err::<(), _>(name)
            });
        }
        filch::blocking(|| all.wait());
        Err::<(), _>("body")
    });
    let mut errors = error.await.unwrap_err().into_iter().collect::<Vec<_>>();
    errors.sort_unstable();
    assert_eq!(errors, ["body", "one", "three", "two"]);
}

#[filch::test]
async fn the_body_failing_cancels_the_children() {
    let census = Census::default();
    let error = TaskGroup::run(async |group| {
        group.spawn(census.endless::<()>());
        census.until_started(1).await;
        Err::<(), _>("body")
    });
    assert_eq!(error.await.unwrap_err().errors(), ["body"]);
    assert_eq!(census.dropped(), 1);
}

#[filch::test]
async fn nested_groups_fail_from_inside_and_are_cancelled_from_outside() {
    let inner_fails = TaskGroup::run(async |outer: TaskGroup<Errors>| {
        let inner = TaskGroup::run(async |inner| {
            inner.spawn(fail::<()>("inner"));
            pending::<Result<(), _>>().await
        });
        let _ = outer;
        inner.await
    });
    let error = inner_fails.await.unwrap_err();
    assert_eq!(error.first().unwrap().errors(), ["inner"]);

    let census = Census::default();
    let outer_fails = TaskGroup::run(async |outer| {
        let theirs = census.clone();
        outer.spawn(async move {
            let inner = TaskGroup::run(async |inner| {
                inner.spawn(theirs.endless::<()>());
                pending::<Result<(), _>>().await
            });
            inner.await.map_err(|_| "never told")
        });
        census.until_started(1).await;
        Err::<(), _>("outer")
    });
    assert_eq!(outer_fails.await.unwrap_err().errors(), ["outer"]);
    assert_eq!(census.dropped(), 1);
}

#[filch::test]
async fn a_panic_leaves_bare_when_all_are_gone() {
    let census = Census::default();
    let theirs = census.clone();
    let task = spawn(async move {
        TaskGroup::run(async |group| {
            group.spawn(theirs.endless::<()>());
            theirs.until_started(1).await;
            group.spawn::<(), _>(async { panic_any(7_u8) });
            pending::<Result<(), &str>>().await
        })
        .await
    });
    let panic = task.await.unwrap_err().into_panic();
    assert_eq!((panic.downcast_ref(), census.dropped()), (Some(&7_u8), 1));
}

#[filch::test]
async fn children_may_spawn_into_the_group_while_it_ends() {
    let count = Arc::new(AtomicUsize::new(0));
    fn descend(group: TaskGroup<&'static str>, depth: usize, count: Arc<AtomicUsize>) {
        if depth > 0 {
            let next = group.clone();
            group.spawn(async move {
                yield_now().await;
                count.fetch_add(1, SeqCst);
                descend(next, depth - 1, count);
                Ok(())
            });
        }
    }
    let ended = TaskGroup::run(async |group| {
        descend(group, 50, count.clone());
        Ok(())
    });
    ended.await.unwrap();
    assert_eq!(count.load(SeqCst), 50);
}

#[filch::test]
async fn endless_spawning_is_stopped_by_one_failure() {
    let count = Arc::new(AtomicUsize::new(0));
    fn hydra(group: &TaskGroup<&'static str>, count: Arc<AtomicUsize>) {
        let next = group.clone();
        group.spawn(async move {
            if count.fetch_add(1, SeqCst) == 1000 {
                return Err("enough");
            }
            hydra(&next, count.clone());
            hydra(&next, count);
            Ok(())
        });
    }
    let ended = TaskGroup::run(async |group| {
        hydra(&group, count.clone());
        Ok(())
    });
    assert_eq!(ended.await.unwrap_err().errors(), ["enough"]);
}

#[filch::test]
async fn a_finished_child_is_forgotten() {
    let ended = TaskGroup::run(async |group| {
        for _ in 0..1000 {
            let child = group.spawn_ok(async {});
            child.await;
            until(|| group.is_empty()).await;
        }
        assert_eq!(group.len(), 0);
        Ok::<_, ()>(())
    });
    ended.await.unwrap();
}

#[filch::test]
async fn nothing_is_spawned_after_the_end() {
    let mut escaped = None;
    let ended = TaskGroup::run(async |group| {
        escaped = Some(group.clone());
        Ok::<_, ()>(())
    });
    ended.await.unwrap();
    let group = escaped.unwrap();
    let held = Arc::new(());
    let theirs = held.clone();
    let refused = group.try_spawn(async move {
        let _theirs = theirs;
        Ok(())
    });
    assert!(refused.is_err());
    assert_eq!(Arc::strong_count(&held), 1, "the future was dropped");
    let panics = spawn(async move {
        group.spawn_ok(async {});
    });
    assert!(panics.await.unwrap_err().to_string().contains("has ended"));
}

#[filch::test]
async fn outcomes_tell_errors_and_panics() {
    let (error, ended) = outcome_outside(fail::<()>("it failed")).await;
    assert!(error.is_cancelled());
    let text = error.to_string();
    assert!(
        text.ends_with(": it failed, and its group has the error"),
        "{text}"
    );
    assert_eq!(ended.unwrap().unwrap_err().errors(), ["it failed"]);

    let (error, ended) = outcome_outside(async { panic!("on purpose") }).await;
    assert!(error.is_panic());
    let text = error.to_string();
    assert!(text.ends_with(" panicked: on purpose"), "{text}");
    let panic = ended.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
}

/// The outcome of a group's only child, which fails, and what its group ended with. Who looks is outside of the group,
/// and so is not cancelled with it.
async fn outcome_outside<F>(child: F) -> (JoinError, Result<Result<(), Errors>, JoinError>)
where
    F: Future<Output = Result<(), &'static str>> + Send + 'static,
{
    let (tell, told) = filch::sync::oneshot::channel();
    let ended = spawn(TaskGroup::run(async move |group| {
        // The body is not cancelled before it waits.
        let child = group.spawn(child);
        assert!(tell.send(child).is_ok());
        pending().await
    }));
    let child: Child<()> = told.await.unwrap();
    let error = child.outcome().await.unwrap_err();
    (error, ended.await)
}

#[filch::test]
async fn a_closure_that_has_begun_is_waited_for() {
    let (gate, census) = (Gate::default(), Census::default());
    let (theirs, resident) = (gate.clone(), census.resident());
    let ended = spawn(TaskGroup::run(async move |group: TaskGroup<&str>| {
        let inside = theirs.clone();
        group.spawn_blocking(move || {
            let _resident = resident;
            theirs.inside.fetch_add(1, SeqCst);
            while theirs.open.load(SeqCst) == 0 {
                std::thread::yield_now();
            }
            Ok(())
        });
        inside.until_inside().await;
        Err::<(), _>("body")
    }));
    gate.until_inside().await;
    until_waiting(ended.id(), WaitKind::Drain).await;
    gate.open();
    assert!(ended.await.unwrap().is_err());
    assert_eq!(census.dropped(), 1);
}

#[filch::test]
async fn a_limited_group_runs_no_more_than_its_limit_at_a_time() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let ended = TaskGroup::limit(3).run(async |group| {
        for _ in 0..100 {
            let (now, most) = (now.clone(), most.clone());
            let child = group.spawn(async move {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                yield_now().await;
                now.fetch_sub(1, SeqCst);
                Ok::<_, &str>(())
            });
            child.await;
        }
        Ok(())
    });
    ended.await.unwrap();
    assert!((1..=3).contains(&most.load(SeqCst)), "{most:?}");
}

#[filch::test]
async fn a_body_may_borrow_and_the_group_runs_in_a_task() {
    let task = spawn(async {
        let name = String::from("borrowed");
        let length = TaskGroup::run(async |group| {
            let child = group.spawn_ok(async { 1 });
            Ok::<_, ()>(name.len() + child.await)
        });
        length.await.unwrap()
    });
    assert_eq!(task.await.unwrap(), 9);
}

#[filch::test]
async fn splitting_sorts_the_errors() {
    let error = TaskGroup::run(async |_| Err::<(), _>(404))
        .await
        .unwrap_err();
    let (matching, rest) = error.split(|code| *code == 404);
    assert_eq!(matching.unwrap().errors(), [404]);
    assert!(rest.is_none());
}

#[test]
fn children_of_a_local_runtime_need_not_be_send() {
    let runtime = filch::LocalRuntime::new().unwrap();
    let value = runtime.block_on(TaskGroup::run(async |group| {
        let shared = std::rc::Rc::new(7);
        let child = group.spawn_local(async move { Ok::<_, ()>(*shared) });
        Ok(child.await)
    }));
    assert_eq!(value.unwrap(), 7);
}

#[filch::test]
async fn ten_thousand_children_are_waited_for() {
    let count = Arc::new(AtomicUsize::new(0));
    let ended = TaskGroup::run(async |group| {
        for _ in 0..10_000 {
            let count = count.clone();
            group.spawn_ok(async move { count.fetch_add(1, SeqCst) });
        }
        Ok::<_, ()>(())
    });
    ended.await.unwrap();
    assert_eq!(count.load(SeqCst), 10_000);
}

/// Panics when it is dropped, unless that is within a panic.
struct Thrower;

impl Drop for Thrower {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic_any(9_u8);
        }
    }
}

#[filch::test]
async fn a_body_that_panics_leaves_no_children() {
    for in_drop in [false, true] {
        let census = Census::default();
        let theirs = census.clone();
        let task = spawn(async move {
            TaskGroup::run(async |group| {
                let _thrower = if in_drop { Some(Thrower) } else { None };
                group.spawn(theirs.endless::<()>());
                theirs.until_started(1).await;
                if !in_drop {
                    panic_any(8_u8);
                }
                group.cancel();
                pending::<Result<(), &str>>().await
            })
            .await
        });
        let panic = task.await.unwrap_err().into_panic();
        let thrown = if in_drop { 9_u8 } else { 8 };
        assert_eq!((panic.downcast_ref(), census.dropped()), (Some(&thrown), 1));
    }
}
