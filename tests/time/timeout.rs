//! `timeout`.

use super::*;

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
fn the_time_counts_from_the_call_inside_a_runtime() {
    everywhere(|| async {
        let limit = Duration::from_millis(20);
        let late = timeout(limit, std::future::pending::<()>());
        let deadline = late.deadline();
        sleep(limit).await;
        assert_eq!(late.deadline(), deadline);
        assert!(Instant::now() >= deadline);
        // It has passed before anybody awaited it: the first poll says so.
        assert_eq!(
            futures_util::FutureExt::now_or_never(late),
            Some(Err(Elapsed))
        );
        let late = std::future::pending::<()>().timeout(limit);
        sleep(limit).await;
        assert_eq!(
            futures_util::FutureExt::now_or_never(late),
            Some(Err(Elapsed))
        );
    });
}

#[test]
fn the_time_counts_from_the_first_poll_if_it_was_made_outside() {
    let limit = Duration::from_millis(20);
    let made_outside = timeout(limit, std::future::pending::<()>());
    std::thread::sleep(limit);
    filch::run(async move {
        let start = Instant::now();
        assert_eq!(made_outside.await, Err(Elapsed));
        assert!(start.elapsed() >= limit);
    });
}
