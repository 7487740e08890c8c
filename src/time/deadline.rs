//! `deadline`: a time limit on a block, which can be moved while the block runs.
//!
//! What the block's code holds and what waits for it share one [`Shared`]: where the deadline lies, and whether the
//! block still runs. The future reads it after each poll of the block, so a move from inside costs no wake. A move from
//! elsewhere to an earlier time wakes whoever polls the future; one to a later time is seen when the timer fires.

use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use filch_executor::foreign::{discard, wake};
use filch_executor::leaf::{self, Drain};
use filch_executor::{Handle, Timer};
use filch_timer::Instant;
use futures_core::FusedFuture;
use parking_lot::Mutex;
use pin_project_lite::pin_project;

use super::timeout::Elapsed;

/// Runs a block under a time limit that can be moved meanwhile: by the block, or by whoever it gives its [`Deadline`].
///
/// When the time has passed, the block is dropped where it stands, and tasks that this cancels are waited for, as with
/// [`timeout`](crate::time::timeout()). `None` is no limit, until one is set. The time counts from this call on; if that
/// is made outside a runtime, from the first poll.
///
/// The block is polled before the time is looked at, so one that is ready wins. That holds for blocks within blocks
/// too: the inner one is told first, and the outer one's time counts when the code between them next has to wait.
///
/// # Errors
///
/// [`Elapsed`] if the time has passed before the block has ended.
///
/// # Panics
///
/// When it is polled outside a runtime and has to wait; and when the block panics.
///
/// # Cancel safety
///
/// Dropping it drops the block, and so it is exactly as cancel safe as that is.
///
/// # Examples
///
/// A limit on silence, and not on the whole:
///
/// ```
/// use filch::sync::mpsc;
/// use filch::time::{Elapsed, Instant, deadline};
/// use std::time::Duration;
///
/// const SILENCE: Duration = Duration::from_millis(10);
///
/// # filch::run(async {
/// let (sender, values) = mpsc::channel(4);
/// sender.send(1).await.unwrap();
/// sender.send(2).await.unwrap();
/// let mut sum = 0;
/// let ended = deadline(SILENCE, async |limit| {
///     while let Some(value) = values.recv().await {
///         sum += value;
///         limit.reschedule(Instant::now() + SILENCE);
///     }
/// });
/// assert_eq!(ended.await, Err(Elapsed));
/// assert_eq!(sum, 3);
/// # });
/// ```
#[track_caller]
pub fn deadline<F, Fut>(duration: impl Into<Option<Duration>>, block: F) -> WithinDeadline<Fut>
where
    F: FnOnce(Deadline) -> Fut,
    Fut: Future,
{
    let when = match duration.into() {
        None => When::Never,
        // Outside a runtime there is nobody yet to say which clock it is.
        Some(duration) if Handle::try_current().is_err() => When::Ahead(duration),
        Some(duration) => When::At(Instant::now().saturating_add(duration)),
    };
    WithinDeadline::new(when, block, Location::caller())
}

/// As [`deadline`], until an instant; `None` is no limit.
///
/// # Errors
///
/// [`Elapsed`] if that has passed before the block has ended.
///
/// # Panics
///
/// As [`deadline`].
///
/// # Cancel safety
///
/// As [`deadline`].
///
/// # Examples
///
/// ```
/// use filch::time::{Instant, deadline_at};
/// use std::time::Duration;
///
/// # filch::run(async {
/// let lunch = Instant::now() + Duration::from_secs(3600);
/// let done = deadline_at(lunch, async |limit| limit.when() == Some(lunch));
/// assert_eq!(done.await, Ok(true));
/// # });
/// ```
#[track_caller]
pub fn deadline_at<F, Fut>(when: impl Into<Option<Instant>>, block: F) -> WithinDeadline<Fut>
where
    F: FnOnce(Deadline) -> Fut,
    Fut: Future,
{
    let when = when.into().map_or(When::Never, When::At);
    WithinDeadline::new(when, block, Location::caller())
}

/// Where the limit of a [`deadline`] lies, to be looked at and moved. Clones speak of the same; they may go to other
/// tasks and threads, and outlive the block.
#[derive(Clone)]
pub struct Deadline(Arc<Shared>);

impl Deadline {
    /// When the time is over; `None`: there is no limit, or its time does not run yet.
    #[must_use]
    pub fn when(&self) -> Option<Instant> {
        match self.0.state.lock().when {
            When::At(when) => Some(when),
            When::Ahead(_) | When::Never => None,
        }
    }

    /// Moves the deadline, earlier or later; with `None` there is no limit any more.
    ///
    /// Returns whether it was moved. It is not when the time has passed already, be the block still on its way out, or
    /// when the block has ended. An instant that has passed ends the block when it next has to wait.
    pub fn reschedule(&self, when: impl Into<Option<Instant>>) -> bool {
        let when = when.into().map_or(When::Never, When::At);
        let mut state = self.0.state.lock();
        if state.phase != Phase::Runs {
            return false;
        }
        let is_earlier = when.is_before(state.when);
        state.when = when;
        // While the block is polled, the new deadline is looked at after that poll.
        let waker = match is_earlier && !state.is_polled {
            true => state.waker.take(),
            false => None,
        };
        drop(state);
        if let Some(waker) = waker {
            wake(waker);
        }
        true
    }

