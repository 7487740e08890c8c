//! Bodies, that of a request and that of an answer.

use super::error::{Error, Kind};
use super::pool::Lease;
use crate::time::{Instant, Sleep, sleep_until};
use bytes::Bytes;
use filch_executor::leaf;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a request carries: nothing, bytes, or any stream of `http_body`.
///
/// Bytes can be sent again, after a redirect or a broken connection. A stream cannot.
pub struct Body {
    inner: Inner,
    progress: Option<Arc<Progress>>,
}

enum Inner {
    Bytes(Full<Bytes>, Bytes),
    Stream(UnsyncBoxBody<Bytes, BoxError>),
}

/// How far a body has been taken: the answer's time runs from there.
#[derive(Debug, Default)]
pub(super) struct Progress {
    frames: AtomicU64,
    is_done: AtomicBool,
}

// Orderings: counts that a timer looks at; no other memory goes with them.
impl Progress {
    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_done.load(Relaxed)
    }
}

impl Body {
    /// Nothing.
    pub fn empty() -> Body {
        Body::from(Bytes::new())
    }

    /// Any body of `http_body`. It is sent once: no redirect and no broken connection brings it back.
    pub fn stream<B>(body: B) -> Body
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Body::empty();
        }
        Body {
            inner: Inner::Stream(body.map_err(Into::into).boxed_unsync()),
            progress: None,
        }
    }

    /// The same once more, if that can be had.
    pub(super) fn again(&self) -> Option<Body> {
        match &self.inner {
            Inner::Bytes(_, bytes) => Some(Body::from(bytes.clone())),
            Inner::Stream(_) => None,
        }
    }

    pub(super) fn watched(mut self) -> (Body, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        progress.is_done.store(self.is_end_stream(), Relaxed);
        self.progress = Some(Arc::clone(&progress));
        (self, progress)
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Body {
        let bytes = bytes.into();
        Body {
            inner: Inner::Bytes(Full::new(bytes.clone()), bytes),
            progress: None,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match &mut self.inner {
            Inner::Bytes(full, _) => ready!(Pin::new(full).poll_frame(cx)).map(|f| Ok(f?)),
            Inner::Stream(stream) => ready!(Pin::new(stream).poll_frame(cx)),
        };
        if let Some(progress) = &self.progress {
            progress.frames.fetch_add(1, Relaxed);
            let is_done = frame.is_none() || self.is_end_stream();
            progress.is_done.store(is_done, Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Bytes(full, _) => full.is_end_stream(),
            Inner::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Bytes(full, _) => full.size_hint(),
            Inner::Stream(stream) => stream.size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = HttpBody::size_hint(self).exact();
        f.debug_struct("Body")
            .field("size", &size)
            .finish_non_exhaustive()
    }
}

/// What an answer carries, as a body of `http_body`: [`Response::into_body`](super::Response::into_body).
///
/// When it has been read to its end, its connection is free for the next request. Dropped before, it closes it.
pub struct Incoming {
    inner: hyper::body::Incoming,
    lease: Option<Lease>,
    stall: Option<(Duration, Sleep)>,
    deadline: Option<Sleep>,
}

impl Incoming {
    pub(super) fn new(
        inner: hyper::body::Incoming,
        lease: Lease,
        stall: Option<Duration>,
    ) -> Incoming {
        let stall = stall.map(|limit| (limit, sleep_until(Instant::now().saturating_add(limit))));
        let mut body = Incoming {
            inner,
            lease: Some(lease),
            stall,
            deadline: None,
        };
        if body.inner.is_end_stream() {
            body.give_back();
        }
        body
    }

    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = Some(sleep_until(deadline));
    }

    fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }

    /// Pending, unless a limit of time has passed.
    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if self
            .deadline
            .as_mut()
            .is_some_and(|at| Pin::new(at).poll(cx).is_ready())
        {
            return Poll::Ready(Error::new(
                Kind::Timeout,
                "the answer took longer than the whole may",
            ));
        }
        let Some((limit, sleep)) = &mut self.stall else {
            return Poll::Pending;
        };
        ready!(Pin::new(sleep).poll(cx));
        let what = format!("nothing came of the answer's body for {limit:?}");
        Poll::Ready(Error::new(Kind::BodyTimeout, what))
    }
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        ready!(leaf::poll_budget_of(&*self, cx));
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            return self.poll_limits(cx).map(|error| Some(Err(error)));
        };
        if let Some((limit, sleep)) = &mut self.stall {
            sleep.reset(Instant::now().saturating_add(*limit));
        }
        if matches!(frame, None | Some(Ok(_))) && self.inner.is_end_stream() || frame.is_none() {
            self.give_back();
        }
        Poll::Ready(frame.map(|frame| {
            frame
                .map_err(|error| Error::because(Kind::Broken, "the answer's body broke off", error))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}
