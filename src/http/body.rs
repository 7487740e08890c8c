//! The body of a request or an answer.

use filch_executor::leaf::{Wait, WaitKind};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::error::{BodyError, BoxError};
use super::future::{NextData, NextFrame, ReadBytes, ReadText};
use super::reading::Reading;

type Boxed = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

/// The body of a request, as handlers of [`serve`](super::serve()) get it, and of an answer, for who has no type of
/// its own for that.
///
/// It is an [`http_body::Body`](hyper::body::Body), so axum's, tower-http's and http-body-util's tools work on it.
///
/// ```
/// # filch::run(async {
/// use filch::http::Body;
///
/// let body = Body::from("hello");
/// assert_eq!(body.bytes(1024).await.unwrap(), "hello");
/// # });
/// ```
#[derive(Default)]
pub struct Body(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Full(Bytes),
    Incoming(Incoming, Option<Reading>),
    Other(Boxed),
}

impl Body {
    /// No bytes at all.
    pub fn empty() -> Body {
        Body::default()
    }

    /// Takes any body.
    pub fn new<B>(body: B) -> Body
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Body(Kind::Other(Box::pin(Plain { body })))
    }

    /// What comes over a connection, watched by its limits.
    pub(super) fn received(incoming: Incoming, reading: Reading) -> Body {
        Body(Kind::Incoming(incoming, Some(reading)))
    }

    /// The next piece: data, or the trailers at the end; `None` after the last.
    ///
    /// # Errors
    /// [`BodyError`].
    ///
    /// # Cancel safety
    /// Cancel safe: a piece is lost only when it was returned.
    #[track_caller]
    pub fn frame(&mut self) -> NextFrame<'_> {
        NextFrame::new(self, Wait::here(WaitKind::Body))
    }

    /// The next bytes; `None` after the last. Trailers are passed over.
    ///
    /// # Errors
    /// [`BodyError`].
    ///
    /// # Cancel safety
    /// Cancel safe, as [`frame`](Self::frame).
    #[track_caller]
    pub fn data(&mut self) -> NextData<'_> {
        NextData::new(self, Wait::here(WaitKind::Body))
    }

    /// All of it, up to `limit` bytes.
    ///
    /// # Errors
    /// [`BodyError`], which [is too large](BodyError::is_too_large) beyond the limit.
    ///
    /// # Cancel safety
    /// Dropping it loses what was read.
    #[track_caller]
    pub fn bytes(self, limit: usize) -> ReadBytes {
        ReadBytes::new(self, limit, Wait::here(WaitKind::Body))
    }

    /// All of it as text, up to `limit` bytes.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and if it is not UTF-8.
    ///
    /// # Cancel safety
    /// Dropping it loses what was read.
    #[track_caller]
    pub fn text(self, limit: usize) -> ReadText {
        ReadText::new(self, limit, Wait::here(WaitKind::Body))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Kind::Incoming(incoming, None) => {
                Pin::new(incoming).poll_frame(cx).map_err(BodyError::other)
            }
            Kind::Incoming(incoming, Some(reading)) => reading.poll_frame(incoming, cx),
            Kind::Other(body) => match ready!(body.as_mut().poll_frame(cx)) {
                Some(Err(error)) => Poll::Ready(Some(Err(BodyError::from_boxed(error)))),
                Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
                None => Poll::Ready(None),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Incoming(incoming, _) => incoming.is_end_stream(),
            Kind::Other(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Incoming(incoming, _) => incoming.size_hint(),
            Kind::Other(body) => body.size_hint(),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Kind::Incoming(incoming, Some(reading)) = std::mem::take(&mut self.0) {
            reading.leave(incoming);
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("size", &self.size_hint())
            .finish_non_exhaustive()
    }
}

/// What a client has received, or whoever has a body of hyper's.
impl From<Incoming> for Body {
    fn from(incoming: Incoming) -> Body {
        Body(Kind::Incoming(incoming, None))
    }
}

macro_rules! full {
    ($($from:ty),*) => {$(
        impl From<$from> for Body {
            fn from(whole: $from) -> Body {
                Body(Kind::Full(Bytes::from(whole)))
            }
        }
    )*};
}

full!(Bytes, String, Vec<u8>, &'static str, &'static [u8]);

impl From<()> for Body {
    fn from((): ()) -> Body {
        Body::empty()
    }
}

pin_project_lite::pin_project! {
    /// A body whose errors are boxed.
    struct Plain<B> {
        #[pin]
        body: B,
    }
}

impl<B> HttpBody for Plain<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(self.project().body.poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
