//! A request's body on its way to the handler, and the limits on it.

use super::error::BodyError;
use super::exchange::Exchange;
use super::limits::Limits;
use crate::time::{Duration, Sleep, sleep};
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
}

impl Reading {
    pub(super) fn new(exchange: Arc<Exchange>, two: bool, limits: &Limits) -> Reading {
        Reading {
            exchange,
            two,
            left: limits.body.unwrap_or(u64::MAX),
            stall: limits.stall,
            timer: None,
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        incoming: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) {
            self.timer = None;
            let frame = frame.map(|frame| frame.map_err(BodyError::other));
            return Poll::Ready(frame.map(|frame| self.count(frame?)));
        }
        let timer = self.timer.get_or_insert_with(|| sleep(self.stall));
        ready!(Pin::new(timer).poll(cx));
        self.exchange.has_stalled();
        Poll::Ready(Some(Err(BodyError::timed_out())))
    }

    /// Nobody asks for more of it. Over HTTP/2 its stream's task wants to know whether there would be more.
    pub(super) fn is_left(&self, incoming: &mut Incoming) {
        if !self.two {
            return;
        }
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..PIECES {
            if incoming.is_end_stream() {
                return;
            }
            match Pin::new(&mut *incoming).poll_frame(&mut cx) {
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
