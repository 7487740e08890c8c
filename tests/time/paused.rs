//! A clock that stands still, and moves when everybody is at rest.

use super::*;
use filch::time::{advance, hold, pause, resume};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// Runs a test with a paused clock in tasks and in `block_on`, on one worker, two and sixteen, and on a local runtime.
pub(super) fn paused<F: Future<Output = ()> + Send + 'static>(
    test: impl Fn() -> F + Send + Sync + 'static,
) {
    limited(move || {
        for workers in [1, 2, 16] {
            let builder = Runtime::builder().workers(workers).start_paused(true);
            let runtime = builder.build().unwrap();
            runtime
                .spawn(test())
                .join_blocking(Some(LIMIT))
                .unwrap()
                .unwrap();
            runtime.block_on(test());
            runtime.run(test());
        }
        let builder = Runtime::builder().start_paused(true);
        builder.build_local().unwrap().block_on(test());
    });
}

#[test]
fn an_hour_passes_at_once_when_nobody_has_anything_to_do() {
    paused(|| async {
        let start = Instant::now();
        sleep(HOUR).await;
        assert_eq!(start.elapsed(), HOUR);
        for _ in 0..100 {
            sleep(MILLI).await;
        }
        assert_eq!(start.elapsed(), HOUR + 100 * MILLI);
    });
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines_and_see_exactly_those() {
    paused(|| async {
        let start = Instant::now();
        let order = Arc::new(Mutex::new(Vec::new()));
        let sleepers = [30, 10, 50, 20, 40].map(|after| {
            let order = order.clone();
            filch::spawn(async move {
                sleep(after * MILLI).await;
                assert_eq!(start.elapsed(), after * MILLI);
                order.lock().unwrap().push(after);
            })
        });
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [10, 20, 30, 40, 50]);
    });
}

