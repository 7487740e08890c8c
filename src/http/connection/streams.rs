//! The tasks of HTTP/2's streams.

use crate::http::exchange::Exchange;
use crate::structure::Apart;
use crate::time::{Duration, Sleep, sleep};
use filch_executor::TaskId;
use filch_executor::leaf::task_id;
use parking_lot::Mutex;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// The request that was called last. hyper spawns its stream's task right after that, in the same poll.
#[derive(Clone, Default)]
pub(super) struct Latest(Arc<Mutex<Option<Called>>>);

struct Called {
    by: Option<TaskId>,
    exchange: Arc<Exchange>,
}

impl Latest {
    pub(super) fn put(&self, exchange: &Arc<Exchange>) {
        *self.0.lock() = Some(Called {
            by: task_id(),
            exchange: Arc::clone(exchange),
        });
    }

    /// Others' tasks spawn as well: an upgraded stream does, and is none of these.
    fn take(&self) -> Option<Arc<Exchange>> {
        let mut latest = self.0.lock();
        let called = latest.take_if(|called| called.by == task_id())?;
        Some(called.exchange)
    }
}

/// Spawns the tasks of one connection's streams, in a group.
#[derive(Clone)]
pub(super) struct Streams {
    pub(super) group: Apart,
    pub(super) latest: Latest,
    pub(super) stall: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, future: F) {
        let stream = StreamTask {
            future,
            exchange: self.latest.take(),
            stall: self.stall,
            waits: None,
        };
        self.group.spawn(None, stream);
    }
}

pin_project! {
    /// A stream, which ends when its client does not take the answer's next piece in time.
    struct StreamTask<F> {
        #[pin]
        future: F,
        exchange: Option<Arc<Exchange>>,
        stall: Duration,
        // For which piece, and how long yet.
        waits: Option<(usize, Sleep)>,
    }
}

impl<F: Future<Output = ()>> Future for StreamTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.future.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(exchange) = this.exchange else {
            return Poll::Pending;
        };
        // hyper asks for the next piece as soon as the client has room for one.
        let Some(piece) = exchange.given() else {
            *this.waits = None;
            return Poll::Pending;
        };
        if !matches!(this.waits, Some((last, _)) if *last == piece) {
            *this.waits = Some((piece, sleep(*this.stall)));
        }
        let (_, timer) = this.waits.as_mut().expect("it was set");
        ready!(Pin::new(timer).poll(cx));
        exchange.is_cut_off();
        Poll::Ready(())
    }
}
