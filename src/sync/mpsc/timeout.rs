//! Sending within a time.

use super::sender::{Send, Sender};
use crate::sync::error::SendTimeoutError;
use crate::time::{Sleep, sleep};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

impl<T> Sender<T> {
    /// As [`send`](Sender::send), but waits no longer than `duration` from the call on, and gives the value back then.
    ///
    /// # Errors
    /// [`SendTimeoutError`] with the value, if the time was over first, or the channel is or gets closed.
    ///
    /// # Panics
    /// When it is polled and has to wait outside a filch runtime.
    ///
    /// # Cancel safety
    /// As [`send`](Sender::send).
    ///
    /// ```
    /// use filch::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// # filch::run(async {
    /// let (sender, _receiver) = mpsc::channel(1);
    /// sender.send_timeout(1, Duration::from_secs(1)).await.unwrap();
    /// let error = sender.send_timeout(2, Duration::from_millis(1)).await.unwrap_err();
    /// assert_eq!(error, mpsc::SendTimeoutError::Timeout(2));
    /// # });
    /// ```
    #[track_caller]
    pub fn send_timeout(&self, value: T, duration: Duration) -> SendTimeout<'_, T> {
        SendTimeout {
            send: self.send(value),
            limit: sleep(duration),
            over: false,
        }
    }
}

pin_project! {
    /// The future of [`Sender::send_timeout`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct SendTimeout<'a, T> {
        #[pin]
        send: Send<'a, T>,
        #[pin]
        limit: Sleep,
        over: bool,
    }
}

impl<T> Future for SendTimeout<'_, T> {
    type Output = Result<(), SendTimeoutError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let sent = match this.send.as_mut().poll(cx) {
            Poll::Ready(sent) => sent.map_err(|error| SendTimeoutError::Closed(error.0)),
            Poll::Pending => {
                ready!(this.limit.poll(cx));
                let value = this.send.take_value();
                Err(SendTimeoutError::Timeout(value.expect("it was not sent")))
            }
        };
        *this.over = true;
        Poll::Ready(sent)
    }
}

impl<T> FusedFuture for SendTimeout<'_, T> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<T> fmt::Debug for SendTimeout<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendTimeout").finish_non_exhaustive()
    }
}
