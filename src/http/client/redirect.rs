//! Redirects, for requests that are built here. A client that is called as a service follows none: there tower-http's
//! layer is to be had. This is its own code because a builder's body can be sent again, which a layer around any body
//! cannot know, and because what is followed has to be counted into the whole's time.

use super::body::{Body, Incoming};
use super::error::{Error, Kind};
use super::exchange::{Shared, duplicate, exchange};
use super::url::{self, Target};
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION,
    PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};

/// The body of a redirect is read, so that its connection can be used again, unless it is larger.
const SMALL: usize = 64 * 1024;

/// The answer, and where it came from.
pub(super) async fn follow(
    shared: &Shared,
    mut request: Request<Body>,
) -> Result<(Response<Incoming>, Uri), Error> {
    let mut left = shared.settings.redirects;
    loop {
        let here = request.uri().clone();
        let spare = duplicate(&request).ok_or_else(|| bare(&request));
        let answer = exchange(shared, request).await?;
        let follows = shared.settings.redirects > 0;
        let Some(location) = location(&answer).filter(|_| follows) else {
            return Ok((answer, url::without_credentials(here)));
        };
        let next = url::join(&here, &location).map_err(|error| {
            Error::because(
                Kind::Redirect,
                format!("{here} redirects to {location:?}"),
                error,
            )
        })?;
        let Some(changed) = changed(spare, answer.status(), &here, next) else {
            return Ok((answer, url::without_credentials(here)));
        };
        if left == 0 {
            let what = format!(
                "{} redirects were not enough, the last to {}",
                shared.settings.redirects,
                changed.uri()
            );
            return Err(Error::new(Kind::Redirect, what));
        }
        left -= 1;
        request = changed;
        let _ = Limited::new(answer.into_body(), SMALL).collect().await;
    }
}

/// Where an answer redirects to.
fn location(answer: &Response<Incoming>) -> Option<String> {
    use StatusCode as S;
    let kinds = [
        S::MOVED_PERMANENTLY,
        S::FOUND,
        S::SEE_OTHER,
        S::TEMPORARY_REDIRECT,
        S::PERMANENT_REDIRECT,
    ];
    if !kinds.contains(&answer.status()) {
        return None;
    }
    let location = answer.headers().get(LOCATION)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// The request without its body, which cannot be sent again.
fn bare(request: &Request<Body>) -> Request<()> {
    let mut bare = Request::new(());
    *bare.method_mut() = request.method().clone();
    *bare.headers_mut() = request.headers().clone();
    bare
}

/// The next request, or nothing if its body is needed and gone.
fn changed(
    spare: Result<Request<Body>, Request<()>>,
    status: StatusCode,
    here: &Uri,
    next: Uri,
) -> Option<Request<Body>> {
    let (method, is_at_hand) = match &spare {
        Ok(request) => (request.method().clone(), true),
        Err(request) => (request.method().clone(), false),
    };
    let becomes_get = match status {
        StatusCode::SEE_OTHER => method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::POST,
        _ => false,
    };
    if !becomes_get && !is_at_hand {
        return None;
    }
    let mut request = spare.unwrap_or_else(|bare| bare.map(|()| Body::empty()));
    if becomes_get {
        *request.method_mut() = Method::GET;
        *request.body_mut() = Body::empty();
        for name in [
            CONTENT_LENGTH,
            CONTENT_TYPE,
            CONTENT_ENCODING,
            TRANSFER_ENCODING,
        ] {
            request.headers_mut().remove(name);
        }
    }
    request.headers_mut().remove(HOST);
    if Target::of(here).ok() != Target::of(&next).ok() {
        // Meant for the host that was asked, and nobody else.
        for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
            request.headers_mut().remove(name);
        }
    }
    *request.uri_mut() = next;
    Some(request)
}
