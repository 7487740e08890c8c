//! A request's body on its way to the handler, and the limits on it.

use super::error::BodyError;
use super::exchange::Exchange;
use super::limits::Limits;
use crate::time::{Duration, Sleep, sleep};
use hyper::body::{Body, Bytes, Frame, Incoming};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What watches the body of a request.
pub(super) struct Reading {
    exchange: Arc<Exchange>,
    /// How much more may come.
    left: u64,
    stall: Duration,
    /// While the next piece is waited for.
    timer: Option<Sleep>,
}

impl Reading {
    pub(super) fn new(exchange: Arc<Exchange>, limits: &Limits) -> Reading {
        Reading {
            exchange,
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
