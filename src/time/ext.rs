//! Time for any future, as a method.

use std::future::Future;
use std::time::Duration;

use crate::time::{Timeout, timeout};

/// Methods that filch adds to every future.
pub trait FutureExt: Future {
    /// The same as [`timeout(duration, self)`](timeout): waits for this future, for at most `duration` from this call
    /// on.
    ///
    /// # Errors
    ///
    /// [`Elapsed`](crate::time::Elapsed) if the time has passed before the future is ready.
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
    /// ```
    /// use filch::time::{Elapsed, FutureExt, sleep};
    /// use std::time::Duration;
    ///
    /// # filch::run(async {
    /// let nap = sleep(Duration::from_secs(60));
    /// assert_eq!(nap.timeout(Duration::from_millis(2)).await, Err(Elapsed));
    /// # });
    /// ```
    #[track_caller]
    fn timeout(self, duration: Duration) -> Timeout<Self>
    where
        Self: Sized,
    {
        timeout(duration, self)
    }
}

impl<F: Future + ?Sized> FutureExt for F {}
