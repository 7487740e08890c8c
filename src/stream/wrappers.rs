//! Streams of what is none: tokio-stream's names.
//!
//! ```
//! use filch::stream::{StreamExt, wrappers::IntervalStream};
//! use filch::time::interval;
//! use std::time::Duration;
//!
//! # filch::run(async {
//! let ticks = IntervalStream::new(interval(Duration::from_millis(1)));
//! assert_eq!(ticks.take(3).count().await, 3);
//! # });
//! ```

mod around;
mod channels;

pub use around::{JoinSetStream, LinesStream, ReadDirStream, SignalStream, SplitStream};
pub use channels::{BroadcastStream, BroadcastStreamRecvError, WatchStream};

use crate::sync::mpsc::Receiver;
use crate::time::{Instant, Interval};
use futures_core::{FusedStream, Stream};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The ticks of an interval. It never ends.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct IntervalStream {
    inner: Interval,
}

impl IntervalStream {
    /// Takes an interval.
    pub fn new(interval: Interval) -> IntervalStream {
        IntervalStream { inner: interval }
    }

    /// The interval alone.
    pub fn into_inner(self) -> Interval {
        self.inner
    }
}

impl Stream for IntervalStream {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.inner.poll_tick(cx).map(Some)
    }
}

impl FusedStream for IntervalStream {
    /// Never.
    fn is_terminated(&self) -> bool {
        false
    }
}

/// What a channel receives. A [`Receiver`] is a stream itself; this is for programs that have wrapped tokio's.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct ReceiverStream<T> {
    inner: Receiver<T>,
}

/// The same for a channel without a bound, whose receiver is of the same type.
pub type UnboundedReceiverStream<T> = ReceiverStream<T>;

impl<T> ReceiverStream<T> {
    /// Takes a receiver.
    pub fn new(receiver: Receiver<T>) -> ReceiverStream<T> {
        ReceiverStream { inner: receiver }
    }

    /// The receiver alone.
    pub fn into_inner(self) -> Receiver<T> {
        self.inner
    }

    /// Closes the channel: what was sent before still comes.
    pub fn close(&mut self) {
        self.inner.close();
    }
}

impl<T> Stream for ReceiverStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.inner).poll_next(cx)
    }
}

impl<T> FusedStream for ReceiverStream<T> {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}

impl<T> AsRef<Receiver<T>> for ReceiverStream<T> {
    fn as_ref(&self) -> &Receiver<T> {
        &self.inner
    }
}

pub mod errors {
    //! Errors, where tokio-stream has them.

    pub use super::BroadcastStreamRecvError;
}

#[cfg(feature = "net")]
pub use listeners::*;

#[cfg(feature = "net")]
mod listeners {
    use super::*;
    use std::io;

    /// A stream of the connections of a listener that it owns.
    macro_rules! listeners {
        ($($name:ident: $listener:ident => $stream:ident;)*) => {$(
            /// The connections of a listener that this owns. It never ends; errors are items, as of `incoming()`, which
            /// borrows the listener.
            #[derive(Debug)]
            #[must_use = "streams do nothing unless polled"]
            pub struct $name {
                inner: crate::net::$listener,
            }

            impl $name {
                /// Takes a listener.
                pub fn new(listener: crate::net::$listener) -> $name {
                    $name { inner: listener }
                }

                /// The listener alone.
                pub fn into_inner(self) -> crate::net::$listener {
                    self.inner
                }
            }

            impl Stream for $name {
                type Item = io::Result<crate::net::$stream>;

                fn poll_next(
                    self: Pin<&mut Self>,
                    cx: &mut Context<'_>,
                ) -> Poll<Option<Self::Item>> {
                    let found = self.inner.poll_accept(cx);
                    found.map(|found| Some(found.map(|(stream, _)| stream)))
                }
            }

            impl FusedStream for $name {
                /// Never.
                fn is_terminated(&self) -> bool {
                    false
                }
            }
        )*};
    }

    listeners! { TcpListenerStream: TcpListener => TcpStream; }

    #[cfg(unix)]
    listeners! { UnixListenerStream: UnixListener => UnixStream; }
}
