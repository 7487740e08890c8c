//! Time for any stream, as methods.

use super::chunks_timeout::ChunksTimeout;
use super::throttle::Throttle;
use super::timeout::TimeoutStream;
use super::timeout_repeating::TimeoutRepeating;
use crate::time::Interval;
use futures_core::Stream;
use std::time::Duration;

/// Methods that filch adds to every stream, beside those of [`StreamExt`](super::StreamExt).
pub trait StreamTimeExt: Stream {
    /// Says `Err(Elapsed)` when the next item does not come within `duration` of the one before, or of the first poll.
    /// Once for each item that is late: the stream goes on, and may still give it.
    ///
    /// ```
    /// use filch::stream::{StreamExt, StreamTimeExt};
    /// use filch::sync::mpsc;
    /// use filch::time::Elapsed;
    /// use std::time::Duration;
    ///
    /// # filch::run(async {
    /// let (sender, numbers) = mpsc::channel(1);
    /// let mut numbers = numbers.timeout(Duration::from_millis(2));
    /// sender.send(1).await.unwrap();
    /// assert_eq!(numbers.next().await, Some(Ok(1)));
    /// assert_eq!(numbers.next().await, Some(Err(Elapsed)));
    /// sender.send(2).await.unwrap();
    /// assert_eq!(numbers.next().await, Some(Ok(2)));
    /// # });
    /// ```
    ///
    /// # Panics
    /// When it is polled outside a runtime and no item is there.
    #[track_caller]
    fn timeout(self, duration: Duration) -> TimeoutStream<Self>
    where
        Self: Sized,
    {
        TimeoutStream::new(self, duration)
    }

    /// Gives at most one item in each `duration`: after an item, the stream is not polled before that has passed.
    ///
    /// ```
    /// use filch::stream::{self, StreamExt, StreamTimeExt};
    /// use filch::time::Instant;
    /// use std::time::Duration;
    ///
    /// # filch::run(async {
    /// let start = Instant::now();
    /// let slowly = stream::iter(["a", "b", "c"]).throttle(Duration::from_millis(2));
    /// assert_eq!(slowly.count().await, 3);
    /// assert!(start.elapsed() >= Duration::from_millis(4));
    /// # });
    /// ```
    ///
    /// # Panics
    /// When it is polled outside a runtime, after the first item.
    #[track_caller]
    fn throttle(self, duration: Duration) -> Throttle<Self>
    where
        Self: Sized,
    {
        Throttle::new(self, duration)
    }

    /// As [`timeout`](StreamTimeExt::timeout), and says `Err(Elapsed)` again on each further tick without an item.
    ///
    /// The interval is yours, with its way to make up for missed ticks; an item begins a new period. The first tick of
    /// [`interval`](crate::time::interval) comes at once: [`interval_at`](crate::time::interval_at) says when.
    ///
    /// ```
    /// use filch::stream::{StreamExt, StreamTimeExt};
    /// use filch::sync::mpsc;
    /// use filch::time::{Duration, Elapsed, Instant, interval_at};
    ///
    /// # filch::run(async {
    /// let (_sender, numbers) = mpsc::channel::<u32>(1);
    /// let step = Duration::from_millis(2);
    /// let late = numbers.timeout_repeating(interval_at(Instant::now() + step, step));
    /// let twice: Vec<_> = late.take(2).collect().await;
    /// assert_eq!(twice, [Err(Elapsed), Err(Elapsed)]);
    /// # });
    /// ```
    ///
    /// # Panics
    /// When it is polled outside a runtime and no item is there.
    fn timeout_repeating(self, interval: Interval) -> TimeoutRepeating<Self>
    where
        Self: Sized,
    {
        TimeoutRepeating::new(self, interval)
    }

    /// Gives items in batches: of `most`, or of what has come within `duration` of a batch's first item.
    ///
    /// ```
    /// use filch::stream::{self, StreamExt, StreamTimeExt};
    /// use std::time::Duration;
    ///
    /// # filch::run(async {
    /// let batches = stream::iter(1..=5).chunks_timeout(2, Duration::from_secs(1));
    /// let batches: Vec<_> = batches.collect().await;
    /// assert_eq!(batches, [vec![1, 2], vec![3, 4], vec![5]]);
    /// # });
    /// ```
    ///
    /// # Panics
    /// If `most` is 0; when it is polled outside a runtime with a batch begun and no item there.
    #[track_caller]
    fn chunks_timeout(self, most: usize, duration: Duration) -> ChunksTimeout<Self>
    where
        Self: Sized,
    {
        ChunksTimeout::new(self, most, duration)
    }
}

impl<S: Stream + ?Sized> StreamTimeExt for S {}
