//! Sleeping, ticking and giving up: on a runtime, in tasks and outside, and on a local runtime.
//!
//! "Never early" is asserted to the nanosecond. That something is not too late is asserted only by its happening at all, within a
//! limit that no machine is too busy for.

use std::future::{Future, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use filch::time::{
    Elapsed, FutureExt, Instant, Interval, MissedTick, Sleep, Tick, Timeout, interval, interval_at,
    sleep, sleep_until, timeout, timeout_at,
};
use filch::{LocalRuntime, Runtime};

/// How long anything may take before it counts as hung.
const LIMIT: Duration = Duration::from_secs(60);

/// Longer than any test runs.
const HOUR: Duration = Duration::from_secs(3600);

const MILLI: Duration = Duration::from_millis(1);

fn runtime() -> Runtime {
    Runtime::builder().workers(2).build().unwrap()
}

/// Runs `test` on a thread of its own and fails if it hangs.
fn limited<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waiting) = mpsc::channel();
    let thread = std::thread::spawn(move || drop(done.send(test())));
    match waiting.recv_timeout(LIMIT) {
        Ok(output) => output,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the test hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().unwrap_err())
        }
    }
}

/// Runs a future in a task, in `block_on` and on a local runtime.
fn everywhere<F: Future<Output = ()> + Send + 'static>(
    future: impl Fn() -> F + Send + Sync + 'static,
) {
    limited(move || {
        let runtime = runtime();
        runtime
            .spawn(future())
            .join_blocking(Some(LIMIT))
            .unwrap()
            .unwrap();
        runtime.block_on(future());
        drop(runtime);
        LocalRuntime::new().unwrap().block_on(future());
    });
}

/// Polls a future once, with the waker of the task that this runs in.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn is_pending<F: Future + Unpin>(future: &mut F, waker: &Waker) -> bool {
    Pin::new(future)
        .poll(&mut Context::from_waker(waker))
        .is_pending()
}

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
            let order = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
            let start = Instant::now() + 5 * MILLI;
            let tasks: Vec<_> = [3, 1, 4, 1, 5, 9, 2, 6]
                .map(|units| {
                    let order = order.clone();
                    filch::spawn_local(async move {
                        sleep_until(start + units * Duration::from_micros(1)).await;
                        order.borrow_mut().push(units);
                    })
                })
                .into();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(*order.borrow(), [1, 1, 2, 3, 4, 5, 6, 9]);
        });
    });
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

/// Fifty thousand sleeps in one task: registered all, reset to half a second in no order, and awaited one after the other.
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
fn an_interval_ticks_at_once_and_then_at_multiples_of_its_period() {
    everywhere(|| async {
        let before = Instant::now();
        let mut interval = interval(2 * MILLI);
        assert_eq!(interval.period(), 2 * MILLI);
        let first = interval.tick().await;
        assert!(before <= first && first <= Instant::now());
        for n in 1..5 {
            let due = interval.tick().await;
            assert!(Instant::now() >= due);
            assert_eq!(due, first + n * 2 * MILLI);
        }
    });
}

/// An interval of 10 ms whose task is busy for 35 ms after its first tick, and takes the second tick then. Returns the interval, its start, and
/// the times before and after the second tick was taken.
async fn late_interval(missed: MissedTick) -> (Interval, Instant, Instant, Instant) {
    let start = Instant::now();
    let mut interval = interval_at(start, 10 * MILLI);
    interval.set_missed_tick(missed);
    assert_eq!(interval.missed_tick(), missed);
    assert_eq!(interval.tick().await, start);
    sleep(35 * MILLI).await;
    let before = Instant::now();
    assert_eq!(interval.tick().await, start + 10 * MILLI);
    (interval, start, before, Instant::now())
}

#[test]
fn burst_catches_up_on_missed_ticks() {
    everywhere(|| async {
        let (mut interval, start, ..) = late_interval(MissedTick::Burst).await;
        assert!(poll_once(&mut interval.tick()).await.is_ready());
        assert_eq!(interval.tick().await, start + 30 * MILLI);
        for n in 4..8 {
            let due = interval.tick().await;
            assert_eq!(due, start + n * 10 * MILLI);
            assert!(Instant::now() >= due);
        }
    });
}

#[test]
fn delay_starts_anew_after_a_missed_tick() {
    everywhere(|| async {
        let (mut interval, _, before, after) = late_interval(MissedTick::Delay).await;
        let due = interval.tick().await;
        assert!(before + 10 * MILLI <= due && due <= after + 10 * MILLI);
        assert!(Instant::now() >= due);
    });
}

#[test]
fn skip_leaves_missed_ticks_out() {
    everywhere(|| async {
        let (mut interval, start, before, after) = late_interval(MissedTick::Skip).await;
        let due = interval.tick().await;
        assert_eq!((due - start).as_nanos() % (10 * MILLI).as_nanos(), 0);
        assert!(before < due && due <= after + 10 * MILLI);
        assert!(Instant::now() >= due);
    });
}

