//! `task_local!`: bound for the extent of a future, inherited by everything that is spawned inside.

use crate::common::*;
use filch::task::yield_now;
use filch::{LocalRuntime, task_local};
use std::future::pending;

task_local! {
    static REQUEST: String;
    static DEPTH: u32;
}

task_local! {
    /// Something that can be seen to be dropped.
    static HELD: Probe;
}

fn request() -> Option<String> {
    REQUEST.try_with(Clone::clone).ok()
}

#[filch::test]
async fn a_value_is_there_inside_its_scope_only() {
    assert_eq!(request(), None);
    REQUEST
        .scope("r1".into(), async {
            assert_eq!(REQUEST.get(), "r1");
            yield_now().await;
            assert_eq!(REQUEST.with(String::len), 2, "across an await");
        })
        .await;
    assert_eq!(request(), None);
}

#[test]
fn without_a_value_the_message_says_what_to_do() {
    let text = panics(|| REQUEST.get());
    assert!(
        text.contains("`REQUEST`") && text.contains("REQUEST.scope(value, ..)"),
        "{text}"
    );
    assert_eq!(REQUEST.try_with(|_| ()).unwrap_err().to_string(), text);
}

#[filch::test]
async fn scopes_nest_and_keys_are_apart() {
    REQUEST
        .scope("outer".into(), async {
            let inner = REQUEST.scope(
                "inner".into(),
                DEPTH.scope(2, async {
                    yield_now().await;
                    (REQUEST.get(), DEPTH.get())
                }),
            );
            assert_eq!(inner.await, ("inner".into(), 2));
            assert_eq!(REQUEST.get(), "outer");
            assert!(DEPTH.try_with(|_| ()).is_err());
        })
        .await;
}

#[filch::test]
async fn whatever_is_spawned_inherits() {
    REQUEST
        .scope("r2".into(), async {
            assert_eq!(
                filch::spawn(async { request() }).await.unwrap().as_deref(),
                Some("r2")
            );
            assert_eq!(
                filch::spawn_blocking(request).await.unwrap().as_deref(),
                Some("r2")
            );
            let grandchild = filch::spawn(async {
                yield_now().await;
                filch::spawn(async { request() }).await.unwrap()
            });
            assert_eq!(grandchild.await.unwrap().as_deref(), Some("r2"));
            let from_blocking = filch::spawn_blocking(|| filch::spawn(async { request() }));
            assert_eq!(
                from_blocking.await.unwrap().await.unwrap().as_deref(),
                Some("r2")
            );
            let gathered = filch::gather!(async { Ok::<_, ()>(request()) }, async {
                Ok::<_, ()>(request())
            });
            assert_eq!(gathered, Ok((Some("r2".into()), Some("r2".into()))));
        })
        .await;
}

#[test]
fn local_tasks_inherit_too() {
    let _limit = Limit::new();
    LocalRuntime::new().unwrap().block_on(async {
        let inside = async {
            let child = filch::spawn_local(async {
                yield_now().await;
                request()
            });
            assert_eq!(child.await.unwrap().as_deref(), Some("r3"));
        };
        REQUEST.scope("r3".into(), inside).await;
        assert_eq!(filch::spawn_local(async { request() }).await.unwrap(), None);
    });
}

#[filch::test]
async fn a_child_binds_for_itself_only() {
    REQUEST
        .scope("parent".into(), async {
            let child = filch::spawn(REQUEST.scope("child".into(), async {
                yield_now().await;
                REQUEST.get()
            }));
            for _ in 0..3 {
                assert_eq!(REQUEST.get(), "parent");
                yield_now().await;
            }
            assert_eq!(child.await.unwrap(), "child");
        })
        .await;
}

#[filch::test]
async fn a_child_keeps_the_value_after_the_parents_scope() {
    let (probe, eye) = Probe::new();
    let gate = Gate::new();
    let mut child = None;
    let opened = gate.clone();
    let spawning = async {
        child = Some(filch::spawn(async move {
            opened.passed().await;
            HELD.with(|_| ());
        }));
    };
    HELD.scope(probe, spawning).await;
    assert!(!is_gone(&eye));
    gate.open();
    child.unwrap().await.unwrap();
    until("the value is dropped", || is_gone(&eye)).await;
}

#[filch::test]
async fn tasks_on_one_worker_do_not_see_each_others() {
    let tasks: Vec<_> = (0..100_u32)
        .map(|i| {
            filch::spawn(async move {
                assert!(DEPTH.try_with(|_| ()).is_err());
                DEPTH
                    .scope(i, async {
                        for _ in 0..10 {
                            yield_now().await;
                            assert_eq!(DEPTH.get(), i);
                        }
                    })
                    .await;
                assert!(DEPTH.try_with(|_| ()).is_err());
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[filch::test]
async fn futures_beside_a_scope_do_not_see_it() {
    let inside = DEPTH.scope(1, async {
        for _ in 0..3 {
            assert_eq!(DEPTH.get(), 1);
            yield_now().await;
        }
    });
    let beside = async {
        for _ in 0..3 {
            assert!(DEPTH.try_with(|_| ()).is_err());
            yield_now().await;
        }
    };
    filch::join!(inside, beside);
}

#[filch::test]
async fn a_panic_and_an_abort_leave_no_value_behind() {
    let (probe, eye) = Probe::new();
    let panicking = filch::spawn(HELD.scope(probe, async { panic!("inside a scope") }));
    assert!(panicking.await.unwrap_err().is_panic());
    assert!(is_gone(&eye));

    let (probe, eye) = Probe::new();
    let waiting = filch::spawn(HELD.scope(probe, pending::<()>()));
    yield_now().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert!(is_gone(&eye));
    assert!(HELD.try_with(|_| ()).is_err());

    let caught = panics(|| DEPTH.sync_scope(1, || panic!("inside a sync scope")));
    assert_eq!(caught, "inside a sync scope");
    assert!(DEPTH.try_with(|_| ()).is_err());
}

#[test]
fn a_sync_scope_needs_no_runtime_and_is_inherited() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let task = REQUEST.sync_scope("sync".into(), || {
        assert_eq!(request().as_deref(), Some("sync"));
        rt.spawn(async { request() })
    });
    assert_eq!(request(), None);
    assert_eq!(
        task.join_blocking(None).unwrap().unwrap().as_deref(),
        Some("sync")
    );
}

#[filch::test]
async fn a_scope_in_every_generation_of_a_long_line_of_tasks_ends_well() {
    fn generation(left: u32, end: Gate) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(DEPTH.scope(left, async move {
            if left == 0 {
                return end.open();
            }
            drop(filch::spawn(generation(left - 1, end)));
        }))
    }
    let end = Gate::new();
    generation(rounds(100_000) as u32, end.clone()).await;
    end.passed().await;
}
