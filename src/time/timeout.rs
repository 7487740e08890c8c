//! `timeout`, `timeout_at`, and the error of a future that took too long.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use filch_executor::leaf::Drain;
use filch_executor::{Handle, Timer, leaf};
use filch_timer::Instant;
use futures_core::FusedFuture;
use pin_project_lite::pin_project;

/// Waits for `future`, for at most `duration`, and then drops it.
///
/// The time counts from this call on, when it is made inside a runtime. Outside of one there is nobody yet to keep the
/// time, and it counts from the moment when the future, first polled, is found not to be ready.
///
/// The future is polled before the time is looked at, so one that is ready wins, even with a duration of zero. A
/// duration that is too long for the clock, which takes centuries, means [`Instant::FAR_FUTURE`].
///
/// # Errors
///
/// [`Elapsed`] if the time has passed before the future is ready.
///
/// # Panics
///
/// When it is polled outside a runtime and the future is not ready; and when the future panics.
///
/// # Cancel safety
///
/// Dropping it drops the future, and so it is exactly as cancel safe as the future is. The same happens when the time
/// has passed.
///
/// If the future holds tasks of its own, in a gather or a group, these are cancelled with it, and `timeout` returns
/// when they are gone: late, by as long as they take. Dumps say so of the task meanwhile.
///
/// # Examples
///
/// ```
/// use filch::time::{Elapsed, sleep, timeout};
/// use std::time::Duration;
///
/// # filch::run(async {
/// let slow = sleep(Duration::from_secs(60));
/// assert_eq!(timeout(Duration::from_millis(2), slow).await, Err(Elapsed));
///
/// let quick = async { 7 };
/// assert_eq!(timeout(Duration::from_millis(2), quick).await, Ok(7));
/// # });
/// ```
#[track_caller]
#[inline]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout {
        future: Some(future.into_future()),
        drain: Drain::new(),
        limit: Limit::of(duration, Location::caller()),
        over: false,
    }
}

/// Waits for `future` until `deadline` at most, and then drops it. In all else it is [`timeout`].
///
/// # Errors
///
/// [`Elapsed`] if the deadline has passed before the future is ready.
///
/// # Panics
///
/// When it is polled outside a runtime and the future is not ready; and when the future panics.
///
/// # Cancel safety
///
/// As for [`timeout`].
///
/// # Examples
///
/// Several steps under one deadline:
///
/// ```
/// use filch::time::{Elapsed, Instant, sleep, timeout_at};
/// use std::time::Duration;
///
/// # filch::run(async {
/// let deadline = Instant::now() + Duration::from_millis(10);
/// let first = timeout_at(deadline, async { "quick" }).await;
/// let second = timeout_at(deadline, sleep(Duration::from_secs(60))).await;
/// assert_eq!((first, second), (Ok("quick"), Err(Elapsed)));
/// # });
/// ```
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout {
        future: Some(future.into_future()),
        drain: Drain::new(),
        limit: Limit::Running(Timer::new(deadline, Location::caller())),
        over: false,
    }
}

pin_project! {
    /// The future of [`timeout`], [`timeout_at`] and [`FutureExt::timeout`](crate::time::FutureExt::timeout).
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Timeout<F> {
        // Gone when the time has passed.
        #[pin]
        future: Option<F>,
        drain: Drain,
        limit: Limit,
        over: bool,
    }
}

/// Why there is no future to be looked at.
const DROPPED: &str = "the time limit has passed, and the future was dropped";

/// The time limit: not started yet, or running.
#[derive(Debug)]
enum Limit {
    Ahead(Duration, &'static Location<'static>),
    Running(Timer),
}

impl<F> Timeout<F> {
    /// When the time has passed; if it does not run yet, when it will have passed if it starts now.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        match &self.limit {
            Limit::Ahead(duration, _) => Instant::now().saturating_add(*duration),
            Limit::Running(timer) => timer.deadline(),
        }
    }

    /// The future that is waited for.
    ///
    /// # Panics
    /// When the time has passed: the future is dropped then.
    #[must_use]
    #[track_caller]
    pub fn get_ref(&self) -> &F {
        self.future.as_ref().expect(DROPPED)
    }

    /// The future that is waited for.
    ///
    /// # Panics
    /// When the time has passed: the future is dropped then.
    #[must_use]
    #[track_caller]
    pub fn get_mut(&mut self) -> &mut F {
        self.future.as_mut().expect(DROPPED)
    }

    /// The future alone, without its time limit.
    ///
    /// # Panics
    /// When the time has passed: the future is dropped then.
    #[must_use]
    #[track_caller]
    pub fn into_inner(self) -> F {
        self.future.expect(DROPPED)
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(future) = this.future.as_mut().as_pin_mut() {
            if !this.limit.is_waited_for() {
                // What is ready at once may have spent nothing, and a loop over such has to yield.
                ready!(leaf::poll_budget_of(this.limit, cx));
            }
            if let Poll::Ready(output) = future.poll(cx) {
                *this.over = true;
                return Poll::Ready(Ok(output));
            }
            ready!(this.limit.poll(cx));
            this.drain.catch(|| this.future.set(None));
        }
        // It was dropped because the time has passed.
        ready!(this.drain.poll(cx));
        *this.over = true;
        Poll::Ready(Err(Elapsed))
    }
}

impl<F: Future> FusedFuture for Timeout<F> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Limit {
    /// Runs from now on, if there is a runtime.
    #[inline]
    fn of(duration: Duration, at: &'static Location<'static>) -> Limit {
        match deadline_from_now(duration) {
            Some(deadline) => Limit::Running(Timer::new(deadline, at)),
            None => Limit::Ahead(duration, at),
        }
    }

    /// Whether the future was polled and not ready.
    fn is_waited_for(&self) -> bool {
        matches!(self, Limit::Running(timer) if timer.is_waited_for())
    }

    /// Looks whether the time has passed, without spending budget: a future that always finds something to do uses up
    /// the budget of every poll, and the time limit holds for it too.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Elapsed> {
        if let Limit::Ahead(duration, at) = *self {
            *self = Limit::Running(Timer::new(Instant::now().saturating_add(duration), at));
        }
        match self {
            Limit::Running(timer) => timer.poll_as_limit(cx).map(|()| Elapsed),
            Limit::Ahead(..) => unreachable!("it has just been started"),
        }
    }
}

/// `None`: there is no runtime here.
fn deadline_from_now(duration: Duration) -> Option<Instant> {
    // Nearly always in a task, which is quickly told.
    let is_inside = leaf::task_id().is_some() || Handle::try_current().is_ok();
    is_inside.then(|| Instant::now().saturating_add(duration))
}

/// The error of a [`timeout`]: the time has passed before the future was ready.
///
/// It becomes an [`io::Error`] of the kind [`TimedOut`](io::ErrorKind::TimedOut), so `?` works in a function that does
/// I/O:
///
/// ```
/// use filch::time::timeout;
/// use std::future::Future;
/// use std::io;
/// use std::time::Duration;
///
/// async fn within_a_second<T>(read: impl Future<Output = io::Result<T>>) -> io::Result<T> {
///     timeout(Duration::from_secs(1), read).await?
/// }
/// # filch::run(async { within_a_second(async { Ok(()) }).await.unwrap() });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time limit has passed before the operation was finished")
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}
