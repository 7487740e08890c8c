//! When the end of a runtime has come, its threads have ended altogether: joined, their thread-locals destroyed, their
//! descriptors closed.

use crate::common::*;
use filch::{LocalRuntime, Runtime};
use std::cell::RefCell;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Lies in a thread-local, and takes a while to be dropped.
struct Kept(&'static Marks);

/// How many threads have one, and how many have dropped it.
struct Marks {
    made: AtomicUsize,
    dropped: AtomicUsize,
}

impl Marks {
    fn new() -> &'static Marks {
        keep(Marks {
            made: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
        })
    }

    /// Marks this thread, for good.
    fn mark(&'static self) {
        KEPT.with_borrow_mut(|kept| {
            kept.get_or_insert_with(|| {
                self.made.fetch_add(1, SeqCst);
                Kept(self)
            });
        });
    }

    #[track_caller]
    fn assert_all_dropped(&self, at_least: usize) {
        let (made, dropped) = (self.made.load(SeqCst), self.dropped.load(SeqCst));
        assert!(made >= at_least, "{made} threads were marked");
        assert_eq!(dropped, made, "thread-locals destroyed");
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(40));
        self.0.dropped.fetch_add(1, SeqCst);
    }
}

/// The ways to end a runtime from outside.
const WAYS: [fn(Runtime); 2] = [drop, |rt| assert!(rt.shutdown_timeout(LIMIT).is_empty())];

#[test]
fn thread_locals_of_blocking_threads_are_destroyed_by_then() {
    let _limit = Limit::new();
    for end in WAYS {
        let (rt, marks, all) = (runtime(2), Marks::new(), Count::new());
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let all = all.clone();
                rt.spawn_blocking(move || {
                    marks.mark();
                    // Each on a thread of its own.
                    all.add();
                    wait_until("all three run", || all.get() == 3);
                })
            })
            .collect();
        for call in calls {
            call.join_blocking(None).unwrap().unwrap();
        }
        end(rt);
        marks.assert_all_dropped(3);
    }
}

#[test]
fn thread_locals_of_workers_and_spares_are_destroyed_by_then() {
    let _limit = Limit::new();
    for end in WAYS {
        let (rt, marks, all) = (runtime(2), Marks::new(), Count::new());
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let all = all.clone();
                rt.spawn(async move {
                    marks.mark();
                    all.add();
                    wait_until("all six run, on spare threads", || all.get() == 6);
                })
            })
            .collect();
        for task in tasks {
            task.join_blocking(None).unwrap().unwrap();
        }
        end(rt);
        marks.assert_all_dropped(6);
    }
}

#[test]
fn thread_locals_of_a_local_runtimes_threads_are_destroyed_by_then() {
    let _limit = Limit::new();
    let ways: [fn(LocalRuntime); 2] = [drop, |rt| assert!(rt.shutdown_timeout(LIMIT).is_empty())];
    for end in ways {
        let (rt, marks) = (LocalRuntime::new().unwrap(), Marks::new());
        rt.block_on(async move {
            filch::spawn_blocking(move || marks.mark()).await.unwrap();
        });
        end(rt);
        marks.assert_all_dropped(1);
    }
}

#[test]
fn a_runtime_that_lies_in_a_thread_local_of_its_own_thread_is_dropped_with_that() {
    thread_local! {
        static OWN: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    }
    let _limit = Limit::new();
    let rt = Runtime::builder()
        .workers(2)
        .thread_name("endtls")
        .on_unhandled_panic(filch::UnhandledPanic::ShutdownRuntime)
        .build()
        .unwrap();
    let handle = rt.handle();
    let (probe, eye) = Probe::new();
    rt.spawn(async move {
        let _probe = probe;
        pending::<()>().await;
    });
    let call = handle.spawn_blocking(move || OWN.set(Some(rt)));
    call.join_blocking(None).unwrap().unwrap();
    // The runtime ends though nobody drops it, and so that thread does.
    drop(handle.spawn(async { panic!("nobody hears of it otherwise") }));
    wait_until("everything has ended", || {
        is_gone(&eye) && process::threads("endtls-").is_empty()
    });
}

