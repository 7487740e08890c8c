//! How much one poll may do while it is never short of work.
//!
//! Here is what an operation costs, and what a leaf does that is refused. How much a turn is, and when it is renewed,
//! is in `seats/turn.rs`.
//!
//! Only polls of ours take turns: of tasks, and of the future of a `block_on`. Who computes or blocks in a closure
//! (`spawn_blocking`, `blocking`, `cpu`) is never refused: it could not let anybody else go on, and there is no next
//! poll that would begin with a budget.

use super::record;
use crate::foreign;
use crate::seats::context;
use crate::task::wait::{Wait, WaitKind};
use std::ptr;
use std::task::{Context, Poll};

/// The clock is read once in this many units of budget, and never for a poll's first few.
const CLOCK_EVERY: u8 = 32;

/// What an operation costs that makes a system call: such are longer than the others.
pub(super) const SYSTEM_CALL: u8 = 4;

/// Spends one unit of the current poll's budget.
///
/// Pending means that the task has had its turn (128 operations, of which one on a socket counts as four, or 250 µs
/// while doing them): it is already woken, and the leaf returns Pending without trying. A poll that goes on all the
/// same, as in another library's `block_on`, is given another budget after another 250 µs. Outside a runtime, and in
/// closures that block or compute, nothing is spent.
#[inline]
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    spend(1, ptr::null(), cx)
}

/// As [`poll_budget`], for a leaf that says where it lies: a poll is still on its way through its futures as long as
/// none of them asks twice, and gets no other budget.
#[inline]
pub fn poll_budget_of<L: ?Sized>(leaf: &L, cx: &mut Context<'_>) -> Poll<()> {
    spend(1, ptr::from_ref(leaf).cast(), cx)
}

/// The same for an operation that makes a system call of others' making.
#[inline]
pub fn poll_call_of<L: ?Sized>(leaf: &L, cx: &mut Context<'_>) -> Poll<()> {
    spend(SYSTEM_CALL, ptr::from_ref(leaf).cast(), cx)
}

/// As [`poll_budget_of`], without spending: for what is around several leaves, and would go on to those that spend
/// nothing when the others are refused.
#[inline]
pub fn poll_budget_left<L: ?Sized>(around: &L, cx: &mut Context<'_>) -> Poll<()> {
    context::with(|context| match context.turn.left.get() {
        0 => give_up_turn(context, 0, ptr::from_ref(around).cast(), cx),
        _ => Poll::Ready(()),
    })
}

/// Spends one unit, if `operation` has an outcome. `None`: that would take a look at the clock, or more than that, and
/// it was not called.
#[inline]
pub(super) fn spend_at_hand<T>(operation: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
    context::with(|context| {
        let left = &context.turn.left;
        let before = left.get();
        if before == 0 || span(before) != span(before - 1) {
            return None;
        }
        let outcome = operation();
        if outcome.is_some() {
            // Read again: what it woke may be code of others, which has spent some, too.
            left.set(left.get().saturating_sub(1));
        }
        Some(outcome)
    })
}

/// The clock is read where this changes.
#[inline]
fn span(left: u8) -> u8 {
    (left + CLOCK_EVERY / 2) / CLOCK_EVERY
}

#[inline]
pub(super) fn spend(cost: u8, leaf: *const (), cx: &mut Context<'_>) -> Poll<()> {
    context::with(|context| {
        let left = context.turn.left.get();
        if let Some(rest) = left.checked_sub(cost) {
            if span(left) == span(rest) || !context.turn.is_used_up() {
                context.turn.left.set(rest);
                return Poll::Ready(());
            }
        }
        give_up_turn(context, cost, leaf, cx)
    })
}

#[cold]
fn give_up_turn(
    context: &context::Context,
    cost: u8,
    leaf: *const (),
    cx: &mut Context<'_>,
) -> Poll<()> {
    if context.shared().is_none() {
        context.turn.reset();
        return Poll::Ready(());
    }
    if !context.takes_turns() {
        // The poll around this closure, if there is one, has had its turn.
        context.turn.left.set(0);
        return Poll::Ready(());
    }
    if !context.turn.refuse(leaf) {
        let left = context.turn.left.get();
        context.turn.left.set(left - cost);
        return Poll::Ready(());
    }
    record(Wait::here(WaitKind::Yield));
    foreign::wake_by_ref(cx.waker());
    Poll::Pending
}
