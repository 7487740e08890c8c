//! What every leaf future does in the same way: spend budget, try, and say what it waits for.
//!
//! A leaf is a future that waits for something outside: readiness, a deadline, another task. All of
//! filch's go through here, so that a task that is never short of work still lets others run, and
//! so that introspection can tell what each waits for.

pub(crate) mod join;
pub(crate) mod local_key;
pub(crate) mod timer;

use crate::seats::context;
use crate::task::TaskId;
use filch_reactor::{Direction, Ready, Source, Waiter};
use filch_timer::Instant;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

pub use crate::task::wait::{Wait, WaitKind};

/// How long one poll may keep doing operations that are ready: well below half of the stall threshold, from which on a poll
/// counts as long. At 500 µs, and as many operations on sockets as others, a busy UDP server was taken for a task that computes
/// (docs/architecture.md).
pub(crate) const TIME_SLICE: Duration = Duration::from_micros(250);

/// The clock is read once in this many units of budget, and never for a poll's first few.
const CLOCK_EVERY: u8 = 32;

/// What an operation costs that makes a system call: such are longer than the others.
const SYSTEM_CALL: u8 = 4;

/// Spends one unit of the current poll's budget.
///
/// Pending means that the task has had its turn (128 operations, of which one on a socket counts as four, or 250 µs while doing
/// them): it is already woken, and the leaf returns Pending without trying. Outside a runtime nothing is spent.
#[inline]
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    spend(1, cx)
}

#[inline]
fn spend(cost: u8, cx: &mut Context<'_>) -> Poll<()> {
    context::with(|context| {
        let left = context.budget.get();
        let span = |left: u8| (left + CLOCK_EVERY / 2) / CLOCK_EVERY;
        if let Some(rest) = left.checked_sub(cost)
            && (span(left) == span(rest) || !slice_is_over(context))
        {
            context.budget.set(rest);
            return Poll::Ready(());
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
    cx.waker().wake_by_ref();
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

/// Writes what the current task waits for. Nothing happens outside a task.
#[inline]
pub fn record(wait: Wait) {
    context::with(|context| {
        if let (Some(task), Some(shared)) = (context.task(), context.shared()) {
            task.wait.write(wait, shared.coarse_now());
        }
    });
}

/// The number of the task that runs on this thread, without the copy of all else that [`current`](crate::current) makes.
#[inline]
#[must_use]
pub fn task_id() -> Option<TaskId> {
    context::with(|context| context.task().map(|task| task.id))
}

/// Does a non-blocking operation on a source, or waits until it is worth trying again.
///
/// `op` is tried at once when the source is believed ready, again after `WouldBlock` as long as new
/// readiness comes, and again after `Interrupted`. `waiter` is the future's own place among the
/// waiters, or `None` for the direction's one place (the `poll_*` traits).
pub fn poll_io<R>(
    source: &Source,
    direction: Direction,
    waiter: Option<&mut Waiter>,
    wait: Wait,
    cx: &mut Context<'_>,
    mut op: impl FnMut() -> io::Result<R>,
) -> Poll<io::Result<R>> {
    poll_source(source, direction, waiter, wait, cx, |_| op())
}

/// What an operation on a byte stream has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// So many bytes.
    pub count: usize,
    /// The source is drained, or full: another attempt would block.
    pub is_last: bool,
}

impl Transfer {
    /// A transfer on a stream where it is the last one if it is shorter than it could have been. The end of
    /// the stream is none: it says the same again.
    pub fn of(count: usize, length: usize) -> Transfer {
        Transfer {
            count,
            is_last: 0 < count && count < length,
        }
    }
}

/// As [`poll_io`], for a byte stream: the last transfer saves the attempt that would say so.
pub fn poll_transfer(
    source: &Source,
    direction: Direction,
    waiter: Option<&mut Waiter>,
    wait: Wait,
    cx: &mut Context<'_>,
    mut op: impl FnMut() -> io::Result<Transfer>,
) -> Poll<io::Result<usize>> {
    poll_source(source, direction, waiter, wait, cx, |ready| {
        let done = op()?;
        if done.is_last {
            source.clear_short(ready);
        }
        Ok(done.count)
    })
}

fn poll_source<R>(
    source: &Source,
    direction: Direction,
    mut waiter: Option<&mut Waiter>,
    wait: Wait,
    cx: &mut Context<'_>,
    mut op: impl FnMut(Ready) -> io::Result<R>,
) -> Poll<io::Result<R>> {
    if spend(SYSTEM_CALL, cx).is_pending() {
        return Poll::Pending;
    }
    loop {
        let ready = match source.poll_ready(direction, waiter.as_deref_mut(), cx) {
            Poll::Ready(ready) => ready?,
            Poll::Pending => {
                record(wait.with_resource(source.id()));
                return Poll::Pending;
            }
        };
        match op(ready) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => source.clear(ready),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Poll::Ready(result),
        }
    }
}