#[test]
fn a_runtime_may_be_dropped_with_a_thread_local_of_anothers_thread() {
    thread_local! {
        static OWN: RefCell<Vec<Runtime>> = const { RefCell::new(Vec::new()) };
    }
    let _limit = Limit::new();
    let rt = Runtime::builder()
        .workers(1)
        .thread_name("endtls2")
        .build()
        .unwrap();
    let (handle, inside) = (rt.handle(), Gate::new());
    let other = runtime(1);
    let other_handle = other.handle();
    let told = inside.clone();
    drop(other_handle.spawn_blocking(move || {
        OWN.with_borrow_mut(|own| own.push(rt));
        told.open();
    }));
    inside.block();
    drop(other);
    assert!(handle.spawn(async {}).is_finished(), "it has ended along");
    assert_eq!(process::threads("endtls2-"), Vec::<String>::new());
}

#[test]
fn closures_given_before_the_end_are_run_if_a_thread_was_free() {
    let _limit = Limit::new();
    let run = |end: &dyn Fn(Runtime)| {
        let rt = runtime(2);
        let call = rt.spawn_blocking(|| 42);
        end(rt);
        assert!(call.is_finished());
        assert_eq!(call.join_blocking(None).unwrap().unwrap(), 42);
    };
    for _ in 0..100 {
        run(&drop);
        run(&|rt| assert!(rt.shutdown_timeout(LIMIT).is_empty()));
    }
    for _ in 0..50 {
        let rt = LocalRuntime::new().unwrap();
        let call = rt.handle().spawn_blocking(|| 42);
        drop(rt);
        assert_eq!(call.join_blocking(None).unwrap().unwrap(), 42);
    }
}

#[test]
fn of_many_closures_so_many_are_run_as_threads_were_free() {
    let _limit = Limit::new();
    let rt = Runtime::builder()
        .workers(1)
        .max_blocking_threads(3)
        .build()
        .unwrap();
    let (inside, release) = (Gate::new(), Gate::new());
    let (entered, leave) = (inside.clone(), release.clone());
    let busy = rt.spawn_blocking(move || {
        entered.open();
        leave.block();
    });
    inside.block();
    let ran = Count::new();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (ran, release) = (ran.clone(), release.clone());
            rt.spawn_blocking(move || {
                release.block();
                ran.add();
            })
        })
        .collect();
    let leftover = rt.shutdown_timeout(Duration::ZERO);
    assert_eq!(leftover.tasks().len(), 3, "{leftover}");
    assert!(
        leftover
            .to_string()
            .contains("a closure of `spawn_blocking`")
    );
    release.open();
    busy.join_blocking(None).unwrap().unwrap();
    let outcomes = calls
        .into_iter()
        .map(|call| call.join_blocking(None).unwrap());
    assert_eq!(outcomes.filter(Result::is_ok).count(), 2);
    assert_eq!(ran.get(), 2);
}

#[test]
fn a_local_runtimes_shutdown_leaves_closures_behind_but_no_future() {
    let _limit = Limit::new();
    let rt = LocalRuntime::new().unwrap();
    let (inside, release) = (Gate::new(), Gate::new());
    let call = rt.handle().spawn_blocking({
        let (inside, release) = (inside.clone(), release.clone());
        move || {
            inside.open();
            release.block();
            5
        }
    });
    inside.block();
    let (probe, eye) = Probe::new();
    let not_send = std::rc::Rc::new(probe);
    for _ in 0..200 {
        let held = std::rc::Rc::clone(&not_send);
        rt.spawn_local(async move {
            let _held = held;
            pending::<()>().await;
        });
    }
    drop(not_send);
    let leftover = rt.shutdown_timeout(Duration::ZERO);
    assert!(is_gone(&eye), "all futures were dropped on this thread");
    assert!(!leftover.is_empty());
    assert_eq!(
        (leftover.tasks().len(), leftover.blocking_threads()),
        (1, 1)
    );
    assert_eq!(leftover.tasks()[0].id(), call.id());
    assert!(
        leftover.to_string().contains("tests/runtime/joined.rs"),
        "{leftover}"
    );
    release.open();
    assert_eq!(call.join_blocking(None).unwrap().unwrap(), 5);
}

#[test]
fn a_local_runtimes_shutdown_waits_as_long_as_it_may() {
    let _limit = Limit::new();
    let rt = LocalRuntime::new().unwrap();
    let (inside, release) = (Gate::new(), Gate::new());
    let (entered, leave) = (inside.clone(), release.clone());
    let call = rt.handle().spawn_blocking(move || {
        entered.open();
        leave.block();
    });
    inside.block();
    let begun = std::time::Instant::now();
    assert_eq!(
        rt.shutdown_timeout(Duration::from_millis(30)).tasks().len(),
        1
    );
    assert!(begun.elapsed() >= Duration::from_millis(30));
    release.open();
    call.join_blocking(None).unwrap().unwrap();
}