#[test]
fn while_somebody_works_the_clock_stands() {
    paused(|| async {
        let start = Instant::now();
        let limit = filch::spawn(timeout(MILLI, async {
            // Never at rest, for longer than the limit by any other clock.
            let begun = std::time::Instant::now();
            while begun.elapsed() < 5 * MILLI {
                filch::task::yield_now().await;
            }
        }));
        assert_eq!(limit.await.unwrap(), Ok(()));
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_closure_on_a_thread_of_its_own_holds_the_clock() {
    paused(|| async {
        let blocking = || std::thread::sleep(5 * MILLI);
        for _ in 0..3 {
            let limited = timeout(MILLI, filch::spawn_blocking(blocking)).await;
            limited.expect("no time has passed").unwrap();
        }
        // One that nobody waits for lets it go at its end.
        drop(filch::spawn_blocking(blocking));
        sleep(MILLI).await;
    });
}

#[test]
fn a_hold_keeps_the_clock_until_it_is_dropped() {
    paused(|| async {
        let (start, held) = (Instant::now(), hold());
        let thread = std::thread::spawn(move || {
            std::thread::sleep(5 * MILLI);
            let before = start.elapsed();
            drop(held);
            before
        });
        sleep(HOUR).await;
        // Elsewhere the time is the system's, which is not this one.
        let _ = thread.join().unwrap();
        assert_eq!(start.elapsed(), HOUR);
    });
}

#[test]
fn what_is_due_has_been_done_when_advance_returns() {
    paused(|| async {
        let held = hold();
        let (start, ticks) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let counted = ticks.clone();
        let ticker = filch::spawn(async move {
            let mut interval = interval(10 * MILLI);
            loop {
                interval.tick().await;
                // As far as it can be done, not one step.
                filch::task::yield_now().await;
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        advance(Duration::ZERO).await;
        assert_eq!(ticks.load(Ordering::Relaxed), 1, "the first comes at once");
        for n in 2..10 {
            advance(10 * MILLI).await;
            assert_eq!(ticks.load(Ordering::Relaxed), n);
        }
        advance(9 * MILLI).await;
        assert_eq!(ticks.load(Ordering::Relaxed), 9);
        assert_eq!(start.elapsed(), 89 * MILLI);
        ticker.abort();
        assert!(ticker.await.unwrap_err().is_cancelled());
        drop(held);
    });
}

#[test]
fn a_clock_that_goes_on_goes_on_from_where_it_stood() {
    paused(|| async {
        let start = Instant::now();
        advance(HOUR).await;
        resume();
        let resumed = Instant::now();
        assert!(start.elapsed() >= HOUR);
        let by_the_system = std::time::Instant::now();
        sleep(2 * MILLI).await;
        assert!(by_the_system.elapsed() >= 2 * MILLI);
        assert!(resumed.elapsed() >= 2 * MILLI);
        // And can be stopped again.
        pause();
        pause();
        let stopped = Instant::now();
        sleep(HOUR).await;
        assert_eq!(stopped.elapsed(), HOUR);
    });
}

#[test]
fn pausing_takes_hold_of_who_sleeps_already() {
    limited(|| {
        let runtime = runtime();
        runtime.block_on(async {
            let sleeper = filch::spawn(sleep(HOUR));
            let elsewhere = timeout(HOUR, pending::<()>());
            while filch::task::all().iter().any(|task| task.wait().is_none()) {
                filch::task::yield_now().await;
            }
            pause();
            sleeper.await.unwrap();
            assert_eq!(elsewhere.await, Err(Elapsed));
        });
    });
}

#[test]
fn messages_between_tasks_come_before_their_time_limits() {
    paused(|| async {
        let (sender, receiver) = filch::sync::mpsc::channel(1);
        let echo = filch::spawn(async move {
            while let Some(n) = receiver.recv().await {
                if n % 10 == 9 {
                    sleep(MILLI).await;
                }
            }
        });
        for n in 0..200 {
            let sent = timeout(10 * MILLI, sender.send(n)).await;
            sent.expect("nobody sleeps for so long").unwrap();
        }
        drop(sender);
        echo.await.unwrap();
    });
}

#[test]
fn who_sleeps_on_a_seat_that_was_made_later_wakes_by_the_paused_clock() {
    limited(|| {
        let builder = Runtime::builder().workers(1).start_paused(true);
        let runtime = builder.build().unwrap();
        let stuck = runtime.spawn(async {
            let start = Instant::now();
            // By now the system's clock is ahead of the paused one.
            std::thread::sleep(20 * MILLI);
            let (sender, registered) = mpsc::channel();
            let sleeper = filch::spawn(async move {
                let mut nap = sleep(MILLI);
                assert!(poll_once(&mut nap).await.is_pending());
                sender.send(()).unwrap();
                nap.await;
                start.elapsed()
            });
            // The only worker is stuck here, so the sleeper's poll is a spare thread's.
            registered.recv().unwrap();
            assert_eq!(sleeper.await.unwrap(), MILLI);
        });
        stuck.join_blocking(Some(LIMIT)).unwrap().unwrap();
    });
}

#[test]
fn two_runtimes_have_clocks_of_their_own() {
    limited(|| {
        let paused = Runtime::builder().workers(1).start_paused(true);
        let (paused, other) = (paused.build().unwrap(), runtime());
        let handle = other.handle();
        paused.block_on(async move {
            let elsewhere = handle.spawn(async {
                let (start, by_the_system) = (Instant::now(), std::time::Instant::now());
                sleep(5 * MILLI).await;
                assert!(by_the_system.elapsed() >= 5 * MILLI);
                assert!(start.elapsed() >= 5 * MILLI && start.elapsed() < HOUR);
            });
            let start = Instant::now();
            sleep(2 * HOUR).await;
            assert_eq!(start.elapsed(), 2 * HOUR);
            elsewhere.await.unwrap();
        });
    });
}

#[test]
fn a_program_that_waits_for_a_thread_outside_is_woken_by_it() {
    paused(|| async {
        let (sender, receiver) = filch::sync::oneshot::channel();
        let may_send = Arc::new(AtomicBool::new(false));
        let told = may_send.clone();
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            sender.send(()).unwrap();
        });
        sleep(HOUR).await;
        may_send.store(true, Ordering::Release);
        receiver.await.unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn to_advance_a_clock_that_runs_is_said_to_be_wrong() {
    let advancing = catch_unwind(|| filch::run(async { advance(MILLI).await }));
    let message = *advancing.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("it is not paused"), "{message}");
}

#[test]
fn dropping_an_advance_loses_only_the_wait() {
    paused(|| async {
        let start = Instant::now();
        let mut advancing = advance(HOUR);
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(poll_once(&mut advancing).await.is_pending());
        drop(advancing);
        assert_eq!(start.elapsed(), HOUR);
        sleep(HOUR).await;
        assert_eq!(start.elapsed(), 2 * HOUR);
    });
}
