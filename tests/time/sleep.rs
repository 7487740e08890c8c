//! `sleep` and `sleep_until`.

use super::*;

#[test]
fn a_sleep_is_never_early() {
    everywhere(|| async {
        for micros in [1, 10, 65, 66, 200, 1000, 1500, 5000] {
            let duration = Duration::from_micros(micros);
            let start = Instant::now();
            sleep(duration).await;
            assert!(start.elapsed() >= duration);
            let deadline = Instant::now() + duration;
            sleep_until(deadline).await;
            assert!(Instant::now() >= deadline);
        }
    });
}

#[test]
fn a_deadline_that_has_passed_is_ready_at_once() {
    everywhere(|| async {
        for past in [Duration::ZERO, MILLI, HOUR] {
            assert!(
                poll_once(&mut sleep_until(Instant::now() - past))
                    .await
                    .is_ready()
            );
        }
    });
}

#[test]
fn a_sleep_of_no_time_yields_exactly_once() {
    everywhere(|| async {
        let count = Arc::new(Count::default());
        let waker = count.clone().into();
        let mut nap = sleep(Duration::ZERO);
        assert!(is_pending(&mut nap, &waker));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(!is_pending(&mut nap, &waker));
        assert!(nap.is_elapsed());
    });
}

#[test]
fn a_sleep_of_no_time_lets_the_other_tasks_run() {
    limited(|| {
        LocalRuntime::new().unwrap().block_on(async {
            let order = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
            let tasks = ["a", "b"].map(|name| {
                let order = order.clone();
                filch::spawn_local(async move {
                    for _ in 0..3 {
                        order.borrow_mut().push(name);
                        sleep(Duration::ZERO).await;
                    }
                })
            });
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(order.borrow().concat(), "ababab");
        });
    });
}

#[test]
fn sleeps_end_in_the_order_of_their_deadlines() {
    limited(|| {
        LocalRuntime::new().unwrap().block_on(async {
            // On a machine under load the first ones may be over before all of them have been registered.
            let mut ahead = 5 * MILLI;
            let order = loop {
                match order_of_ends(Instant::now() + ahead).await {
                    Some(order) => break order,
                    None => ahead *= 2,
                }
            };
            assert_eq!(order, [1, 1, 2, 3, 4, 5, 6, 9]);
        });
    });
}

