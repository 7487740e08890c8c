//! `interval`, `interval_at`, and what they do about ticks that come late.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use filch_executor::Timer;
use filch_timer::Instant;
use futures_core::FusedFuture;

/// A tick that is late by no more than this, nor by a whole period, counts as on time: nobody was slow, the machine
/// just took a moment to wake up. The value is tokio's.
const TOLERANCE: Duration = Duration::from_millis(5);

/// Ticks once per `period`, for the first time at once.
///
/// # Panics
///
/// If `period` is zero.
///
/// # Examples
///
/// ```
/// use filch::time::interval;
/// use std::time::Duration;
///
/// # filch::run(async {
/// let mut interval = interval(Duration::from_millis(2));
/// let first = interval.tick().await; // at once
/// let second = interval.tick().await; // 2 ms later
/// assert_eq!(second - first, Duration::from_millis(2));
/// # });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// Ticks once per `period`, for the first time at `start`.
///
/// # Panics
///
/// If `period` is zero.
///
/// # Examples
///
/// ```
/// use filch::time::{Instant, interval_at};
/// use std::time::Duration;
///
/// # filch::run(async {
/// let start = Instant::now() + Duration::from_millis(3);
/// let mut interval = interval_at(start, Duration::from_millis(2));
/// assert_eq!(interval.tick().await, start);
/// # });
/// ```
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(
        !period.is_zero(),
        "the period of an interval must not be zero"
    );
    let timer = Timer::new(start, Location::caller());
    Interval {
        timer,
        period,
        missed: MissedTick::default(),
    }
}

/// What an [`Interval`] does after a tick that was taken too late: because the task was busy between two ticks for
/// longer than a period, say.
///
/// A tick counts as late if it is taken more than 5 ms after it was due, or more than a whole period.
/// In the pictures the period is ten dashes, and the task is busy for 25 after the first tick:
///
/// ```text
/// due    |----------|----------|----------|----------|----------|
/// Burst  |-------------------------|||---|----------|----------|
/// Delay  |-------------------------|----------|----------|------
/// Skip   |-------------------------|---|----------|----------|--
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissedTick {
    /// Catches up: the ticks that were missed follow at once, one after the other, until the interval is where it would
    /// be had none been missed. The number of ticks is right in the end.
    #[default]
    Burst,
    /// Starts anew: the next tick comes one period after the late one was taken. Between two ticks there is never less
    /// than a period.
    Delay,
    /// Leaves out: the next tick is the next one that is due in the old rhythm. Ticks keep to multiples of the period.
    Skip,
}

impl MissedTick {
    /// When the next tick is due, after one that was due at `due` is taken `late` after that.
    fn next(self, due: Instant, late: Duration, period: Duration) -> Instant {
        let now = due.saturating_add(late);
        match self {
            MissedTick::Delay if is_missed(late, period) => now.saturating_add(period),
            MissedTick::Skip if is_missed(late, period) => {
                // Not longer than `late`, and so it fits.
                let since_last = Duration::from_nanos((late.as_nanos() % period.as_nanos()) as u64);
                now.saturating_add(period - since_last)
            }
            _ => due.saturating_add(period),
        }
    }
}

fn is_missed(late: Duration, period: Duration) -> bool {
    late > TOLERANCE.min(period)
}

/// Ticks in equal distances. Made by [`interval`] and [`interval_at`].
///
/// The time that the task spends between two ticks does not shift them, unlike a `sleep` in a loop. Ticks that it
/// misses are treated as [`set_missed_tick`](Interval::set_missed_tick) says.
pub struct Interval {
    /// Ready at the next tick.
    timer: Timer,
    period: Duration,
    missed: MissedTick,
}

impl fmt::Debug for Interval {
    /// `Interval { period: 10s, next: 1.5s, missed: Burst }`; `next`: how long until the next tick.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let next = self.timer.deadline().duration_since(Instant::now());
        f.debug_struct("Interval")
            .field("period", &self.period)
            .field("next", &format_args!("{next:.1?}"))
            .field("missed", &self.missed)
            .finish()
    }
}

