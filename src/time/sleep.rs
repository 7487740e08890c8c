//! `sleep`, `sleep_until`, and the future that both return.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use filch_executor::{Timer, YieldNow, yield_now};
use filch_timer::Instant;
use futures_core::FusedFuture;

/// Waits for `duration`, counted from this call.
///
/// The future is ready once at least that time has passed, never before. A duration of zero yields: the task goes to
/// the end of its queue, once. One that is too long for the clock, which takes centuries, means
/// [`Instant::FAR_FUTURE`].
///
/// # Panics
///
/// The future panics when it is polled outside a runtime before its time has come.
///
/// # Cancel safety
///
/// Dropping the future cancels the timer; there is nothing to lose.
///
/// # Examples
///
/// ```
/// use filch::time::{Instant, sleep};
/// use std::time::Duration;
///
/// # filch::run(async {
/// let start = Instant::now();
/// sleep(Duration::from_millis(5)).await;
/// assert!(start.elapsed() >= Duration::from_millis(5));
/// # });
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    let now = Instant::now();
    if duration.is_zero() {
        return Sleep(Kind::Plain(Plain::Turn {
            turn: yield_now(),
            deadline: now,
        }));
    }
    Sleep::new(now.saturating_add(duration), Location::caller())
}

/// Waits until `deadline`.
///
/// The future is ready once that instant has come, never before. If it has passed already, the first poll is ready.
///
/// # Panics
///
/// The future panics when it is polled outside a runtime before its time has come.
///
/// # Cancel safety
///
/// Dropping the future cancels the timer; there is nothing to lose.
///
/// # Examples
///
/// ```
/// use filch::time::{Instant, sleep_until};
/// use std::time::Duration;
///
/// # filch::run(async {
/// let deadline = Instant::now() + Duration::from_millis(5);
/// sleep_until(deadline).await;
/// assert!(Instant::now() >= deadline);
/// # });
/// ```
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(deadline, Location::caller())
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// It needs no pinning, and can be [reset](Sleep::reset) and waited for any number of times, which costs less than a
/// new one: keep one for a deadline that moves, such as that of an idle connection.
///
/// # Examples
///
/// ```
/// use filch::time::{Instant, sleep};
/// use std::time::Duration;
///
/// # filch::run(async {
/// let mut idle = sleep(Duration::from_secs(60));
/// idle.reset(Instant::now() + Duration::from_millis(1));
/// (&mut idle).await;
/// assert!(idle.is_elapsed());
/// # });
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Sleep(Kind);

enum Kind {
    Deadline(Timer),
    Plain(Plain),
}

/// What needs no timer. An enum of its own, as it finds room in what the other kind leaves unused.
enum Plain {
    /// A sleep of no time: one turn of everybody else.
    Turn { turn: YieldNow, deadline: Instant },
    /// The future was ready.
    Over {
        at: &'static Location<'static>,
        deadline: Instant,
    },
    /// The deadline was moved into the past. The timer stays for the waker that may wait in it.
    Passed(Box<Timer>),
}

impl fmt::Debug for Sleep {
    /// `Sleep { left: 1.5s, over: false }`; `over`: it was ready when it was last polled.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.deadline().duration_since(Instant::now());
        f.debug_struct("Sleep")
            .field("left", &format_args!("{left:.1?}"))
            .field("over", &matches!(self.0, Kind::Plain(Plain::Over { .. })))
            .finish()
    }
}

impl Sleep {
    fn new(deadline: Instant, at: &'static Location<'static>) -> Sleep {
        Sleep(Kind::Deadline(Timer::new(deadline, at)))
    }

    /// When it is ready.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        match &self.0 {
            Kind::Deadline(timer) => timer.deadline(),
            Kind::Plain(Plain::Turn { deadline, .. } | Plain::Over { deadline, .. }) => *deadline,
            Kind::Plain(Plain::Passed(timer)) => timer.deadline(),
        }
    }

    /// Whether its deadline has passed. Reads the clock.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        Instant::now() >= self.deadline()
    }

    /// Moves the deadline, to an earlier or a later time, whether it has passed or not. A task that waits for this
    /// future is woken at the new deadline. If that has passed, the next poll is ready.
    #[track_caller]
    #[inline]
    pub fn reset(&mut self, deadline: Instant) {
        match &mut self.0 {
            Kind::Deadline(timer) if timer.deadline() <= deadline => timer.reset(deadline),
            _ => self.reset_otherwise(deadline),
        }
    }

    /// Moves the deadline ahead, or that of a sleep that needs no timer now.
    #[track_caller]
    fn reset_otherwise(&mut self, deadline: Instant) {
        let at = match &mut self.0 {
            Kind::Deadline(timer) if Instant::now() < deadline => return timer.reset(deadline),
            Kind::Deadline(timer) => timer.at(),
            Kind::Plain(Plain::Passed(timer)) => timer.at(),
            Kind::Plain(Plain::Over { at, .. }) => at,
            Kind::Plain(Plain::Turn { .. }) => Location::caller(),
        };
        let fresh = Kind::Deadline(Timer::new(deadline, at));
        self.0 = match std::mem::replace(&mut self.0, fresh) {
            Kind::Deadline(mut timer) => {
                // It fires at once, for a task that does not poll by itself.
                timer.reset(deadline);
                Kind::Plain(Plain::Passed(Box::new(timer)))
            }
            Kind::Plain(Plain::Passed(mut timer)) => {
                timer.reset(deadline);
                Kind::Deadline(*timer)
            }
            Kind::Plain(_) => return,
        };
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let at = match &mut self.0 {
            Kind::Deadline(timer) => {
                ready!(timer.poll(cx));
                timer.at()
            }
            Kind::Plain(Plain::Turn { turn, .. }) => {
                ready!(Pin::new(&mut *turn).poll(cx));
                turn.at()
            }
            Kind::Plain(Plain::Passed(timer)) => timer.at(),
            // Ready again; the timer knows what that costs of the task's budget.
            Kind::Plain(Plain::Over { at, deadline }) => return Timer::new(*deadline, at).poll(cx),
        };
        let deadline = self.deadline();
        self.0 = Kind::Plain(Plain::Over { at, deadline });
        Poll::Ready(())
    }
}

impl FusedFuture for Sleep {
    /// Whether it was ready, and not [reset](Sleep::reset) since.
    fn is_terminated(&self) -> bool {
        matches!(self.0, Kind::Plain(Plain::Over { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_small_and_may_move() {
        fn may_go_anywhere<T: Send + Sync + Unpin + 'static>() {}
        may_go_anywhere::<Sleep>();
        assert!(size_of::<Sleep>() <= 40, "{} bytes", size_of::<Sleep>());
    }

    #[test]
    fn a_duration_that_is_too_long_means_the_far_future() {
        assert_eq!(sleep(Duration::MAX).deadline(), Instant::FAR_FUTURE);
    }
}
