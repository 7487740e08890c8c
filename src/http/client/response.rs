//! An answer, whose body is still on its way.

use super::answer::{Answer, Chunk};
use super::body::Incoming;
use super::error::{Error, Kind};
use bytes::{Bytes, BytesMut};
use filch_executor::leaf::{Wait, WaitKind};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode, Uri, Version, response::Parts};
use std::fmt;

/// The answer to a request: its head is here, its body is read by one of the methods.
pub struct Response {
    head: Parts,
    body: Incoming,
    url: Uri,
    limit: usize,
}

impl Response {
    pub(super) fn new(answer: http::Response<Incoming>, url: Uri, limit: usize) -> Response {
        let (head, body) = answer.into_parts();
        Response {
            head,
            body,
            url,
            limit,
        }
    }

    /// The status: `200 OK`.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// HTTP/1.1 or HTTP/2.
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// Where the answer comes from, after redirects.
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// How long the body is, if the server has said so.
    pub fn content_length(&self) -> Option<u64> {
        let length = self.head.headers.get(CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    }

    /// Reads a body of at most `bytes` as a whole, instead of the client's
    /// [`body_limit`](super::ClientBuilder::body_limit).
    pub fn limit(mut self, bytes: usize) -> Response {
        self.limit = bytes;
        self
    }

    /// The answer, or an error if its status is one (400 to 599).
    ///
    /// # Errors
    /// [`Kind::Status`].
    pub fn error_for_status(self) -> Result<Response, Error> {
        let status = self.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(Error::new(
                Kind::Status(status),
                format!("{} answered {status}", self.url),
            ));
        }
        Ok(self)
    }

    /// The next piece of the body, or `None` at its end. There is no limit of size.
    ///
    /// # Errors
    /// [`Kind::Broken`], or a limit of time.
    ///
    /// # Cancel safety
    /// Cancel safe: no piece is lost.
    #[track_caller]
    pub fn chunk(&mut self) -> Chunk<'_> {
        Chunk::new(&mut self.body, Wait::here(WaitKind::Body))
    }

    /// The whole body.
    ///
    /// # Errors
    /// [`Kind::TooLarge`] beyond the limit, as soon as it is known; [`Kind::Broken`], or a limit of time.
    ///
    /// # Cancel safety
    /// Dropping it loses what was read, and closes the connection.
    #[track_caller]
    pub fn bytes(self) -> Answer<Bytes> {
        Answer::new(Wait::here(WaitKind::Body), self.collect())
    }

    async fn collect(mut self) -> Result<Bytes, Error> {
        let limit = self.limit;
        let too_large = |url: &Uri| {
            let what = format!("the body of {url} is larger than {limit} bytes");
            Error::new(Kind::TooLarge, what)
        };
        let stated = self.content_length().unwrap_or(0);
        if stated > limit as u64 && !http_body::Body::is_end_stream(&self.body) {
            return Err(too_large(&self.url));
        }
        let mut all = BytesMut::new();
        let mut first = None;
        while let Some(piece) = self.chunk().await? {
            let so_far = first.as_ref().map_or(all.len(), Bytes::len);
            if so_far + piece.len() > limit {
                return Err(too_large(&self.url));
            }
            // A body of one piece is not copied.
            match first.take() {
                None if all.is_empty() => first = Some(piece),
                before => {
                    all.extend_from_slice(&before.unwrap_or_default());
                    all.extend_from_slice(&piece);
                }
            }
        }
        Ok(first.unwrap_or_else(|| all.freeze()))
    }

    /// The whole body as text. ISO 8859-1 is decoded if the server says so; everything else is taken for UTF-8, and
    /// what is none of that becomes U+FFFD.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    ///
    /// # Cancel safety
    /// As [`bytes`](Self::bytes).
    #[track_caller]
    pub fn text(self) -> Answer<String> {
        let kind = self
            .head
            .headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        let is_latin = kind.contains("charset=iso-8859-1") || kind.contains("charset=latin1");
        Answer::new(Wait::here(WaitKind::Body), async move {
            let bytes = self.collect().await?;
            Ok(match is_latin {
                true => bytes.iter().map(|byte| char::from(*byte)).collect(),
                false => String::from_utf8_lossy(&bytes).into_owned(),
            })
        })
    }

    /// The whole body, read as JSON. With the feature `json`.
    ///
    /// # Errors
    /// [`Kind::Body`] if it is not what `T` is; else as [`bytes`](Self::bytes).
    ///
    /// # Cancel safety
    /// As [`bytes`](Self::bytes).
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn json<T: serde::de::DeserializeOwned + Send + 'static>(self) -> Answer<T> {
        let url = self.url.clone();
        Answer::new(Wait::here(WaitKind::Body), async move {
            let bytes = self.collect().await?;
            serde_json::from_slice(&bytes).map_err(|error| {
                Error::because(
                    Kind::Body,
                    format!("the body of {url} is not as expected"),
                    error,
                )
            })
        })
    }

    /// The body, for whoever takes one of `http_body`.
    pub fn into_body(self) -> Incoming {
        self.body
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.head.status)
            .field("url", &self.url)
            .field("headers", &self.head.headers)
            .finish_non_exhaustive()
    }
}
