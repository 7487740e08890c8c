//! One request and its answer: a connection, the limits of time, and one more attempt where that is safe.
//!
//! A server may close a connection while a request is on its way to it. If not a byte of an answer has come by then,
//! and the connection has served another request before, it was most likely that. The request is sent once more, by a
//! new connection, if its method may be repeated and its body is at hand. A request that hyper gives back has not been
//! sent at all, and goes again whatever it is.

use super::body::{Body, Incoming, Progress};
use super::dial::{Channel, dial};
use super::error::{Error, Kind};
use super::pool::{Key, Lease, Pool};
use super::proxy::{Route, absolute};
use super::settings::Settings;
use super::url::{self, Target};
use crate::time::timeout;
use http::header::{AUTHORIZATION, HOST, PROXY_AUTHORIZATION};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderValue, Method, Request, Response, Version};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// What the clones of a client share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) pool: Arc<Pool>,
}

/// Sends a request to where its URL says.
pub(super) async fn exchange(
    shared: &Shared,
    request: Request<Body>,
) -> Result<Response<Incoming>, Error> {
    let target = Target::of(request.uri())?;
    let proxies = shared.settings.proxies.as_ref();
    let route = proxies.map_or(Route::Direct, |proxies| proxies.route(&target));
    let key = Key::new(&target, &route);
    let mut request = complete(request, &shared.settings, &target);
    let mut may_be_used = true;
    loop {
        let spare = copy(&request);
        let mut lease = lease(shared, &key, &target, &route, may_be_used).await?;
        // Only once, however it ends.
        may_be_used = false;
        let is_used = lease.is_used;
        match try_once(shared, &mut lease, request, &route).await {
            Ok(response) => {
                let stall = shared.settings.body_timeout;
                return Ok(response.map(|body| Incoming::new(body, lease, stall)));
            }
            Err(Failure { error, again }) => {
                match again.or_else(|| spare.filter(|_| error.is_silent)) {
                    Some(same) if is_used => request = same,
                    _ => return Err(error.error),
                }
            }
        }
    }
}

/// With what every request carries.
pub(super) fn complete<B>(
    mut request: Request<B>,
    settings: &Settings,
    target: &Target,
) -> Request<B> {
    if let Some((user, password)) = url::credentials(request.uri()) {
        if let Ok(mut basic) = HeaderValue::from_str(&url::basic(&user, &password)) {
            basic.set_sensitive(true);
            request.headers_mut().entry(AUTHORIZATION).or_insert(basic);
        }
        *request.uri_mut() = url::without_credentials(request.uri().clone());
    }
    for (name, value) in &settings.headers {
        if !request.headers().contains_key(name) {
            request.headers_mut().append(name, value.clone());
        }
    }
    if let Ok(host) = HeaderValue::from_str(&target.authority(false)) {
        request.headers_mut().entry(HOST).or_insert(host);
    }
    request
}

/// The same request once more, if it may be repeated.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    use Method as M;
    let may_repeat = [M::GET, M::HEAD, M::OPTIONS, M::TRACE, M::PUT, M::DELETE];
    if !may_repeat.contains(request.method()) {
        return None;
    }
    duplicate(request)
}

/// The same request once more, if its body is at hand.
pub(super) fn duplicate(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().again()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

async fn lease(
    shared: &Shared,
    key: &Key,
    target: &Target,
    route: &Route,
    may_be_used: bool,
) -> Result<Lease, Error> {
    let mut place = shared.pool.place(key).await;
    if may_be_used {
        loop {
            match shared.pool.take(key, place) {
                Err(free) => {
                    place = free;
                    break;
                }
                Ok(mut lease) => {
                    if lease.channel.ready().await {
                        return Ok(lease);
                    }
                    // It was closed meanwhile.
                    place = match lease.into_place() {
                        Some(place) => place,
                        None => shared.pool.place(key).await,
                    };
                }
            }
        }
    }
    let dialed = dial(&shared.settings, target, route).await?;
    let mut lease = shared.pool.adopt(key.clone(), dialed, place);
    match lease.channel.ready().await {
        true => Ok(lease),
        false => Err(Error::new(
            Kind::Broken,
            "the server closed the connection at once",
        )),
    }
}

impl Channel {
    async fn ready(&mut self) -> bool {
        match self {
            Channel::One(sender) => sender.ready().await.is_ok(),
            Channel::Two(sender) => sender.ready().await.is_ok(),
        }
    }
}

struct Failure {
    error: Broken,
    /// The request, if nothing of it was sent.
    again: Option<Request<Body>>,
}

struct Broken {
    error: Error,
    /// The connection ended, and not a byte of an answer had come.
    is_silent: bool,
}

async fn try_once(
    shared: &Shared,
    lease: &mut Lease,
    request: Request<Body>,
    route: &Route,
) -> Result<Response<hyper::body::Incoming>, Failure> {
    let original = request.uri().clone();
    let (head, body) = shaped(request, lease, route).into_parts();
    let (body, progress) = body.watched();
    lease.progress = Some(Arc::clone(&progress));
    let request = Request::from_parts(head, body);
    let before = lease.received();
    let sent = async {
        match &mut lease.channel {
            Channel::One(sender) => sender.try_send_request(request).await,
            Channel::Two(sender) => sender.try_send_request(request).await,
        }
    };
    let limit = shared.settings.answer_timeout;
    let answer = match limit {
        None => sent.await,
        Some(limit) => match patiently(limit, &progress, sent).await {
            Some(answer) => answer,
            None => {
                let what = format!("{original} did not begin to answer within {limit:?}");
                let error = Error::new(Kind::AnswerTimeout, what);
                return Err(Failure {
                    error: Broken {
                        error,
                        is_silent: false,
                    },
                    again: None,
                });
            }
        },
    };
    answer.map_err(|mut failed| {
        let again = failed.take_message().map(|mut request| {
            *request.uri_mut() = original.clone();
            request
        });
        let error = failed.into_error();
        let is_silent = lease.received() == before && !error.is_user();
        let what = format!("no answer from {original}");
        let error = Error::because(Kind::Broken, what, error);
        Failure {
            error: Broken { error, is_silent },
            again,
        }
    })
}

/// Waits for the answer. As long as the body moves on, the time has not begun.
async fn patiently<T>(
    limit: Duration,
    progress: &Progress,
    sent: impl Future<Output = T>,
) -> Option<T> {
    let mut sent = std::pin::pin!(sent);
    loop {
        let (frames, was_done) = (progress.frames(), progress.is_done());
        if let Ok(answer) = timeout(limit, sent.as_mut()).await {
            return Some(answer);
        }
        if was_done || progress.frames() == frames {
            return None;
        }
    }
}

/// As the protocol wants it: with the whole URL for HTTP/2 and for proxies that ask in our place.
fn shaped(mut request: Request<Body>, lease: &Lease, route: &Route) -> Request<Body> {
    *request.version_mut() = Version::HTTP_11;
    match (&lease.channel, route) {
        (Channel::Two(_), _) => {
            *request.version_mut() = Version::HTTP_2;
            request.headers_mut().remove(HOST);
        }
        (Channel::One(_), Route::Asked(proxy)) => {
            *request.uri_mut() = absolute(request.uri());
            if let Some(authorization) = &proxy.authorization {
                let headers = request.headers_mut();
                headers.insert(PROXY_AUTHORIZATION, authorization.clone());
            }
        }
        (Channel::One(_), _) => {
            let path = request.uri().path_and_query().cloned();
            let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
            *request.uri_mut() = Uri::from(path);
        }
    }
    request
}
