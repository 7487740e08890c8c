//! The first of many futures: `race`, `wait`, `as_completed`.
//!
//! For numbers that are known only at run time; `select!` and `race!` are for a few. All three are thin: a set polls
//! what was woken.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use filch_executor::leaf::Drain;
use filch_executor::{Timer, leaf};
use filch_timer::Instant;
use futures_core::{FusedFuture, Stream};

use super::futures_unordered::FuturesUnordered;

/// Waits for the first of `futures` inside the calling task, and drops the others.
///
/// They may borrow. Nothing is spawned; for futures that should use several cores, race their handles. With `Result`s
/// an error is an output like any other, and may win. For a few futures of different types see
/// [`race!`](crate::race!), for handlers [`select!`](crate::select!).
///
/// # Returns
/// The output of the future that was ready first, when the others are gone, and tasks that they cancel.
///
/// # Panics
/// This call panics without futures: nothing would ever win. The returned future panics with a future's panic.
///
/// # Cancel safety
/// Dropping the returned future drops every future given. The losers are dropped where they stand.
///
/// # Example
/// ```
/// use filch::time::{Duration, sleep};
///
/// # filch::run(async {
/// let first = filch::race([3600, 0].map(|seconds| async move {
///     sleep(Duration::from_secs(seconds)).await;
///     seconds
/// }));
/// assert_eq!(first.await, 0);
/// # });
/// ```
#[track_caller]
pub fn race<I>(futures: I) -> Race<<I::Item as IntoFuture>::IntoFuture>
where
    I: IntoIterator,
    I::Item: IntoFuture,
{
    let futures = futures.into_iter().map(IntoFuture::into_future);
    // Not collected: that would be called by the standard library, whose line dumps would name.
    let mut set = FuturesUnordered::new();
    set.extend(futures);
    assert!(!set.is_empty(), "a race of no futures would never end");
    Race {
        set,
        won: None,
        drain: Drain::new(),
        over: false,
    }
}

/// The future of [`race()`].
#[must_use = "futures do nothing unless awaited"]
pub struct Race<F: Future> {
    set: FuturesUnordered<F>,
    /// The output, until the losers are gone.
    won: Option<F::Output>,
    /// After the set: dropped with it, it takes what that leaves behind to the next one.
    drain: Drain,
    over: bool,
}

// No output is pinned.
impl<F: Future> Unpin for Race<F> {}

impl<F: Future> Future for Race<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        assert!(!this.over, "a race was polled after its end");
        if this.won.is_none() {
            this.won = ready!(Pin::new(&mut this.set).poll_next(cx));
            this.drain.catch(|| this.set.clear());
        }
        ready!(this.drain.poll(cx));
        this.over = true;
        let won = this.won.take();
        Poll::Ready(won.expect("a race has futures until one has won"))
    }
}

impl<F: Future> FusedFuture for Race<F> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<F: Future> fmt::Debug for Race<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race")
            .field("running", &self.set.len())
            .finish_non_exhaustive()
    }
}

/// The outputs of `futures` as a stream: the first that is ready comes first.
///
/// asyncio's `as_completed`. The futures run inside the task that polls the stream; give it handles of tasks for work
/// that should use several cores. To know which one an output is of, let each future return that too.
///
/// # Cancel safety
/// Dropping the stream drops every future that has not ended; tasks whose handles those are go on. `next()` on it may
/// be dropped and called again.
///
/// # Example
/// ```
/// use filch::stream::StreamExt;
/// use filch::time::{Duration, sleep};
///
/// # filch::run(async {
/// let tasks = [30, 1].map(|ms| filch::spawn(async move {
///     sleep(Duration::from_millis(ms)).await;
///     ms
/// }));
/// let mut done = filch::as_completed(tasks);
/// assert_eq!(done.next().await.unwrap()?, 1);
/// assert_eq!(done.next().await.unwrap()?, 30);
/// assert!(done.next().await.is_none());
/// # Ok::<(), filch::JoinError>(()) }).unwrap();
/// ```
#[track_caller]
pub fn as_completed<I>(futures: I) -> FuturesUnordered<<I::Item as IntoFuture>::IntoFuture>
where
    I: IntoIterator,
    I::Item: IntoFuture,
{
    let mut set = FuturesUnordered::new();
    set.extend(futures.into_iter().map(IntoFuture::into_future));
    set
}

/// When [`wait`] is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// One has ended, in whatever way.
    FirstCompleted,
    /// One has ended with an error, or all have ended.
    FirstError,
    /// All have ended.
    All,
}

