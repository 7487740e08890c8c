//! The future of a handshake, with its limit of time.

use crate::time::{Sleep, sleep};
use crate::tls::stream::TlsStream;
use filch_executor::leaf;
use futures_core::future::FusedFuture;
use futures_io::{AsyncRead, AsyncWrite};
use rustls::Connection;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long a handshake may take unless something else is asked.
pub(super) const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Future of [`TlsAcceptor::accept`](super::TlsAcceptor::accept) and
/// [`TlsConnector::connect`](super::TlsConnector::connect).
#[must_use = "futures do nothing unless awaited"]
pub struct Handshake<S> {
    state: State<S>,
    limit: Option<Limit>,
}

enum State<S> {
    /// Boxed: a handshake is moved into a task, and its state is large.
    Under(Box<TlsStream<S>>),
    Failed(io::Error),
    Done,
}

struct Limit {
    after: Duration,
    sleep: Sleep,
}

impl<S> Handshake<S> {
    /// The limit counts from now on.
    #[track_caller]
    pub(super) fn new(
        tls: io::Result<Connection>,
        received: Vec<u8>,
        stream: S,
        limit: Option<Duration>,
    ) -> Handshake<S> {
        let state = match tls {
            Ok(tls) => State::Under(Box::new(TlsStream::new(tls, received, stream))),
            Err(error) => State::Failed(error),
        };
        let limit = limit.map(|after| Limit {
            after,
            sleep: sleep(after),
        });
        Handshake { state, limit }
    }
}

impl<S> Handshake<S> {
    /// Waits until it has taken too long.
    fn poll_limit(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(limit) = &mut self.limit else {
            return Poll::Pending;
        };
        let slept = Pin::new(&mut limit.sleep).poll(cx);
        slept.map(|()| too_long(limit.after))
    }
}

// The stream is pinned only while the handshake goes on, and may be moved afterwards: so it must be `Unpin` itself.
impl<S> Unpin for Handshake<S> {}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Handshake<S> {
    type Output = io::Result<TlsStream<S>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let done = match &mut this.state {
            State::Under(stream) => Pin::new(&mut **stream).poll_handshake(cx),
            State::Failed(_) => leaf::poll_budget_of(this, cx).map(Ok),
            State::Done => panic!("a handshake was polled after it was done"),
        };
        let failure = match done {
            Poll::Ready(done) => done.err(),
            Poll::Pending => match this.poll_limit(cx) {
                Poll::Ready(too_long) => Some(too_long),
                Poll::Pending => return Poll::Pending,
            },
        };
        let state = std::mem::replace(&mut this.state, State::Done);
        Poll::Ready(match (state, failure) {
            (_, Some(error)) | (State::Failed(error), None) => Err(error),
            (State::Under(stream), None) => Ok(*stream),
            (State::Done, None) => unreachable!("polled after it was done: see above"),
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> FusedFuture for Handshake<S> {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Done)
    }
}

fn too_long(after: Duration) -> io::Error {
    let what = format!("the TLS handshake was not done within {after:?}");
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S> fmt::Debug for Handshake<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit.as_ref().map(|limit| limit.after);
        f.debug_struct("Handshake")
            .field("limit", &limit)
            .finish_non_exhaustive()
    }
}