    /// Whether the block was dropped because its time had passed.
    #[must_use]
    pub fn expired(&self) -> bool {
        self.0.state.lock().phase == Phase::Expired
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.lock();
        f.debug_struct("Deadline")
            .field("when", &state.when)
            .field("phase", &state.phase)
            .finish()
    }
}

struct Shared {
    state: Mutex<State>,
}

// A waker is all in it that others have made, and no reference to one is given out.
impl UnwindSafe for Shared {}
impl RefUnwindSafe for Shared {}

struct State {
    when: When,
    phase: Phase,
    /// The block's poll has not returned.
    is_polled: bool,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// So long after the first poll.
    Ahead(Duration),
    At(Instant),
    Never,
}

impl When {
    /// Whether somebody who waits until `other` would be too late.
    fn is_before(self, other: When) -> bool {
        match (self, other) {
            (When::At(this), When::At(other)) => this < other,
            (When::At(_), When::Never) => true,
            _ => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Runs,
    Expired,
    Ended,
}

pin_project! {
    /// The future of [`deadline`](crate::time::deadline()) and [`deadline_at`](crate::time::deadline_at()).
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct WithinDeadline<F> {
        // Gone when the time has passed.
        #[pin]
        block: Option<F>,
        drain: Drain,
        timer: Option<Timer>,
        scope: Scope,
        at: &'static Location<'static>,
        // It has had its first turn.
        started: bool,
        over: bool,
    }
}

impl<F> WithinDeadline<F> {
    fn new(
        when: When,
        block: impl FnOnce(Deadline) -> F,
        at: &'static Location<'static>,
    ) -> WithinDeadline<F> {
        let state = Mutex::new(State {
            when,
            phase: Phase::Runs,
            is_polled: false,
            waker: None,
        });
        let deadline = Deadline(Arc::new(Shared { state }));
        WithinDeadline {
            scope: Scope(deadline.clone()),
            block: Some(block(deadline)),
            drain: Drain::new(),
            timer: None,
            at,
            started: false,
            over: false,
        }
    }
}

impl<F: Future> Future for WithinDeadline<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(block) = this.block.as_mut().as_pin_mut() {
            if !*this.started {
                // What is ready at once may have spent nothing, and a loop over such has to yield.
                ready!(leaf::poll_budget_of(&*this.scope, cx));
                *this.started = true;
            }
            this.scope.begin_poll();
            if let Poll::Ready(output) = block.poll(cx) {
                this.scope.end(Phase::Ended);
                *this.over = true;
                return Poll::Ready(Ok(output));
            }
            let when = this.scope.end_poll(cx.waker());
            ready!(poll_limit(this.timer, when, this.at, cx));
            this.scope.end(Phase::Expired);
            this.drain.catch(|| this.block.set(None));
        }
        // It was dropped because the time has passed.
        ready!(this.drain.poll(cx));
        *this.over = true;
        Poll::Ready(Err(Elapsed))
    }
}

/// Looks whether the time has passed, without spending budget, as `timeout` does.
fn poll_limit(
    timer: &mut Option<Timer>,
    when: Option<Instant>,
    at: &'static Location<'static>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let Some(when) = when else {
        *timer = None;
        return Poll::Pending;
    };
    let timer = timer.get_or_insert_with(|| Timer::new(when, at));
    if timer.deadline() != when {
        timer.reset(when);
    }
    timer.poll_as_limit(cx)
}

/// What the future knows of its deadline. When it is dropped, the block has ended.
struct Scope(Deadline);

impl Scope {
    fn begin_poll(&self) {
        self.0.0.state.lock().is_polled = true;
    }

    /// Has moves from elsewhere wake this waker from now on. When the time is over, as it is now.
    fn end_poll(&self, waker: &Waker) -> Option<Instant> {
        let state = &self.0.0.state;
        let is_kept = |kept: &Waker| kept.will_wake(waker);
        if !state.lock().waker.as_ref().is_some_and(is_kept) {
            // Others' code, so not under the lock.
            let kept = Some(waker.clone());
            let replaced = std::mem::replace(&mut state.lock().waker, kept);
            discard(replaced);
        }
        let mut state = state.lock();
        state.is_polled = false;
        if let When::Ahead(duration) = state.when {
            state.when = When::At(Instant::now().saturating_add(duration));
        }
        match state.when {
            When::At(when) => Some(when),
            When::Ahead(_) | When::Never => None,
        }
    }

    fn end(&self, phase: Phase) {
        let mut state = self.0.0.state.lock();
        if state.phase == Phase::Runs {
            state.phase = phase;
        }
        let waker = state.waker.take();
        drop(state);
        discard(waker);
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.end(Phase::Ended);
    }
}

impl<F: Future> FusedFuture for WithinDeadline<F> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<F> fmt::Debug for WithinDeadline<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithinDeadline")
            .field("deadline", &self.scope.0)
            .finish_non_exhaustive()
    }
}
