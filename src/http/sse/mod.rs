//! Server-sent events: a stream of [`Event`]s as an answer's body, with comments in between so that nobody on the way
//! takes the connection for dead.
//!
//! ```no_run
//! use filch::http::sse::{Event, Sse};
//! use filch::http::{Body, Request, Response};
//! use filch::stream::{StreamExt, wrappers::IntervalStream};
//! use std::convert::Infallible;
//! use std::time::Duration;
//!
//! async fn ticks(_: Request<Body>) -> Result<Response<Body>, Infallible> {
//!     let ticks = IntervalStream::new(filch::time::interval(Duration::from_secs(1)));
//!     let ticks = ticks.map(|_| Ok::<_, Infallible>(Event::new().data("tick")));
//!     Ok(Sse::new(ticks).into_response().map(Body::new))
//! }
//! # let _ = ticks;
//! ```

mod event;
mod events;

use crate::structure::{CancelToken, UntilCancelled};
use crate::time::{Instant, Sleep, sleep};
pub use event::{Event, EventDataWriter};
pub use events::{Events, Received};
use futures_core::Stream;
use hyper::Response;
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Between two signs of life where nothing else is sent. Proxies mostly wait for 60 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pin_project! {
    /// A stream of events, as the body of an answer.
    ///
    /// While the stream is silent a comment is sent every 15 seconds, which clients pass over: see [`KeepAlive`]. An
    /// error of the stream ends it, and cuts the answer off.
    #[must_use = "it is the body of an answer"]
    pub struct Sse<S> {
        #[pin]
        stream: S,
        keep_alive: Option<Beat>,
        // Boxed, so that the body may be moved if its stream may.
        stop: Option<Pin<Box<UntilCancelled<CancelToken>>>>,
    }
}

impl<S> Sse<S> {
    /// Sends what comes of `stream`.
    #[track_caller]
    pub fn new<E>(stream: S) -> Sse<S>
    where
        S: Stream<Item = Result<Event, E>>,
    {
        let keep_alive = Some(Beat::new(KeepAlive::default()));
        Sse {
            stream,
            keep_alive,
            stop: None,
        }
    }

    /// What is sent while the stream is silent, and how often.
    #[track_caller]
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Sse<S> {
        self.keep_alive = Some(Beat::new(keep_alive));
        self
    }

    /// Sends nothing while the stream is silent. A client that is gone is noticed at the next event then.
    pub fn no_keep_alive(mut self) -> Sse<S> {
        self.keep_alive = None;
        self
    }

    /// Ends when `token` is cancelled: a server's [`stopping`](crate::http::ConnInfo::stopping), which would otherwise
    /// have to cut the stream off at its deadline. The client will connect again, to another process.
    pub fn until(mut self, token: &CancelToken) -> Sse<S> {
        self.stop = Some(Box::pin(token.cancelled()));
        self
    }

    /// An answer with this body: `text/event-stream`, not to be cached.
    pub fn into_response(self) -> Response<Sse<S>> {
        let mut answer = Response::new(self);
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        answer
    }
}

impl<S, E> Body for Sse<S>
where
    S: Stream<Item = Result<Event, E>>,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let this = self.project();
        if let Poll::Ready(event) = this.stream.poll_next(cx) {
            if let Some(beat) = this.keep_alive {
                beat.begin_again();
            }
            return Poll::Ready(
                event.map(|event| event.map(|event| Frame::data(event.into_bytes()))),
            );
        }
        if this
            .stop
            .as_mut()
            .is_some_and(|stop| stop.as_mut().poll(cx).is_ready())
        {
            return Poll::Ready(None);
        }
        match this.keep_alive {
            Some(beat) => beat.poll(cx).map(|sign| Some(Ok(Frame::data(sign)))),
            None => Poll::Pending,
        }
    }
}

impl<S> fmt::Debug for Sse<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sse")
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}

/// What is sent while a stream of events is silent, and how often: an empty comment every 15 seconds by default.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is given to `Sse::keep_alive`"]
pub struct KeepAlive {
    sign: Event,
    every: Duration,
}

impl KeepAlive {
    /// An empty comment every 15 seconds.
    pub fn new() -> KeepAlive {
        KeepAlive {
            sign: Event::DEFAULT_KEEP_ALIVE,
            every: KEEP_ALIVE,
        }
    }

    /// How often.
    pub fn interval(mut self, every: Duration) -> KeepAlive {
        self.every = every;
        self
    }

    /// The comment's text.
    ///
    /// # Panics
    /// If it has a line break.
    #[track_caller]
    pub fn text(self, text: impl AsRef<str>) -> KeepAlive {
        self.event(Event::new().comment(text))
    }

    /// An event instead of a comment, which the client sees.
    pub fn event(mut self, event: Event) -> KeepAlive {
        self.sign = event;
        self
    }
}

impl Default for KeepAlive {
    fn default() -> KeepAlive {
        KeepAlive::new()
    }
}

#[derive(Debug)]
struct Beat {
    sign: Bytes,
    every: Duration,
    timer: Sleep,
}

impl Beat {
    #[track_caller]
    fn new(keep_alive: KeepAlive) -> Beat {
        let KeepAlive { sign, every } = keep_alive;
        Beat {
            sign: sign.into_bytes(),
            every,
            timer: sleep(every),
        }
    }

    /// Moved in place: as a rule a store.
    fn begin_again(&mut self) {
        self.timer.reset(Instant::now().saturating_add(self.every));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        std::task::ready!(Pin::new(&mut self.timer).poll(cx));
        self.begin_again();
        Poll::Ready(self.sign.clone())
    }
}
