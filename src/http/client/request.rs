//! A request while it is put together.

use super::answer::Answer;
use super::body::Body;
use super::error::{Error, Kind};
use super::exchange::Shared;
use super::redirect::follow;
use super::response::Response;
use super::url;
use crate::time::{Instant, timeout_at};
use filch_executor::leaf::{Wait, WaitKind};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

/// A request that is being put together: of [`Client::get`](super::Client::get) and its like.
///
/// What cannot be made a header or a URL is an error when it is sent. It is sent by [`send`](Self::send), or by
/// awaiting it.
#[derive(Debug)]
#[must_use = "a request does nothing unless it is sent"]
pub struct RequestBuilder {
    shared: Arc<Shared>,
    request: Result<Request<Body>, Error>,
    timeout: Option<Duration>,
}

impl RequestBuilder {
    pub(super) fn new(shared: Arc<Shared>, method: Method, url: &str) -> RequestBuilder {
        let request = url::parse(url).map(|uri| {
            let mut request = Request::new(Body::empty());
            *request.method_mut() = method;
            *request.uri_mut() = uri;
            request
        });
        let timeout = shared.settings.timeout;
        RequestBuilder {
            shared,
            request,
            timeout,
        }
    }

    fn change(
        mut self,
        change: impl FnOnce(&mut Request<Body>) -> Result<(), Error>,
    ) -> RequestBuilder {
        if let Ok(request) = &mut self.request {
            if let Err(error) = change(request) {
                self.request = Err(error);
            }
        }
        self
    }

    /// Adds a header.
    pub fn header<N, V>(self, name: N, value: V) -> RequestBuilder
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        self.change(|request| {
            let name = name.try_into().map_err(|_| no_header("its name"))?;
            let value = value.try_into().map_err(|_| no_header(name.as_str()))?;
            request.headers_mut().append(name, value);
            Ok(())
        })
    }

    /// Adds `?name=value&..` to the URL, encoded.
    pub fn query<N: AsRef<str>, V: AsRef<str>>(
        self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> RequestBuilder {
        self.change(|request| {
            let more = url::form(pairs);
            let uri = request.uri().to_string();
            let mark = if uri.contains('?') { '&' } else { '?' };
            if !more.is_empty() {
                *request.uri_mut() = url::parse(&format!("{uri}{mark}{more}"))?;
            }
            Ok(())
        })
    }

    /// `Authorization: Basic`.
    pub fn basic_auth(self, user: &str, password: &str) -> RequestBuilder {
        self.secret(url::basic(user, password))
    }

    /// `Authorization: Bearer`.
    pub fn bearer_auth(self, token: &str) -> RequestBuilder {
        self.secret(format!("Bearer {token}"))
    }

    fn secret(self, value: String) -> RequestBuilder {
        self.change(|request| {
            let mut value = HeaderValue::try_from(value).map_err(|_| no_header("authorization"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
            Ok(())
        })
    }

    /// What the request carries: text, bytes, or a [`Body`].
    pub fn body(self, body: impl Into<Body>) -> RequestBuilder {
        self.change(|request| {
            *request.body_mut() = body.into();
            Ok(())
        })
    }

    /// Carries a form, as a browser sends it.
    pub fn form<N: AsRef<str>, V: AsRef<str>>(
        self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> RequestBuilder {
        self.typed(
            "application/x-www-form-urlencoded",
            url::form(pairs).into_bytes(),
        )
    }

    /// Carries JSON. With the feature `json`.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(self, value: &T) -> RequestBuilder {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.typed("application/json", bytes),
            Err(error) => {
                self.change(|_| Err(Error::because(Kind::Body, "it cannot be JSON", error)))
            }
        }
    }

    fn typed(self, kind: &'static str, bytes: Vec<u8>) -> RequestBuilder {
        self.change(|request| {
            let kind = HeaderValue::from_static(kind);
            request.headers_mut().entry(CONTENT_TYPE).or_insert(kind);
            *request.body_mut() = Body::from(bytes);
            Ok(())
        })
    }

    /// How long the whole may take, redirects and the answer's body included.
    pub fn timeout(mut self, limit: Duration) -> RequestBuilder {
        self.timeout = Some(limit);
        self
    }

    /// Sends it, follows redirects, and waits for the answer's head.
    ///
    /// # Errors
    /// What [`Kind`] lists. A status such as 404 is none: see
    /// [`error_for_status`](Response::error_for_status).
    ///
    /// # Cancel safety
    /// Dropping it gives the request up, and closes its connection.
    #[track_caller]
    pub fn send(self) -> Answer<Response> {
        let RequestBuilder {
            shared,
            request,
            timeout,
        } = self;
        Answer::new(Wait::here(WaitKind::Answer), async move {
            let request = request?;
            let limit = shared.settings.body_limit;
            let Some(allowed) = timeout else {
                let (answer, url) = follow(&shared, request).await?;
                return Ok(Response::new(answer, url, limit));
            };
            let deadline = Instant::now().saturating_add(allowed);
            let asked = request.uri().clone();
            let followed = timeout_at(deadline, follow(&shared, request)).await;
            let (mut answer, url) = followed.unwrap_or_else(|_| Err(late(&asked, allowed)))?;
            answer.body_mut().set_deadline(deadline);
            Ok(Response::new(answer, url, limit))
        })
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Result<Response, Error>;
    type IntoFuture = Answer<Response>;

    #[track_caller]
    fn into_future(self) -> Answer<Response> {
        self.send()
    }
}

fn no_header(what: &str) -> Error {
    Error::new(
        Kind::Url,
        format!("a header of the request cannot be sent: {what}"),
    )
}

fn late(asked: &Uri, allowed: Duration) -> Error {
    let asked = url::without_credentials(asked.clone());
    Error::new(
        Kind::Timeout,
        format!("{asked} did not answer within {allowed:?} in all"),
    )
}
