//! One connection of a server, and what is counted of all.

use pin_project_lite::pin_project;
use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// What a server has done, when it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Connections that were accepted: the sum of the others.
    pub accepted: u64,
    /// Those whose handlers have ended well.
    pub finished: u64,
    /// Those whose handlers returned an error.
    pub failed: u64,
    /// Those whose handlers panicked.
    pub panicked: u64,
    /// Those that were cut off, since the grace time was over.
    pub cancelled: u64,
}

/// What went wrong while a server went on: see [`Serve::on_error`](crate::net::Serve::on_error).
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// Nothing could be accepted, for want of descriptors mostly. The next attempt is made after the pause.
    Accept {
        /// What the system said.
        error: io::Error,
        /// How long nothing is accepted.
        pause: Duration,
    },
    /// A handler has returned this error.
    Handler(Box<dyn Error + Send + Sync>),
}

/// What a handler may return: `()`, or a `Result` whose error is counted, and told to
/// [`on_error`](crate::net::Serve::on_error).
pub trait ServeOutput: Send + 'static {
    /// The error, if there is one.
    fn into_failure(self) -> Option<Box<dyn Error + Send + Sync>>;
}

impl ServeOutput for () {
    fn into_failure(self) -> Option<Box<dyn Error + Send + Sync>> {
        None
    }
}

impl<T, E> ServeOutput for Result<T, E>
where
    T: Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
{
    fn into_failure(self) -> Option<Box<dyn Error + Send + Sync>> {
        self.err().map(Into::into)
    }
}

pub(super) type OnError = Arc<dyn Fn(ServeError) + Send + Sync>;

/// Counts, each under no lock. Whoever adds them up has seen the end of every connection, under its group's lock.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    finished: AtomicU64,
    failed: AtomicU64,
    panicked: AtomicU64,
    cancelled: AtomicU64,
}

impl Numbers {
    pub(super) fn sum(&self) -> Served {
        let [finished, failed, panicked, cancelled] = [
            self.finished.load(Relaxed),
            self.failed.load(Relaxed),
            self.panicked.load(Relaxed),
            self.cancelled.load(Relaxed),
        ];
        Served {
            accepted: finished + failed + panicked + cancelled,
            finished,
            failed,
            panicked,
            cancelled,
        }
    }
}

pin_project! {
    /// A connection's future, which is counted at its end.
    pub(super) struct Connection<F> {
        #[pin]
        future: F,
        on_error: Option<OnError>,
        // Last: dropped after the future.
        tally: Tally,
    }
}

impl<F> Connection<F> {
    pub(super) fn new(
        future: F,
        numbers: Arc<Numbers>,
        on_error: Option<OnError>,
    ) -> Connection<F> {
        Connection {
            future,
            on_error,
            tally: Tally {
                numbers,
                stage: Stage::Waiting,
            },
        }
    }
}

impl<F> Future for Connection<F>
where
    F: Future,
    F::Output: ServeOutput,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.tally.stage = Stage::Polled;
        let polled = this.future.poll(cx);
        this.tally.stage = match polled {
            Poll::Pending => Stage::Waiting,
            Poll::Ready(_) => Stage::Polled,
        };
        match ready!(polled).into_failure() {
            None => this.tally.stage = Stage::Finished,
            Some(error) => {
                if let Some(on_error) = this.on_error {
                    on_error(ServeError::Handler(error));
                }
                this.tally.stage = Stage::Failed;
            }
        }
        Poll::Ready(())
    }
}

struct Tally {
    numbers: Arc<Numbers>,
    stage: Stage,
}

#[derive(Clone, Copy)]
enum Stage {
    Waiting,
    /// It is being polled, or has panicked in that.
    Polled,
    Finished,
    Failed,
}

impl Drop for Tally {
    fn drop(&mut self) {
        let number = match self.stage {
            Stage::Waiting => &self.numbers.cancelled,
            Stage::Polled => &self.numbers.panicked,
            Stage::Finished => &self.numbers.finished,
            Stage::Failed => &self.numbers.failed,
        };
        number.fetch_add(1, Relaxed);
    }
}
