//! `LocalRuntime`: futures that are not Send, on one thread, in FIFO order.

mod common;

use common::*;
use filch::task::yield_now;
use filch::{LocalRuntime, spawn_local};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn, ready};
use std::rc::Rc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

fn local() -> (LocalRuntime, Limit) {
    let rt = LocalRuntime::new().unwrap();
    let limit = Limit::new();
    limit.watch(rt.handle());
    (rt, limit)
}

#[test]
fn futures_and_outputs_need_not_be_send() {
    let (rt, _limit) = local();
    let shared = Rc::new(Cell::new(1));
    let output = rt.block_on(async {
        let inner = Rc::clone(&shared);
        spawn_local(async move {
            yield_now().await;
            inner.set(2);
            inner
        })
        .await
        .unwrap()
    });
    assert!(Rc::ptr_eq(&shared, &output) && output.get() == 2);
}

#[test]
fn tasks_run_in_the_order_in_which_they_were_scheduled() {
    let (rt, _limit) = local();
    let log = Rc::new(RefCell::new(Vec::new()));
    rt.block_on(async {
        let tasks: Vec<_> = (0..100).map(|i| spawn_local(logging(i, &log))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let expected: Vec<_> = (0..300).map(|i| i % 100).collect();
    assert_eq!(*log.borrow(), expected);
}

#[test]
fn tasks_spawned_before_block_on_start_in_order() {
    let (rt, _limit) = local();
    let log = Rc::new(RefCell::new(Vec::new()));
    let tasks: Vec<_> = (0..200)
        .map(|i| {
            let log = Rc::clone(&log);
            rt.spawn_local(async move { log.borrow_mut().push(i) })
        })
        .collect();
    rt.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert!(log.borrow().is_sorted(), "{log:?}");
}

/// Logs its number in each of three turns.
fn logging(number: usize, log: &Rc<RefCell<Vec<usize>>>) -> impl Future<Output = ()> + 'static {
    let log = Rc::clone(log);
    async move {
        log.borrow_mut().push(number);
        yield_now().await;
        log.borrow_mut().push(number);
        yield_now().await;
        log.borrow_mut().push(number);
    }
}

#[test]
fn what_is_woken_runs_in_the_order_of_the_wakes() {
    let (rt, _limit) = local();
    let log = Rc::new(RefCell::new(Vec::new()));
    rt.block_on(async {
        let gates: Vec<_> = (0..10).map(|_| Gate::new()).collect();
        let tasks: Vec<_> = gates
            .iter()
            .enumerate()
            .map(|(i, gate)| {
                let (gate, log) = (gate.clone(), Rc::clone(&log));
                spawn_local(async move {
                    gate.passed().await;
                    log.borrow_mut().push(i);
                })
            })
            .collect();
        while gates.iter().any(|gate| gate.waiting() == 0) {
            yield_now().await;
        }
        let order = [3, 1, 4, 5, 9, 2, 6, 8, 7, 0];
        order.iter().for_each(|i| gates[*i].open());
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*log.borrow(), order);
    });
}

#[test]
fn tasks_go_on_only_inside_block_on_and_at_the_next_one() {
    let (rt, _limit) = local();
    let turns = Rc::new(Cell::new(0));
    let task = rt.spawn_local({
        let turns = Rc::clone(&turns);
        async move {
            for _ in 0..1000 {
                turns.set(turns.get() + 1);
                yield_now().await;
            }
        }
    });
    assert_eq!(turns.get(), 0);
    rt.block_on(async { yield_now().await });
    let so_far = turns.get();
    assert!((1..1000).contains(&so_far), "{so_far}");
    rt.block_on(task).unwrap();
    assert_eq!(turns.get(), 1000);
}

#[test]
fn wakers_work_from_other_threads() {
    let (rt, _limit) = local();
    for _ in 0..rounds(300) {
        let (root, task) = (Gate::new(), Gate::new());
        let (wake_root, wake_task) = (root.clone(), task.clone());
        let thread = thread::spawn(move || {
            wake_task.open();
            wake_root.open();
        });
        let (joined, ()) = rt.block_on(async {
            let joined = spawn_local(task.passed());
            (joined, root.passed().await)
        });
        rt.block_on(joined).unwrap();
        thread.join().unwrap();
    }
}

#[test]
fn other_threads_spawn_through_a_handle() {
    let (rt, _limit) = local();
    let (here, handle) = (thread::current().id(), rt.handle());
    let thread = thread::spawn(move || {
        for _ in 0..rounds(300) {
            let ran_on = handle
                .spawn(async { thread::current().id() })
                .join_blocking(None)
                .unwrap()
                .unwrap();
            assert_eq!(ran_on, here);
        }
    });
    rt.block_on(until("the other thread is done", || thread.is_finished()));
    thread.join().unwrap();
}

#[test]
fn a_root_that_ends_when_something_is_spawned_from_outside_loses_no_later_wake() {
    let (rt, _limit) = local();
    for _ in 0..rounds(300) {
        let (gate, ended, handle) = (Gate::new(), Gate::new(), rt.handle());
        let (opener, told) = (gate.clone(), ended.clone());
        let thread = thread::spawn(move || {
            wait_until("the root waits", || opener.waiting() == 1);
            let early = handle.spawn(ready(()));
            opener.open();
            wait_until("the next root waits", || told.waiting() == 1);
            // Only this task's schedule wakes the thread now.
            handle
                .spawn(ready(()))
                .join_blocking(None)
                .unwrap()
                .unwrap();
            told.open();
            early
        });
        rt.block_on(gate.passed());
        rt.block_on(ended.passed());
        rt.block_on(thread.join().unwrap()).unwrap();
    }
}

#[test]
fn handles_block_on_elsewhere_while_the_thread_works() {
    let (rt, _limit) = local();
    let handle = rt.handle();
    let thread = thread::spawn(move || {
        handle.block_on(async {
            filch::spawn(async { thread::current().id() })
                .await
                .unwrap()
        })
    });
    rt.block_on(until("the other thread is done", || thread.is_finished()));
    assert_eq!(thread.join().unwrap(), thread::current().id());
}

#[test]
fn what_is_left_is_dropped_on_its_own_thread() {
    let (rt, _limit) = local();
    let here = thread::current().id();
    let dropped = Rc::new(Cell::new(0));
    for _ in 0..10 {
        let dropped = Rc::clone(&dropped);
        rt.spawn_local(async move {
            let _on_drop = OnDrop(move || {
                assert_eq!(thread::current().id(), here);
                dropped.set(dropped.get() + 1);
            });
            pending::<()>().await;
        });
    }
    let never_polled = Rc::clone(&dropped);
    rt.block_on(async { yield_now().await });
    rt.spawn_local(async move { drop(never_polled) });
    let handle = rt.handle();
    let elsewhere = thread::spawn(move || {
        let task = handle.spawn(async move {
            assert_eq!(thread::current().id(), here);
            pending::<()>().await;
        });
        let abort = task.abort_handle();
        abort.abort();
        task
    });
    let task = elsewhere.join().unwrap();
    drop(rt);
    assert_eq!(dropped.get(), 10);
    assert_eq!(Rc::strong_count(&dropped), 1);
    assert!(
        task.join_blocking(None)
            .unwrap()
            .unwrap_err()
            .is_cancelled()
    );
}

#[test]
fn spawns_from_other_threads_race_with_the_end() {
    let _limit = Limit::new();
    for _ in 0..rounds(200) {
        let rt = LocalRuntime::new().unwrap();
        let handle = rt.handle();
        let (probe, eye) = Probe::new();
        let thread = thread::spawn(move || {
            let tasks: Vec<_> = (0..20)
                .map(|_| {
                    let probe = probe.clone();
                    handle.spawn(async move {
                        let _probe = probe;
                        pending::<()>().await;
                    })
                })
                .collect();
            for task in tasks {
                assert!(
                    task.join_blocking(None)
                        .unwrap()
                        .unwrap_err()
                        .is_cancelled()
                );
            }
        });
        rt.block_on(yield_now());
        drop(rt);
        thread.join().unwrap();
        assert!(is_gone(&eye));
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no such sockets")]
fn timers_sockets_and_blocking_calls() {
    let (rt, _limit) = local();
    rt.block_on(async {
        let start = filch::time::Instant::now();
        filch::time::sleep(Duration::from_millis(2)).await;
        assert!(start.elapsed() >= Duration::from_millis(2));
        let listener = filch::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = spawn_local(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4];
            stream.read_exact(&mut bytes).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        });
        let stream = filch::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"ping").await.unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"ping");
        echo.await.unwrap();
        for i in 0..50 {
            assert_eq!(filch::spawn_blocking(move || i).await.unwrap(), i);
        }
        let both = filch::gather!(async { Ok::<_, ()>(1) }, async { Ok::<_, ()>(2) });
        assert_eq!(both, Ok((1, 2)));
    });
}

