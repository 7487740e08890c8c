//! A request's body on its way to the handler, and the limits on it.

use super::error::BodyError;
use super::exchange::Exchange;
use super::limits::Limits;
use crate::time::{Duration, Sleep, sleep};
use filch_executor::leaf;
use hyper::body::{Body, Bytes, Frame, Incoming};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// So many pieces of a body that nobody wants are looked through for its end. Most have come as one.
const PIECES: usize = 64;

/// What watches the body of a request.
pub(super) struct Reading {
    exchange: Arc<Exchange>,
    /// It comes over HTTP/2.
    two: bool,
    /// How much more may come.
    left: u64,
    stall: Duration,
    /// While the next piece is waited for.
    timer: Option<Sleep>,
    /// Its end was read.
    is_over: bool,
}

impl Reading {
    pub(super) fn new(exchange: Arc<Exchange>, two: bool, limits: &Limits) -> Reading {
        Reading {
            exchange,
            two,
            left: limits.body.unwrap_or(u64::MAX),
            stall: limits.stall,
            timer: None,
            is_over: false,
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        incoming: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        while let Poll::Ready(frame) = Pin::new(&mut *incoming).poll_frame(cx) {
            // Over HTTP/2 a piece may be empty. Whoever sends only such ones sends nothing.
            if matches!(&frame, Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty)) {
                match leaf::poll_budget_of(&*self, cx) {
                    Poll::Ready(()) => continue,
                    Poll::Pending => break,
                }
            }
            self.timer = None;
            self.is_over = frame.is_none();
            let frame = frame.map(|frame| frame.map_err(BodyError::other));
            return Poll::Ready(frame.map(|frame| self.count(frame?)));
        }
        self.poll_stalled(cx)
    }

    fn poll_stalled<T>(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, BodyError>>> {
        let timer = self.timer.get_or_insert_with(|| sleep(self.stall));
        ready!(Pin::new(timer).poll(cx));
        self.exchange.has_stalled();
        Poll::Ready(Some(Err(BodyError::timed_out())))
    }

    /// Nobody asks for more of it. Whoever ends its stream or its connection wants to know whether there would be more.
    pub(super) fn leave(self, mut incoming: Incoming) {
        if self.is_over || incoming.is_end_stream() {
            return;
        }
        if !self.two {
            return self.exchange.leaves(incoming);
        }
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..PIECES {
            if incoming.is_end_stream() {
                return;
            }
            match Pin::new(&mut incoming).poll_frame(&mut cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return,
                Poll::Pending => break,
            }
        }
        self.exchange.stays_unread();
    }

    fn count(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyError> {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        self.exchange.receives(length);
        match self.left.checked_sub(length) {
            Some(left) => self.left = left,
            None => {
                self.exchange.is_too_large();
                return Err(BodyError::too_large());
            }
        }
        Ok(frame)
    }
}