/// Waits until some of `handles` have ended, and tells those that have from the others. Cancels nothing.
///
/// asyncio's `wait`, for [`JoinHandle`](crate::JoinHandle)s and every other future of a `Result` that is `Unpin`. They
/// stay whole: those that have not ended are given back, to be waited for again, aborted, or dropped.
///
/// An error is an output that is `Err`. For a handle that is a panic or an abort of its task; a task's own `Result`
/// lies inside of that, so say that its errors count: see [`error_if`](WaitFor::error_if).
///
/// # Returns
/// The outputs of those that have ended and the others as they are, both in the order of `handles`. All that have ended
/// by then are among the first, not only the one that was waited for. Of no handles both are empty.
///
/// # Panics
/// With a future's panic. A task's panic is its handle's error.
///
/// # Cancel safety
/// Dropping the returned future drops the handles, and outputs that have come so far; the tasks go on.
///
/// # Example
/// ```
/// use filch::When;
///
/// # filch::run(async {
/// let quick = filch::spawn(async { 1 });
/// let never = filch::spawn(std::future::pending());
/// let (done, pending) = filch::wait([quick, never], When::FirstCompleted).await;
/// assert_eq!(*done[0].as_ref().unwrap(), 1);
/// for handle in pending {
///     handle.abort();
/// }
/// # });
/// ```
#[track_caller]
pub fn wait<I, T, E>(handles: I, when: When) -> WaitFor<I::Item>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>> + Unpin,
{
    let places = handles.into_iter().enumerate();
    let mut set = FuturesUnordered::new();
    set.extend(places.map(|(place, future)| Placed { place, future }));
    WaitFor {
        set,
        done: Vec::new(),
        when,
        is_error: Result::is_err,
        has_error: false,
        limit: None,
        at: Location::caller(),
        over: false,
    }
}

/// The future of [`wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct WaitFor<F: Future> {
    set: FuturesUnordered<Placed<F>>,
    done: Vec<(usize, F::Output)>,
    when: When,
    is_error: fn(&F::Output) -> bool,
    has_error: bool,
    limit: Option<Timer>,
    at: &'static Location<'static>,
    over: bool,
}

// No output is pinned.
impl<F: Future + Unpin> Unpin for WaitFor<F> {}

impl<F: Future> WaitFor<F> {
    /// Says which outputs [`When::FirstError`] ends with; otherwise those that are `Err`.
    ///
    /// ```
    /// use filch::When;
    ///
    /// # filch::run(async {
    /// let fails = filch::spawn(async { "seven".parse::<u32>() });
    /// let never = filch::spawn(std::future::pending());
    /// let wait = filch::wait([fails, never], When::FirstError);
    /// let (done, pending) = wait.error_if(|output| !matches!(output, Ok(Ok(_)))).await;
    /// assert_eq!((done.len(), pending.len()), (1, 1));
    /// # });
    /// ```
    pub fn error_if(self, is_error: fn(&F::Output) -> bool) -> WaitFor<F> {
        WaitFor { is_error, ..self }
    }

    /// Waits for so long at most, and then gives what there is.
    ///
    /// ```
    /// use filch::{When, time::Duration};
    ///
    /// # filch::run(async {
    /// let never = filch::spawn(std::future::pending::<()>());
    /// let wait = filch::wait([never], When::All).within(Duration::from_millis(1));
    /// let (done, pending) = wait.await;
    /// assert!(done.is_empty());
    /// pending[0].abort();
    /// # });
    /// ```
    pub fn within(self, limit: Duration) -> WaitFor<F> {
        let deadline = Instant::now().saturating_add(limit);
        WaitFor {
            limit: Some(Timer::new(deadline, self.at)),
            ..self
        }
    }

    /// Whether enough have ended, though not all.
    fn is_enough(&self) -> bool {
        match self.when {
            When::FirstCompleted => !self.done.is_empty(),
            When::FirstError => self.has_error,
            When::All => false,
        }
    }

    /// Ends with what there is.
    fn finish(&mut self) -> (Vec<F::Output>, Vec<F>)
    where
        F: Unpin,
    {
        self.over = true;
        let mut done = std::mem::take(&mut self.done);
        done.sort_by_key(|(place, _)| *place);
        let mut pending: Vec<_> = self.set.take().collect();
        pending.sort_by_key(|placed| placed.place);
        (
            done.into_iter().map(|(_, output)| output).collect(),
            pending.into_iter().map(|placed| placed.future).collect(),
        )
    }
}

impl<F: Future + Unpin> Future for WaitFor<F> {
    type Output = (Vec<F::Output>, Vec<F>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        assert!(!this.over, "`wait` was polled after its end");
        if this
            .limit
            .as_ref()
            .is_some_and(|limit| !limit.is_waited_for())
        {
            // Time that is up at once spends nothing, and a loop over such has to yield.
            ready!(leaf::poll_budget_of(&this.limit, cx));
        }
        // All that have ended, even when one would be enough.
        while let Poll::Ready(next) = Pin::new(&mut this.set).poll_next(cx) {
            let Some((place, output)) = next else {
                return Poll::Ready(this.finish());
            };
            this.has_error |= (this.is_error)(&output);
            this.done.push((place, output));
        }
        let is_late = |limit: &mut Timer| limit.poll_as_limit(cx).is_ready();
        if this.is_enough() || this.limit.as_mut().is_some_and(is_late) {
            return Poll::Ready(this.finish());
        }
        Poll::Pending
    }
}

impl<F: Future + Unpin> FusedFuture for WaitFor<F> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<F: Future> fmt::Debug for WaitFor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFor")
            .field("when", &self.when)
            .field("done", &self.done.len())
            .field("pending", &self.set.len())
            .finish_non_exhaustive()
    }
}

/// A future with its place among the others.
struct Placed<F> {
    place: usize,
    future: F,
}

impl<F: Future + Unpin> Future for Placed<F> {
    type Output = (usize, F::Output);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let output = ready!(Pin::new(&mut self.future).poll(cx));
        Poll::Ready((self.place, output))
    }
}
