//! One timer for all the limits of a connection.

use crate::time::{Instant, Sleep, sleep_until};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

/// Wakes a connection's task at the earliest of the deadlines that it was asked for.
///
/// Each request moves the deadlines on, and is over long before them. So what is set stays set: it rings once in vain,
/// and is set again for what is then the deadline. Between two rings the timer is not touched, which would take the
/// lock of a wheel that belongs to another worker as often as not.
#[derive(Default)]
pub(super) struct Alarm {
    timer: Option<Sleep>,
    /// Whom it wakes. There is one as long as the timer waits.
    wakes: Option<Waker>,
}

impl Alarm {
    /// Whether that time is over. If not, the task is woken then, or before. `now` is of this poll.
    pub(super) fn is_over(
        &mut self,
        deadline: Instant,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> bool {
        !self.rings_by(deadline, now, cx.waker()) && self.set(deadline, cx)
    }

    /// Whether it certainly has not rung, and will in time. It never rings before its own time, so it has that ahead.
    fn rings_by(&self, deadline: Instant, now: Instant, waker: &Waker) -> bool {
        let (Some(timer), Some(wakes)) = (&self.timer, &self.wakes) else {
            return false;
        };
        let at = timer.deadline();
        now < at && at <= deadline && wakes.will_wake(waker)
    }

    /// A deadline that has come spends of the task's budget: limits of no time at all are no loop without an end.
    fn set(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        let timer = self.timer.get_or_insert_with(|| sleep_until(deadline));
        loop {
            if timer.deadline() > deadline {
                timer.reset(deadline);
            }
            if Pin::new(&mut *timer).poll(cx).is_pending() {
                self.wakes = Some(cx.waker().clone());
                return false;
            }
            if Instant::now() >= deadline {
                return true;
            }
            timer.reset(deadline);
        }
    }
}