#[test]
fn a_cancelled_tick_is_not_lost() {
    everywhere(|| async {
        let start = Instant::now() + 3 * MILLI;
        let mut interval = interval_at(start, HOUR);
        let due = match poll_once(&mut interval.tick()).await {
            Poll::Ready(due) => due,
            Poll::Pending => interval.tick().await,
        };
        assert_eq!(due, start);
    });
}

#[test]
fn an_interval_can_be_reset() {
    everywhere(|| async {
        let mut interval = interval(HOUR);
        interval.tick().await;
        assert!(poll_once(&mut interval.tick()).await.is_pending());
        let soon = Instant::now() + MILLI;
        interval.reset_at(soon);
        assert_eq!(interval.tick().await, soon);
        interval.reset_after(MILLI);
        assert!(interval.tick().await > soon);
        interval.reset_immediately();
        assert!(poll_once(&mut interval.tick()).await.is_ready());
        interval.reset();
        assert!(poll_once(&mut interval.tick()).await.is_pending());
    });
}

#[test]
fn an_interval_of_centuries_ticks_once() {
    everywhere(|| async {
        let mut interval = interval(Duration::MAX);
        interval.tick().await;
        assert!(poll_once(&mut interval.tick()).await.is_pending());
    });
}

#[test]
#[should_panic(expected = "must not be zero")]
fn an_interval_of_no_time_panics() {
    drop(interval(Duration::ZERO));
}

#[test]
fn a_future_that_is_ready_wins_against_any_time_limit() {
    everywhere(|| async {
        for limit in [Duration::ZERO, MILLI, HOUR, Duration::MAX] {
            assert_eq!(timeout(limit, ready(7)).await, Ok(7));
        }
        assert_eq!(timeout_at(Instant::now() - HOUR, ready(7)).await, Ok(7));
    });
}

#[test]
fn a_future_that_is_never_ready_is_given_up_and_not_before_its_time() {
    everywhere(|| async {
        for limit in [Duration::ZERO, MILLI, 5 * MILLI] {
            let start = Instant::now();
            assert_eq!(timeout(limit, pending::<()>()).await, Err(Elapsed));
            assert!(start.elapsed() >= limit);
        }
        let deadline = Instant::now() + MILLI;
        assert_eq!(timeout_at(deadline, pending::<()>()).await, Err(Elapsed));
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn a_future_that_becomes_ready_in_time_gives_its_output() {
    everywhere(|| async {
        let slow = async {
            sleep(MILLI).await;
            7
        };
        assert_eq!(slow.timeout(HOUR).await, Ok(7));
        let nested = timeout(HOUR, timeout(MILLI, pending::<()>()));
        assert_eq!(nested.await, Ok(Err(Elapsed)));
        let nested = timeout(MILLI, timeout(HOUR, pending::<()>()));
        assert_eq!(nested.await, Err(Elapsed));
    });
}

#[test]
fn a_future_that_uses_up_every_budget_is_given_up_all_the_same() {
    everywhere(|| async {
        let busy = async {
            loop {
                filch::task::consume_budget().await;
            }
        };
        assert_eq!(busy.timeout(MILLI).await, Err::<(), _>(Elapsed));
    });
}

#[test]
fn a_future_that_was_given_up_is_dropped() {
    everywhere(|| async {
        let held = Arc::new(());
        let holds = held.clone();
        let future = async move {
            let _holds = holds;
            pending::<()>().await;
        };
        assert_eq!(timeout(MILLI, future).await, Err(Elapsed));
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn a_timeout_gives_its_future_back() {
    everywhere(|| async {
        let deadline = Instant::now() + HOUR;
        let mut limited = timeout_at(deadline, sleep(HOUR));
        assert_eq!(limited.deadline(), deadline);
        assert!(poll_once(&mut limited).await.is_pending());
        limited.get_mut().reset(Instant::now());
        assert!(limited.get_ref().is_elapsed());
        limited.into_inner().await;
    });
}

#[test]
fn a_panic_passes_through_a_timeout() {
    let runtime = runtime();
    let future = timeout(HOUR, async { panic!("on purpose") });
    let result = catch_unwind(AssertUnwindSafe(|| runtime.block_on(future)));
    assert_eq!(result.unwrap_err().downcast_ref(), Some(&"on purpose"));
}

#[test]
fn elapsed_becomes_an_io_error_that_says_so() {
    let error = std::io::Error::from(Elapsed);
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(error.to_string(), Elapsed.to_string());
}

#[test]
fn the_futures_may_go_to_any_thread() {
    fn may_go<T: Send + Sync>() {}
    may_go::<Sleep>();
    may_go::<Interval>();
    may_go::<Tick<'_>>();
    may_go::<Timeout<Sleep>>();
    may_go::<Elapsed>();
}