#[test]
fn a_root_that_is_always_ready_lets_tasks_run() {
    let (rt, _limit) = local();
    let done = Rc::new(Cell::new(false));
    rt.block_on(async {
        let told = Rc::clone(&done);
        spawn_local(async move {
            for _ in 0..100 {
                yield_now().await;
            }
            told.set(true);
        });
        while !done.get() {
            yield_now().await;
        }
    });
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no such sockets")]
fn a_root_that_is_always_ready_lets_timers_and_sockets_through() {
    let (rt, _limit) = local();
    let done = Rc::new(Cell::new(0));
    rt.block_on(async {
        let (one, two) = sockets::pair();
        let told = Rc::clone(&done);
        spawn_local(async move {
            filch::time::sleep(Duration::from_micros(100)).await;
            told.set(told.get() + 1);
        });
        let told = Rc::clone(&done);
        spawn_local(async move {
            two.read_exact(&mut [0]).await.unwrap();
            told.set(told.get() + 1);
        });
        yield_now().await;
        one.write_all(b"x").await.unwrap();
        while done.get() < 2 {
            yield_now().await;
        }
    });
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no such sockets")]
fn a_task_that_is_always_ready_lets_the_root_timers_and_sockets_through() {
    let (rt, _limit) = local();
    rt.block_on(async {
        let busy = spawn_local(async {
            loop {
                yield_now().await;
            }
        });
        for _ in 0..5 {
            filch::time::sleep(Duration::from_micros(100)).await;
        }
        let (one, two) = sockets::pair();
        let reader = spawn_local(async move { two.read_exact(&mut [0]).await.unwrap() });
        one.write_all(b"x").await.unwrap();
        reader.await.unwrap();
        busy.abort();
        assert!(busy.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn panics_reach_the_handle_or_the_caller_and_the_runtime_goes_on() {
    let (rt, _limit) = local();
    assert_eq!(panics(|| rt.block_on(async { panic!("root") })), "root");
    let error = rt
        .block_on(async { spawn_local(async { panic!("task") }).await })
        .unwrap_err();
    assert!(error.is_panic());
    assert_eq!(
        rt.block_on(async { spawn_local(ready(3)).await.unwrap() }),
        3
    );
}

#[test]
fn spawn_local_elsewhere_says_what_to_do() {
    let _limit = Limit::new();
    let text = panics(|| spawn_local(ready(())));
    assert!(
        text.contains("outside a LocalRuntime") && text.contains("#[filch::main(local)]"),
        "{text}"
    );
    let rt = runtime(1);
    let inside = rt.run(async { panics(|| spawn_local(ready(()))) });
    assert_eq!(inside, text);
    let local = LocalRuntime::new().unwrap();
    let handle = local.handle();
    let elsewhere =
        thread::spawn(move || handle.block_on(async { panics(|| spawn_local(ready(()))) }));
    assert_eq!(elsewhere.join().unwrap(), text);
}

#[test]
fn several_take_turns_on_one_thread() {
    let (one, _limit) = local();
    let (two, _limit) = local();
    let gate = Gate::new();
    let waiting = one.spawn_local(gate.passed());
    two.block_on(async {
        spawn_local(ready(())).await.unwrap();
        gate.open();
    });
    one.block_on(waiting).unwrap();
}

#[test]
fn dropped_inside_another_runtimes_task() {
    let rt = runtime(1);
    let _limit = Limit::on(&rt);
    let (probe, eye) = Probe::new();
    rt.run(async move {
        let inner = LocalRuntime::new().unwrap();
        inner.spawn_local(async move {
            let _probe = probe;
            pending::<()>().await;
        });
        drop(inner);
        assert!(is_gone(&eye));
    });
}

#[test]
fn a_wake_during_the_roots_poll_polls_it_again() {
    let (rt, _limit) = local();
    let mut polls = 0;
    rt.block_on(poll_fn(|cx| {
        polls += 1;
        cx.waker().wake_by_ref();
        if polls < 1000 {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }));
    assert_eq!(polls, 1000);
}