/// Sleeps that end a microsecond or more apart from `start` on, and how they end, if none of them was over when it was
/// first polled.
async fn order_of_ends(start: Instant) -> Option<Vec<u32>> {
    let order = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let waited = std::rc::Rc::new(std::cell::Cell::new(true));
    let tasks = [3, 1, 4, 1, 5, 9, 2, 6].map(|units| {
        let (order, waited) = (order.clone(), waited.clone());
        filch::spawn_local(async move {
            let mut nap = sleep_until(start + units * Duration::from_micros(1));
            if poll_once(&mut nap).await.is_ready() {
                waited.set(false);
                return;
            }
            nap.await;
            order.borrow_mut().push(units);
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    waited.get().then(|| order.take())
}

#[test]
fn a_sleep_that_is_reset_to_earlier_ends_earlier() {
    everywhere(|| async {
        let mut nap = sleep(HOUR);
        assert!(poll_once(&mut nap).await.is_pending());
        let deadline = Instant::now() + 2 * MILLI;
        nap.reset(deadline);
        assert_eq!(nap.deadline(), deadline);
        nap.await;
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn a_sleep_that_is_reset_to_later_ends_later() {
    everywhere(|| async {
        let mut nap = sleep(2 * MILLI);
        let _ = poll_once(&mut nap).await;
        let deadline = Instant::now() + 10 * MILLI;
        nap.reset(deadline);
        nap.await;
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn a_sleep_that_has_ended_can_be_reset() {
    everywhere(|| async {
        for mut nap in [sleep(MILLI), sleep(Duration::ZERO)] {
            for _ in 0..3 {
                (&mut nap).await;
                assert!(nap.is_elapsed());
                nap.reset(Instant::now() + MILLI);
            }
            let deadline = nap.deadline();
            nap.await;
            assert!(Instant::now() >= deadline);
        }
    });
}

#[test]
fn a_sleep_that_has_moved_wakes_its_new_task() {
    limited(|| {
        let runtime = runtime();
        let mut nap = sleep(50 * MILLI);
        // Each of the tasks but the last one leaves while the timer names it.
        for _ in 0..10 {
            #[expect(clippy::async_yields_async, reason = "the sleep itself is handed on")]
            let task = async move {
                assert!(poll_once(&mut nap).await.is_pending() || nap.is_elapsed());
                nap
            };
            nap = runtime.spawn(task).join_blocking(None).unwrap().unwrap();
        }
        let deadline = nap.deadline();
        runtime
            .spawn(nap)
            .join_blocking(Some(LIMIT))
            .unwrap()
            .unwrap();
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn a_sleep_outlives_the_runtime_that_it_was_registered_with() {
    limited(|| {
        let mut nap = sleep(20 * MILLI);
        let deadline = nap.deadline();
        let first = runtime();
        let polled = first.block_on(poll_once(&mut nap));
        assert!(polled.is_pending() || Instant::now() >= deadline);
        drop(first);
        runtime().block_on(nap);
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn a_dropped_sleep_leaves_no_waker_behind() {
    everywhere(|| async {
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut dropped = sleep(HOUR);
        assert!(is_pending(&mut dropped, &waker));
        assert_eq!(Arc::strong_count(&count), 3);
        drop(dropped);
        assert_eq!(Arc::strong_count(&count), 2);
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn a_sleep_can_be_dropped_after_it_fired() {
    everywhere(|| async {
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut nap = sleep(MILLI);
        let pending = is_pending(&mut nap, &waker);
        while pending && count.0.load(Ordering::Relaxed) == 0 {
            sleep(MILLI).await;
        }
        assert!(nap.is_elapsed());
        drop(nap);
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

#[test]
fn a_task_that_sleeps_for_centuries_is_cancelled_with_its_runtime() {
    limited(|| {
        let runtime = runtime();
        let handle = runtime.spawn(sleep(Duration::MAX));
        let other = runtime.spawn(async { sleep(HOUR).await });
        drop(runtime);
        assert!(
            handle
                .join_blocking(None)
                .unwrap()
                .unwrap_err()
                .is_cancelled()
        );
        assert!(
            other
                .join_blocking(None)
                .unwrap()
                .unwrap_err()
                .is_cancelled()
        );
    });
}

#[test]
fn a_sleeping_task_says_where_it_sleeps() {
    limited(|| {
        let runtime = runtime();
        let line = line!() + 1;
        let task = runtime.spawn(async { sleep(HOUR).await });
        let waits_here = || {
            let tasks = runtime.handle().tasks();
            let wait = tasks.first().and_then(|task| task.wait().copied());
            wait.is_some_and(|wait| wait.at().line() == line && wait.at().file() == file!())
        };
        while !waits_here() {
            std::thread::yield_now();
        }
        task.abort();
    });
}

/// Fifty thousand sleeps in one task: registered all, reset to half a second in no order, and awaited one after the
/// other.
async fn many_sleeps(task: u64) {
    let mut naps = Vec::new();
    for i in 0..50_000 {
        let mut nap = sleep(HOUR);
        assert!(poll_once(&mut nap).await.is_pending());
        naps.push(nap);
        if i % 64 == 0 {
            // A fresh budget, without which the timer would not be registered.
            filch::task::yield_now().await;
        }
    }
    let start = Instant::now();
    for (i, nap) in (task..).zip(&mut naps) {
        nap.reset(start + Duration::from_nanos(i * 2_654_435_761 % 500_000_000));
    }
    for nap in naps {
        let deadline = nap.deadline();
        nap.await;
        assert!(Instant::now() >= deadline);
    }
}

#[test]
fn a_million_sleeps_end_and_none_is_early() {
    limited(|| {
        let runtime = runtime();
        let tasks: Vec<_> = (0..20)
            .map(|task| runtime.spawn(many_sleeps(task)))
            .collect();
        tasks
            .into_iter()
            .for_each(|task| task.join_blocking(None).unwrap().unwrap());
    });
}

#[test]
fn a_hundred_thousand_tasks_sleep_and_none_is_early() {
    limited(|| {
        let runtime = runtime();
        let start = Instant::now();
        let tasks: Vec<_> = (0..100_000_u64)
            .map(|i| {
                let deadline = start + Duration::from_nanos(i * 2_654_435_761 % 500_000_000);
                runtime.spawn(async move {
                    sleep_until(deadline).await;
                    assert!(Instant::now() >= deadline);
                })
            })
            .collect();
        tasks
            .into_iter()
            .for_each(|task| task.join_blocking(None).unwrap().unwrap());
    });
}

#[test]
fn a_timer_outside_a_runtime_says_what_to_do() {
    let waker = Waker::noop();
    let panic = catch_unwind(|| is_pending(&mut sleep(HOUR), waker)).unwrap_err();
    assert!(panic.downcast::<String>().unwrap().contains("filch::run"));
    assert!(!is_pending(&mut sleep_until(Instant::now()), waker));
    assert!(is_pending(&mut sleep(Duration::ZERO), waker));
    assert!(!is_pending(&mut timeout(HOUR, ready(())), waker));
}

#[test]
fn a_sleep_that_is_reset_to_the_past_is_ready_at_once() {
    everywhere(|| async {
        let mut nap = sleep(HOUR);
        assert!(poll_once(&mut nap).await.is_pending());
        nap.reset(Instant::now());
        assert!(nap.is_elapsed());
        assert!(poll_once(&mut nap).await.is_ready());
        // And it can be used again.
        let start = Instant::now();
        nap.reset(start + MILLI);
        (&mut nap).await;
        assert!(start.elapsed() >= MILLI);
        nap.reset(start);
        assert!(poll_once(&mut nap).await.is_ready());
    });
}

#[test]
fn a_sleep_outside_a_runtime_says_where_it_was_made() {
    let line = line!() + 1;
    let mut sleep = filch::time::sleep(HOUR);
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = std::pin::Pin::new(&mut sleep).poll(&mut cx);
    }));
    let text = *polled.unwrap_err().downcast::<String>().unwrap();
    assert!(
        text.contains(&format!("made at tests/time/sleep.rs:{line}:")),
        "{text}"
    );
}

#[test]
fn what_sleeps_and_intervals_print_fits_a_line() {
    // Less than a minute of the hour passes.
    let sleep = format!("{:?}", filch::time::sleep(HOUR));
    let rest = sleep.strip_prefix("Sleep { left: 3");
    assert!(
        rest.is_some_and(|rest| rest.len() == "600.0s, over: false }".len()),
        "{sleep}"
    );
    let start = filch::time::Instant::now() + HOUR;
    let interval = filch::time::interval_at(start, std::time::Duration::from_secs(10));
    let interval = format!("{interval:?}");
    let rest = interval.strip_prefix("Interval { period: 10s, next: 3");
    assert!(
        rest.is_some_and(|rest| rest.ends_with("s, missed: Burst }")),
        "{interval}"
    );
}
