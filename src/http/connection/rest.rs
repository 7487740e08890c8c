//! What a handler has not read of its request's body, over HTTP/1.
//!
//! The next request stands behind it. Whoever sends a body does not expect that its answer ends the connection, and may
//! have sent only the head when a handler answers that looks at no body: a 404, say. So a small rest is read before the
//! answer goes, as Go's server does; behind a large one, or one that does not come, the connection ends, and the answer
//! says so.

use crate::http::exchange::Exchange;
use crate::time::{Duration, Sleep, sleep};
use filch_executor::foreign;
use hyper::body::{Body, Incoming};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// So many bytes are read that nobody wants.
const SMALL: u64 = 64 * 1024;

/// hyper hands over what has come already when it is polled again after it was asked for that.
const TURNS: u8 = 2;

/// A rest that may be small.
pub(super) struct Rest {
    exchange: Arc<Exchange>,
    body: Incoming,
    /// How much more of it may come.
    left: u64,
    patience: Patience,
}

/// How long it is waited for.
enum Patience {
    Until(Sleep),
    /// Of unknown length, it is not waited for: its client may wait for the answer. What has come already is read, and
    /// so many turns are left for the next piece of that.
    Turns(u8),
}

impl Rest {
    /// `None`: it is known to be large.
    pub(super) fn new(exchange: Arc<Exchange>, body: Incoming, wait: Duration) -> Option<Rest> {
        let length = body.size_hint().exact();
        (length.unwrap_or(0) <= SMALL).then(|| Rest {
            exchange,
            body,
            left: SMALL,
            patience: match length {
                Some(_) => Patience::Until(sleep(wait)),
                None => Patience::Turns(TURNS),
            },
        })
    }
}

impl Future for Rest {
    type Output = ();

    /// Ready when there is no more of it, or too much, or it does not come.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        while let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            let Some(Ok(frame)) = frame else {
                if frame.is_none() {
                    this.exchange.is_read();
                }
                return Poll::Ready(());
            };
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            match this.left.checked_sub(length) {
                Some(left) => this.left = left,
                None => return Poll::Ready(()),
            }
            if let Patience::Turns(turns) = &mut this.patience {
                *turns = TURNS;
            }
        }
        match &mut this.patience {
            Patience::Until(late) => Pin::new(late).poll(cx),
            Patience::Turns(0) => Poll::Ready(()),
            Patience::Turns(turns) => {
                *turns -= 1;
                foreign::wake_by_ref(cx.waker());
                Poll::Pending
            }
        }
    }
}
