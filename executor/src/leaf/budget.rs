//! How much one poll may do while it is never short of work.

use super::record;
use crate::foreign;
use crate::seats::context;
use crate::task::wait::{Wait, WaitKind};
use filch_timer::Instant;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long one poll may keep doing operations that are ready: well below half of the stall threshold, from which on a
/// poll counts as long. At 500 µs, and as many operations on sockets as others, a busy UDP server was taken for a task
/// that computes (docs/architecture.md).
const TIME_SLICE: Duration = Duration::from_micros(250);

/// The clock is read once in this many units of budget, and never for a poll's first few.
const CLOCK_EVERY: u8 = 32;

/// What an operation costs that makes a system call: such are longer than the others.
pub(super) const SYSTEM_CALL: u8 = 4;

/// Spends one unit of the current poll's budget.
///
/// Pending means that the task has had its turn (128 operations, of which one on a socket counts as four, or 250 µs
/// while doing them): it is already woken, and the leaf returns Pending without trying. Outside a runtime nothing is
/// spent.
#[inline]
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    spend(1, cx)
}

#[inline]
pub(super) fn spend(cost: u8, cx: &mut Context<'_>) -> Poll<()> {
    context::with(|context| {
        let left = context.budget.get();
        let span = |left: u8| (left + CLOCK_EVERY / 2) / CLOCK_EVERY;
        if let Some(rest) = left.checked_sub(cost) {
            if span(left) == span(rest) || !slice_is_over(context) {
                context.budget.set(rest);
                return Poll::Ready(());
            }
        }
        give_up_turn(context, cx)
    })
}

#[cold]
fn give_up_turn(context: &context::Context, cx: &mut Context<'_>) -> Poll<()> {
    if context.shared().is_none() {
        context.reset_budget();
        return Poll::Ready(());
    }
    // Whatever else this poll tries is refused too, until the next poll resets the budget.
    context.budget.set(0);
    record(Wait::here(WaitKind::Yield));
    foreign::wake_by_ref(cx.waker());
    Poll::Pending
}

/// Whether the current poll has gone on for longer than its slice. The first question of a poll
/// starts the measurement, so that polls that never ask pay nothing.
pub(crate) fn slice_is_over(context: &context::Context) -> bool {
    let now = Instant::now();
    match context.poll_asked.get() {
        0 => {
            context.poll_asked.set(now.as_nanos().max(1));
            false
        }
        first => now.duration_since(Instant::from_nanos(first)) >= TIME_SLICE,
    }
}
