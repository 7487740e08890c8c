//! Several listeners as one.

use super::{Listener, Open, Transport, source_of};
use crate::http::info::{Facts, Peer};
use filch_reactor::Source;
use hyper::rt::{Read, ReadBufCursor, Write};
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Several listeners as one, of the same kind or not: plain HTTP beside TLS, TCP beside a Unix socket.
///
/// ```no_run
/// # filch::run(async {
/// use filch::http::Several;
/// use filch::net::TcpListener;
///
/// let both = Several::new()
///     .and(TcpListener::bind("127.0.0.1:8000").await?)
///     .and(TcpListener::bind("[::1]:8000").await?);
/// # std::io::Result::Ok(()) });
/// ```
///
/// An error of one is the error of all: the server goes on or ends as if it were alone.
#[derive(Default)]
pub struct Several {
    listeners: Vec<Box<dyn AnyListener>>,
    /// Who is asked first, so that a busy one does not keep the others waiting.
    turn: usize,
}

impl Several {
    /// None yet.
    pub fn new() -> Several {
        Several::default()
    }

    /// And this one.
    pub fn and<L: Listener>(mut self, listener: L) -> Several {
        self.listeners.push(Box::new(listener));
        self
    }
}

impl Listener for Several {
    type Io = SeveralStream;
    type Peer = Peer;
    type Addr = ();

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(SeveralStream, Peer)>> {
        let count = self.listeners.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            if let Poll::Ready(accepted) = self.listeners[index].poll_any(cx) {
                self.turn = (index + 1) % count;
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Several")
            .field("count", &self.listeners.len())
            .finish_non_exhaustive()
    }
}

trait AnyListener: Send {
    fn poll_any(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(SeveralStream, Peer)>>;
}

impl<L: Listener> AnyListener for L {
    fn poll_any(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(SeveralStream, Peer)>> {
        self.poll_accept(cx).map_ok(|(io, peer)| {
            let opening = Box::pin(async move {
                let (stream, facts) = io.open().await?;
                Ok((Box::new(stream) as Box<dyn Erased>, facts))
            });
            (SeveralStream { opening }, peer.into())
        })
    }
}

type Opening = Pin<Box<dyn Future<Output = io::Result<(Box<dyn Erased>, Facts)>> + Send>>;

/// A connection of [`Several`] listeners, whatever it is.
pub struct SeveralStream {
    opening: Opening,
}

impl fmt::Debug for SeveralStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeveralStream").finish_non_exhaustive()
    }
}

impl Open for SeveralStream {
    type Stream = AnyStream;

    async fn open(self) -> io::Result<(AnyStream, Facts)> {
        let (stream, facts) = self.opening.await?;
        Ok((AnyStream(stream), facts))
    }
}

/// A stream of which no more is known.
trait Erased: Read + Write + Unpin + Send + Sync {
    fn source(&self) -> Option<&Source>;
}

impl<T: Transport> Erased for T {
    fn source(&self) -> Option<&Source> {
        source_of(self)
    }
}

/// Any stream.
pub struct AnyStream(Box<dyn Erased>);

impl AnyStream {
    pub(super) fn source(&self) -> Option<&Source> {
        self.0.source()
    }
}

impl fmt::Debug for AnyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyStream").finish_non_exhaustive()
    }
}

impl Read for AnyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buf)
    }
}

impl Write for AnyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write_vectored(cx, bufs)
    }
}
