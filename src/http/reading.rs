//! A request's body on its way to the handler, and the limits on it.

use super::error::BodyError;
use super::limits::Limits;
use crate::time::{Duration, Sleep, sleep};
use hyper::body::{Body, Bytes, Frame, Incoming};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What watches the body of a request.
pub(super) struct Reading {
    stall: Duration,
    /// While the next piece is waited for.
    timer: Option<Sleep>,
}

impl Reading {
    pub(super) fn new(limits: &Limits) -> Reading {
        Reading {
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
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::other)));
        }
        let timer = self.timer.get_or_insert_with(|| sleep(self.stall));
        ready!(Pin::new(timer).poll(cx));
        Poll::Ready(Some(Err(BodyError::timed_out())))
    }
}
