//! Time for any stream, as methods.

use super::throttle::Throttle;
use super::timeout::TimeoutStream;
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
}

impl<S: Stream + ?Sized> StreamTimeExt for S {}
