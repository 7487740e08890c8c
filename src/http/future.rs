//! Futures of this module that nobody has to name but who keeps one in a struct.

use super::body::Body;
use super::error::BodyError;
use super::waiting::Waiting;
use crate::exclusive::Exclusive;
use crate::io::{DuplexStream, duplex};
use crate::sync::mpsc::future::Reserve;
use filch_executor::leaf::{self, Said, Wait};
use futures_core::FusedFuture;
use hyper::body::{Body as HttpBody, Bytes, Frame};
use std::borrow::BorrowMut;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Asks a body for its pieces, in the name of the line that waits for them.
struct Asking<B> {
    body: Exclusive<B>,
    wait: Wait,
    said: Said,
    is_over: bool,
}

impl<B: BorrowMut<Body>> Asking<B> {
    fn new(body: B, wait: Wait) -> Asking<B> {
        Asking {
            body: Exclusive::new(body),
            wait,
            said: Said::new(),
            is_over: false,
        }
    }

    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        ready!(leaf::poll_budget_of(self, cx));
        assert!(!self.is_over, "it is polled after its end");
        self.said.record(self.wait);
        let body = self.body.get_mut().borrow_mut();
        let piece = ready!(Pin::new(body).poll_frame(cx));
        self.said = Said::new();
        Poll::Ready(piece)
    }

    /// Passes over trailers.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match ready!(self.poll_piece(cx)).map(|piece| piece.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => return Poll::Ready(Some(Ok(data))),
                Some(Ok(Err(_trailers))) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Future of [`Body::frame`].
#[must_use = "futures do nothing unless awaited"]
pub struct NextFrame<'a>(Asking<&'a mut Body>);

impl<'a> NextFrame<'a> {
    pub(super) fn new(body: &'a mut Body, wait: Wait) -> NextFrame<'a> {
        NextFrame(Asking::new(body, wait))
    }
}

impl Future for NextFrame<'_> {
    type Output = Option<Result<Frame<Bytes>, BodyError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let piece = ready!(self.0.poll_piece(cx));
        self.0.is_over = true;
        Poll::Ready(piece)
    }
}

impl FusedFuture for NextFrame<'_> {
    fn is_terminated(&self) -> bool {
        self.0.is_over
    }
}

/// Future of [`Body::data`].
#[must_use = "futures do nothing unless awaited"]
pub struct NextData<'a>(Asking<&'a mut Body>);

impl<'a> NextData<'a> {
    pub(super) fn new(body: &'a mut Body, wait: Wait) -> NextData<'a> {
        NextData(Asking::new(body, wait))
    }
}

impl Future for NextData<'_> {
    type Output = Option<Result<Bytes, BodyError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let data = ready!(self.0.poll_data(cx));
        self.0.is_over = true;
        Poll::Ready(data)
    }
}

impl FusedFuture for NextData<'_> {
    fn is_terminated(&self) -> bool {
        self.0.is_over
    }
}

/// Future of [`Body::bytes`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReadBytes {
    asking: Asking<Body>,
    limit: usize,
    /// A body of one piece, which is the most frequent case, is not copied.
    single: Option<Bytes>,
    all: Vec<u8>,
}

impl ReadBytes {
    pub(super) fn new(body: Body, limit: usize, wait: Wait) -> ReadBytes {
        ReadBytes {
            asking: Asking::new(body, wait),
            limit,
            single: None,
            all: Vec::new(),
        }
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, BodyError>> {
        while let Some(piece) = ready!(self.asking.poll_data(cx)).transpose()? {
            let so_far = self.single.as_ref().map_or(self.all.len(), Bytes::len);
            if piece.len() > self.limit.saturating_sub(so_far) {
                return Poll::Ready(Err(BodyError::too_large()));
            }
            match self.single.take() {
                None if self.all.is_empty() => self.single = Some(piece),
                first => {
                    self.all.extend_from_slice(&first.unwrap_or_default());
                    self.all.extend_from_slice(&piece);
                }
            }
        }
        let all = std::mem::take(&mut self.all);
        Poll::Ready(Ok(self.single.take().unwrap_or_else(|| all.into())))
    }
}

impl Future for ReadBytes {
    type Output = Result<Bytes, BodyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let all = ready!(self.poll_all(cx));
        self.asking.is_over = true;
        // Its sender learns that nobody reads on, though this may be kept.
        *self.asking.body.get_mut() = Body::empty();
        Poll::Ready(all)
    }
}

impl FusedFuture for ReadBytes {
    fn is_terminated(&self) -> bool {
        self.asking.is_over
    }
}

/// Future of [`Body::text`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReadText(ReadBytes);

impl ReadText {
    pub(super) fn new(body: Body, limit: usize, wait: Wait) -> ReadText {
        ReadText(ReadBytes::new(body, limit, wait))
    }
}

impl Future for ReadText {
    type Output = Result<String, BodyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let bytes = ready!(Pin::new(&mut self.0).poll(cx))?;
        Poll::Ready(String::from_utf8(bytes.into()).map_err(BodyError::other))
    }
}

impl FusedFuture for ReadText {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

pin_project_lite::pin_project! {
    /// Future of [`Dialer::connect`](super::Dialer::connect).
    #[must_use = "futures do nothing unless awaited"]
    pub struct Dial<'a> {
        #[pin]
        room: Reserve<'a, DuplexStream>,
        size: usize,
    }
}

impl<'a> Dial<'a> {
    /// A connection is made when the listener has room for it, and each of its directions holds `size` bytes.
    pub(super) fn new(room: Reserve<'a, DuplexStream>, size: usize) -> Dial<'a> {
        Dial { room, size }
    }
}

impl Future for Dial<'_> {
    type Output = io::Result<DuplexStream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let refused = || io::Error::new(io::ErrorKind::ConnectionRefused, "the listener is gone");
        let room = ready!(this.room.poll(cx)).map_err(|_| refused())?;
        let (ours, theirs) = duplex(*this.size);
        room.send(theirs);
        Poll::Ready(Ok(ours))
    }
}

impl FusedFuture for Dial<'_> {
    fn is_terminated(&self) -> bool {
        self.room.is_terminated()
    }
}

/// Future of the methods of a [`TestClient`](super::TestClient).
#[must_use = "futures do nothing unless awaited"]
pub struct TestAnswer<T>(Waiting<'static, io::Result<T>>);

impl<T> TestAnswer<T> {
    pub(super) fn new(
        wait: Wait,
        future: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> TestAnswer<T> {
        TestAnswer(Waiting::new(wait, future))
    }
}

impl<T> Future for TestAnswer<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> FusedFuture for TestAnswer<T> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

macro_rules! debug {
    ($($name:ident $(<$of:tt>)?),*) => {$(
        impl $(<$of>)? fmt::Debug for $name $(<$of>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

debug!(
    NextFrame<'a>,
    NextData<'a>,
    ReadBytes,
    ReadText,
    Dial<'a>,
    TestAnswer<T>
);
