//! A connection's stream, which tells the meter what goes over it.

use super::line::Line;
use super::meter::Side;
use crate::http::listener::{Transport, source_of};
use filch_reactor::Waiter;
use hyper::rt::{Read, ReadBufCursor, Write};
use parking_lot::Mutex;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Where the stream goes when hyper has no more use for it.
pub(super) type Back<S> = Arc<Mutex<Option<S>>>;

pub(super) struct Watched<S: Transport> {
    /// Until it is given back.
    stream: Option<S>,
    /// What was read before the protocol was known, and how much of it is passed on.
    prefix: Vec<u8>,
    passed: usize,
    line: Arc<Line>,
    back: Back<S>,
    /// The last read found nothing: the next event wakes whoever polls this.
    reading: bool,
    /// For who does not read while a handler is at work, and yet wants to know of a reset.
    waiter: Waiter,
}

impl<S: Transport> Watched<S> {
    pub(super) fn new(stream: S, prefix: Vec<u8>, line: Arc<Line>, back: Back<S>) -> Watched<S> {
        line.meter.has_read(&prefix);
        Watched {
            stream: Some(stream),
            prefix,
            passed: 0,
            line,
            back,
            reading: false,
            waiter: Waiter::default(),
        }
    }

    fn stream(&mut self) -> Pin<&mut S> {
        let stream = self.stream.as_mut();
        Pin::new(stream.expect("it is given back only when this is dropped"))
    }

    fn poll_cut(&self, side: Side, cx: &Context<'_>) -> io::Result<()> {
        if self.line.meter.poll_cut(side, cx) {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the server has ended, and its deadline is over",
            ));
        }
        Ok(())
    }

    /// hyper flushes at the end of each of its polls. It does not read while there is something of a body that its
    /// handler has not asked for, or another request: then a reset would go unseen.
    fn poll_reset(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.reading || !self.line.meter.is_answering() {
            return Ok(());
        }
        let Some(source) = self.stream.as_ref().and_then(source_of) else {
            return Ok(());
        };
        match source.poll_ended(&mut self.waiter, cx) {
            Poll::Ready(ended) => Err(ended
                .err()
                .unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())),
            Poll::Pending => Ok(()),
        }
    }

    fn wrote<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.line.meter.has_written(polled.is_pending());
        polled
    }
}

impl<S: Transport> Read for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_cut(Side::Read, cx)?;
        let this = &mut *self;
        let rest = &this.prefix[this.passed..];
        if !rest.is_empty() {
            let count = rest.len().min(buf.remaining());
            buf.put_slice(&rest[..count]);
            this.passed += count;
            if this.passed == this.prefix.len() {
                (this.prefix, this.passed) = (Vec::new(), 0);
            }
            return Poll::Ready(Ok(()));
        }
        // A cursor lends its memory on, and has the place of what was read afterwards.
        let mut inner = hyper::rt::ReadBuf::uninit(
            // SAFETY: whoever reads writes initialised bytes only.
            unsafe { buf.as_mut() },
        );
        this.reading = true;
        ready!(this.stream().poll_read(cx, inner.unfilled()))?;
        this.reading = false;
        this.line.meter.has_read(inner.filled());
        let count = inner.filled().len();
        // SAFETY: so many were filled.
        unsafe { buf.advance(count) };
        Poll::Ready(Ok(()))
    }
}

impl<S: Transport> Write for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(Side::Write, cx)?;
        let polled = self.stream().poll_write(cx, buf);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_cut(Side::Write, cx)?;
        let polled = self.stream().poll_write_vectored(cx, bufs);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(Write::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(Side::Write, cx)?;
        let polled = self.stream().poll_flush(cx);
        if polled.is_pending() {
            self.line.meter.has_written(true);
            return polled;
        }
        self.poll_reset(cx)?;
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(Side::Write, cx)?;
        self.stream().poll_shutdown(cx)
    }
}

impl<S: Transport> Drop for Watched<S> {
    fn drop(&mut self) {
        if let Some(source) = self.stream.as_ref().and_then(source_of) {
            source.forget(&mut self.waiter);
        }
        if !self.line.meter.is_handed_over() {
            *self.back.lock() = self.stream.take();
        }
        // An upgraded connection is closed first, so that whoever waits for its end finds it closed.
        self.stream = None;
        self.line.meter.gone.set();
    }
}
