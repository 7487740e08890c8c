//! What the builder is given to be called on threads.

use super::common::{Count, Gate, Limit, lock, panics};
use filch::{LocalRuntime, Runtime};
use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

thread_local! {
    /// What this thread holds, the outermost first.
    static HELD: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

fn held() -> Vec<&'static str> {
    HELD.with_borrow(Clone::clone)
}

/// A guard that knows its place.
struct Guard {
    name: &'static str,
    depth: usize,
    thread: ThreadId,
    alive: Count,
}

impl Guard {
    fn new(name: &'static str, alive: &Count) -> Guard {
        alive.add();
        let depth = HELD.with_borrow_mut(|held| {
            held.push(name);
            held.len()
        });
        Guard {
            name,
            depth,
            thread: thread::current().id(),
            alive: alive.clone(),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        assert_eq!(self.thread, thread::current().id());
        HELD.with_borrow_mut(|held| {
            assert_eq!(held.len(), self.depth, "in the reverse order");
            assert_eq!(held.pop(), Some(self.name));
        });
        self.alive.take();
    }
}

fn guarded(name: &'static str, alive: &Count) -> filch::Builder {
    let alive = alive.clone();
    Runtime::builder()
        .workers(2)
        .thread_context(move || Guard::new(name, &alive))
}

#[test]
fn every_thread_that_works_for_a_runtime_holds_what_the_hook_gave_and_none_afterwards() {
    let alive = Count::new();
    let rt = guarded("a", &alive).build().unwrap();
    let _limit = Limit::on(&rt);
    let is_held = || assert_eq!(held(), ["a"]);
    for round in 0..20 {
        rt.run(async move {
            is_held();
            let tasks = (0..8).map(|_| filch::spawn(async move { is_held() }));
            for task in tasks.collect::<Vec<_>>() {
                task.await.unwrap();
            }
            filch::spawn_blocking(is_held).await.unwrap();
            filch::task::Builder::new().cpu(is_held).await.unwrap();
            filch::blocking(is_held);
            if round == 0 {
                // Both workers are stuck: a spare one comes.
                let gate = Gate::new();
                for _ in 0..2 {
                    let gate = gate.clone();
                    filch::spawn(async move { gate.block() });
                }
                filch::task::yield_now().await;
                filch::spawn(async move { is_held() }).await.unwrap();
                gate.open();
            }
        });
        assert!(held().is_empty());
        rt.block_on(async { is_held() });
        rt.handle().block_on(async { is_held() });
        assert!(held().is_empty());
    }
    let (probe, dropped) = (alive.clone(), Arc::new(Mutex::new(None)));
    let seen = Arc::clone(&dropped);
    let last = super::common::OnDrop(move || *lock(&seen) = Some((held(), probe.get())));
    rt.spawn(async move {
        let _last = last;
        std::future::pending::<()>().await;
    });
    drop(rt);
    let (there, count) = lock(&dropped).take().expect("it was dropped");
    assert_eq!(there, ["a"], "while the last task is dropped");
    assert!(count > 0);
    assert_eq!(alive.get(), 0, "none is left when the drop returns");
}

#[test]
fn a_local_runtime_holds_it_on_its_thread_and_to_the_last_task() {
    let alive = Count::new();
    let rt = guarded("l", &alive).build_local().unwrap();
    let handle = rt.handle();
    rt.block_on(async {
        assert_eq!(held(), ["l"]);
        filch::spawn_local(async { assert_eq!(held(), ["l"]) })
            .await
            .unwrap();
        filch::spawn_blocking(|| assert_eq!(held(), ["l"]))
            .await
            .unwrap();
        filch::spawn_local(async {
            let _last = super::common::OnDrop(|| assert_eq!(held(), ["l"]));
            std::future::pending::<()>().await;
        });
        filch::task::yield_now().await;
    });
    assert!(held().is_empty());
    drop(rt);
    assert_eq!(alive.get(), 0);
    drop(handle);
}

#[test]
fn nested_runtimes_drop_theirs_in_the_reverse_order() {
    let alive = Count::new();
    let outer = guarded("outer", &alive).build().unwrap();
    let inner = guarded("inner", &alive).build().unwrap();
    let _limit = Limit::on(&outer);
    let seen = outer.run(async move {
        let seen = filch::blocking(|| inner.block_on(async { held() }));
        assert_eq!(held(), ["outer"]);
        filch::blocking(move || drop(inner));
        seen
    });
    assert_eq!(seen, ["outer", "inner"]);
    drop(outer);
    assert_eq!(alive.get(), 0);
}

#[test]
fn whoever_only_visits_holds_nothing() {
    let alive = Count::new();
    let rt = guarded("a", &alive).build().unwrap();
    let _guard = rt.enter();
    assert!(held().is_empty());
}

#[test]
fn a_hook_that_panics_panics_in_the_caller_who_has_left_the_runtime_then() {
    let rt = Runtime::builder().thread_context(|| -> u8 { panic!("no guard today") });
    let rt = rt.build().unwrap();
    assert_eq!(panics(|| rt.block_on(async {})), "no guard today");
    assert!(filch::Handle::try_current().is_err());
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a bad end");
        }
    }
    let rt = Runtime::builder().thread_context(|| Bad).build().unwrap();
    assert_eq!(panics(|| rt.block_on(async {})), "a bad end");
    assert!(filch::Handle::try_current().is_err());
}

#[test]
fn each_thread_that_is_started_to_work_starts_and_stops_with_a_hook() {
    let (started, stopped) = (Count::new(), Count::new());
    let (starts, stops) = (started.clone(), stopped.clone());
    let build = || {
        let (starts, stops) = (starts.clone(), stops.clone());
        let builder = Runtime::builder().workers(2).thread_name("hooked");
        builder
            .on_thread_start(move || {
                assert!(thread::current().name().unwrap().starts_with("hooked"));
                starts.add();
            })
            .on_thread_stop(move || {
                stops.add();
            })
    };
    let rt = build().build().unwrap();
    let _limit = Limit::on(&rt);
    rt.block_on(async {
        filch::spawn(async {}).await.unwrap();
        filch::spawn_blocking(|| ()).await.unwrap();
    });
    let there = started.get();
    assert!(
        (2..=4).contains(&there),
        "a worker or two, and a blocking thread: {there}"
    );
    drop(rt);
    // A worker that was called may have come after the look.
    let all = started.get();
    assert!(there <= all && all <= 4, "{all}");
    assert_eq!(stopped.get(), all);
    let rt: LocalRuntime = build().build_local().unwrap();
    rt.block_on(async { filch::spawn_blocking(|| ()).await.unwrap() });
    drop(rt);
    assert_eq!((started.get(), stopped.get()), (all + 1, all + 1));
}
