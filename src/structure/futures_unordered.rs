//! A set of futures that run in one task, and whose outputs come as they are ready.
//!
//! The set itself, which polls those that were woken and no other, is that of the crate `futures`. What is added: it
//! spends the task's budget, and each future in it has a record of what it waits for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use filch_executor::leaf::{self, Records, WaitKind};
use futures_core::{FusedStream, Stream};
use futures_util::stream::FuturesUnordered as Set;
use pin_project_lite::pin_project;

/// A set of futures, as a stream of their outputs: the first that is ready comes first.
///
/// All run inside the task that polls the stream, one at a time. Only those that were woken are polled, so a set may be
/// large. Futures can be added at any time with [`push`](FuturesUnordered::push). An empty set is at its end, and goes
/// on when something is added.
///
/// This is `FuturesUnordered` of the crate `futures`, made part of filch: it spends the task's budget, so that a loop
/// over futures that are always ready lets others run. For work that should use several cores spawn each, and put the
/// handles in here, or see [`gather()`](crate::gather()).
///
/// # Cancel safety
/// Dropping the set drops every future in it. `next()` on it may be dropped and called again: no output is lost.
///
/// # Example
/// ```
/// use filch::stream::{FuturesUnordered, StreamExt};
/// use filch::time::{Duration, sleep};
///
/// # filch::run(async {
/// let mut set = FuturesUnordered::new();
/// for ms in [20, 1] {
///     set.push(async move {
///         sleep(Duration::from_millis(ms)).await;
///         ms
///     });
/// }
/// assert_eq!(set.next().await, Some(1));
/// assert_eq!(set.next().await, Some(20));
/// assert_eq!(set.next().await, None);
/// # });
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct FuturesUnordered<F> {
    set: Set<Branch<F>>,
    records: Records<1>,
    /// How many were put in so far.
    count: AtomicUsize,
}

impl<F> FuturesUnordered<F> {
    /// An empty set.
    #[track_caller]
    pub fn new() -> FuturesUnordered<F> {
        FuturesUnordered {
            set: Set::new(),
            records: Records::here(WaitKind::Set),
            count: AtomicUsize::new(0),
        }
    }

    /// Adds a future. It is polled for the first time when the set is.
    pub fn push(&self, future: F) {
        let number = self.count.fetch_add(1, Relaxed);
        self.set.push(Branch {
            future,
            number,
            records: Records::here(WaitKind::Set),
        });
    }

    /// How many futures are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Whether no future is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Drops every future in the set.
    pub fn clear(&mut self) {
        self.set.clear();
    }

    /// The futures in the set, in any order.
    pub fn iter(&self) -> impl Iterator<Item = &F>
    where
        F: Unpin,
    {
        self.set.iter().map(|branch| &branch.future)
    }

    /// Takes the futures out that have had no output so far, in any order.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = F>
    where
        F: Unpin,
    {
        let branches = std::mem::take(&mut self.set);
        branches.into_iter().map(|branch| branch.future)
    }
}

impl<F> Default for FuturesUnordered<F> {
    #[track_caller]
    fn default() -> FuturesUnordered<F> {
        FuturesUnordered::new()
    }
}

impl<F: Future> Stream for FuturesUnordered<F> {
    type Item = F::Output;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let FuturesUnordered { set, records, .. } = &mut *self;
        records.poll_set(|| Pin::new(set).poll_next(cx))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.set.size_hint()
    }
}

impl<F: Future> FusedStream for FuturesUnordered<F> {
    fn is_terminated(&self) -> bool {
        self.set.is_terminated()
    }
}

impl<F> Extend<F> for FuturesUnordered<F> {
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        futures.into_iter().for_each(|future| self.push(future));
    }
}

impl<F> FromIterator<F> for FuturesUnordered<F> {
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> FuturesUnordered<F> {
        let mut set = FuturesUnordered::new();
        set.extend(futures);
        set
    }
}

impl<F> fmt::Debug for FuturesUnordered<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FuturesUnordered")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// A future in a set, with its record.
    struct Branch<F> {
        #[pin]
        future: F,
        number: usize,
        records: Records<1>,
    }
}

impl<F: Future> Future for Branch<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let future = this.future;
        this.records.poll_in_set(*this.number, || future.poll(cx))
    }
}
