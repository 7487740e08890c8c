//! `interval` and what it does about missed ticks.

use super::*;

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

/// An interval of 10 ms whose task is busy for 35 ms after its first tick, and takes the second tick then. Returns
/// the interval, its start, and the times before and after the second tick was taken.
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
