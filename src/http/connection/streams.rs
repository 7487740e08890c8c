//! The tasks of HTTP/2's streams.

use super::line::Line;
use crate::http::exchange::Exchange;
use crate::structure::Apart;
use crate::time::{Duration, Sleep, sleep, timeout};
use filch_executor::TaskId;
use filch_executor::leaf::task_id;
use parking_lot::Mutex;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Requests that were polled for the first time, and whose streams' tasks have not seen that.
///
/// hyper makes a stream's task of a request's future, and says of neither which the other is. But the task polls the
/// future, and so the two meet under the task's own name, whenever hyper spawns it.
#[derive(Clone, Default)]
pub(super) struct Begun(Arc<Mutex<Vec<Met>>>);

type Met = (Option<TaskId>, Arc<Exchange>);

impl Begun {
    /// In the request's first poll.
    pub(super) fn put(&self, exchange: Arc<Exchange>) {
        let by = task_id();
        let mut all = self.0.lock();
        all.retain(|(other, _)| *other != by);
        all.push((by, exchange));
    }

    /// After the task's first poll. Other tasks find nothing: an upgraded stream's is none of these.
    fn take(&self) -> Option<Arc<Exchange>> {
        let by = task_id();
        let mut all = self.0.lock();
        let place = all.iter().position(|(other, _)| *other == by)?;
        Some(all.swap_remove(place).1)
    }
}

/// Spawns the tasks of one connection's streams, in a group.
#[derive(Clone)]
pub(super) struct Streams {
    pub(super) group: Apart,
    pub(super) begun: Begun,
    pub(super) line: Arc<Line>,
    pub(super) stall: Duration,
    pub(super) linger: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, future: F) {
        let stream = StreamTask {
            future,
            begun: Some(self.begun.clone()),
            exchange: None,
            line: Arc::clone(&self.line),
            stall: self.stall,
            linger: self.linger,
            waits: None,
            lingers: None,
        };
        self.group.spawn(None, stream);
    }
}

type Lingering = Pin<Box<dyn Future<Output = ()> + Send>>;

pin_project! {
    /// A stream, which ends when its client does not take the answer's next piece in time.
    struct StreamTask<F> {
        #[pin]
        future: F,
        // Until the first poll.
        begun: Option<Begun>,
        exchange: Option<Arc<Exchange>>,
        line: Arc<Line>,
        stall: Duration,
        linger: Duration,
        // For which piece, and how long yet.
        waits: Option<(usize, Sleep)>,
        // It is answered, and its client does not know that yet.
        lingers: Option<Lingering>,
    }
}

impl<F: Future<Output = ()>> Future for StreamTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if let Some(lingering) = this.lingers {
            return lingering.as_mut().poll(cx);
        }
        let polled = this.future.poll(cx);
        if let Some(begun) = this.begun.take() {
            *this.exchange = begun.take();
        }
        let Some(exchange) = this.exchange else {
            return polled;
        };
        if polled.is_ready() {
            if !exchange.is_unread() {
                return polled;
            }
            let lingering = linger(Arc::clone(this.line), *this.linger);
            return this.lingers.insert(Box::pin(lingering)).as_mut().poll(cx);
        }
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

/// Keeps an answered stream for a moment, while its client still sends a body that nobody reads.
///
/// When a stream's future is dropped before its body's end, h2 resets it with `NO_ERROR`, which asks the client to stop
/// and says that the answer stands (RFC 9113, section 8.1). Some clients take any reset for a failure, and do not look
/// at an answer that came together with it. In this moment they see the answer. h2 throws away what they send
/// meanwhile, and gives it back to the connection's window, but not to the stream's: no more comes than that has room
/// for.
async fn linger(line: Arc<Line>, time: Duration) {
    let _ = timeout(time, line.meter.gone.wait()).await;
}