impl Interval {
    /// Waits for the next tick, and returns when it was due, which is at or before now.
    ///
    /// # Panics
    ///
    /// The future panics when it is polled outside a runtime before its time has come.
    ///
    /// # Cancel safety
    ///
    /// No tick is lost if the future is dropped before it is ready: the next one waits for the same tick.
    ///
    /// # Examples
    ///
    /// ```
    /// use filch::time::interval;
    /// use std::time::Duration;
    ///
    /// # filch::run(async {
    /// let mut interval = interval(Duration::from_millis(1));
    /// for _ in 0..3 {
    ///     interval.tick().await;
    ///     // send a heartbeat
    /// }
    /// # });
    /// ```
    #[track_caller]
    pub fn tick(&mut self) -> Tick<'_> {
        // A fresh timer, so that a task which waits here is said to wait here. It costs nothing: after a tick none is
        // registered.
        self.timer = Timer::new(self.timer.deadline(), Location::caller());
        Tick {
            interval: self,
            over: false,
        }
    }

    /// The same as [`tick`](Interval::tick) for futures and streams written by hand: ready with the time when the tick
    /// was due. Of the tasks that polled it, the last one is woken.
    ///
    /// # Panics
    ///
    /// Outside a runtime, unless the tick is due.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(self.timer.poll(cx));
        let due = self.timer.deadline();
        let late = Instant::now().duration_since(due);
        self.timer.reset(self.missed.next(due, late, self.period));
        Poll::Ready(due)
    }

    /// Has the next tick come one period from now.
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// Has the next tick come at once.
    pub fn reset_immediately(&mut self) {
        self.reset_at(Instant::now());
    }

    /// Has the next tick come after `duration`, counted from now.
    pub fn reset_after(&mut self, duration: Duration) {
        self.reset_at(Instant::now().saturating_add(duration));
    }

    /// Has the next tick come at `deadline`, and the others follow from there.
    ///
    /// ```
    /// use filch::time::{Instant, interval};
    /// use std::time::Duration;
    ///
    /// # filch::run(async {
    /// let mut interval = interval(Duration::from_secs(3600));
    /// let soon = Instant::now() + Duration::from_millis(1);
    /// interval.reset_at(soon);
    /// assert_eq!(interval.tick().await, soon);
    /// # });
    /// ```
    pub fn reset_at(&mut self, deadline: Instant) {
        self.timer.reset(deadline);
    }

    /// The distance of two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What is done about missed ticks: [`MissedTick::Burst`] unless it was set.
    #[must_use]
    pub fn missed_tick(&self) -> MissedTick {
        self.missed
    }

    /// Says what to do about missed ticks, from the next tick on.
    ///
    /// ```
    /// use filch::time::{MissedTick, interval};
    /// use std::time::Duration;
    ///
    /// let mut interval = interval(Duration::from_secs(1));
    /// interval.set_missed_tick(MissedTick::Skip);
    /// assert_eq!(interval.missed_tick(), MissedTick::Skip);
    /// ```
    pub fn set_missed_tick(&mut self, missed: MissedTick) {
        self.missed = missed;
    }

    /// As [`missed_tick`](Interval::missed_tick): tokio's name.
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTick {
        self.missed
    }

    /// As [`set_missed_tick`](Interval::set_missed_tick): tokio's name.
    pub fn set_missed_tick_behavior(&mut self, missed: MissedTick) {
        self.missed = missed;
    }
}

/// The future of [`Interval::tick`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Tick<'a> {
    interval: &'a mut Interval,
    over: bool,
}

impl Future for Tick<'_> {
    type Output = Instant;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        let polled = self.interval.poll_tick(cx);
        self.over = polled.is_ready();
        polled
    }
}

impl FusedFuture for Tick<'_> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How long after a tick was due the next one is, if that tick is taken `late` after that.
    fn next(missed: MissedTick, late: Duration, period: Duration) -> Duration {
        let due = Instant::now();
        missed.next(due, late, period) - due
    }

    #[test]
    fn burst_keeps_the_rhythm_however_late_it_is() {
        for late in [Duration::ZERO, SECOND / 2, 25 * SECOND / 10, 100 * SECOND] {
            assert_eq!(next(MissedTick::Burst, late, SECOND), SECOND);
        }
    }

    #[test]
    fn delay_counts_from_the_late_tick() {
        assert_eq!(
            next(MissedTick::Delay, SECOND / 10, SECOND),
            11 * SECOND / 10
        );
        assert_eq!(
            next(MissedTick::Delay, 25 * SECOND / 10, SECOND),
            35 * SECOND / 10
        );
    }

    #[test]
    fn skip_goes_on_at_the_next_multiple() {
        assert_eq!(next(MissedTick::Skip, SECOND / 10, SECOND), SECOND);
        assert_eq!(next(MissedTick::Skip, 25 * SECOND / 10, SECOND), 3 * SECOND);
        assert_eq!(next(MissedTick::Skip, 3 * SECOND, SECOND), 4 * SECOND);
    }

    #[test]
    fn a_little_late_is_on_time() {
        for missed in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
            assert_eq!(next(missed, TOLERANCE, SECOND), SECOND);
        }
    }

    #[test]
    fn a_whole_short_period_is_not_a_little() {
        let period = Duration::from_millis(1);
        assert_eq!(
            next(MissedTick::Delay, 25 * period / 10, period),
            35 * period / 10
        );
        assert_eq!(next(MissedTick::Skip, 25 * period / 10, period), 3 * period);
    }

    #[test]
    fn the_next_tick_of_an_endless_period_is_in_the_far_future() {
        let due = Instant::now();
        for missed in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
            assert_eq!(missed.next(due, SECOND, Duration::MAX), Instant::FAR_FUTURE);
        }
    }
}
