//! The client's side of a handshake.

use super::Config;
use super::error::Error;
use super::future::{Connect, ConnectOver};
use super::socket::WebSocket;
use crate::http::client::{Client, Way, parse_url};
use crate::time::timeout;
use filch_executor::leaf::{Wait, WaitKind};
use futures_io::{AsyncRead, AsyncWrite};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Request, Uri, header};
use std::time::Duration;

/// Connects to `ws://host/path`, or with the feature `tls` to `wss://host/path`, by a client of its own.
///
/// Options are methods of what it returns; the limit of time is 10 seconds. For own certificates, a proxy, or headers
/// of all requests make a [`Client`] and call its [`websocket`](Client::websocket); also to connect often, since a new
/// client reads the system's certificates.
///
/// ```no_run
/// # filch::run(async {
/// use filch::http::websocket::{Message, connect};
///
/// let mut socket = connect("wss://example.org/ws").await?;
/// socket.send("hello").await?;
/// while let Some(message) = socket.recv().await {
///     println!("{:?}", message?);
/// }
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
/// As [`Client::websocket`].
///
/// # Cancel safety
/// Dropping it gives the connection up.
#[track_caller]
pub fn connect(url: &str) -> Connect {
    Client::new().websocket(url)
}

/// With the feature `websocket`.
impl Client {
    /// Connects to a WebSocket: `ws://host/path`, or with the feature `tls` `wss://host/path`.
    ///
    /// It goes the client's ways: with its headers, its TLS (in which it offers HTTP/1.1 alone), and by its proxies,
    /// which open a way for it (`CONNECT`), to `ws://` as well. The connection is the WebSocket's own, and does not
    /// count among those to its host.
    ///
    /// ```no_run
    /// # filch::run(async {
    /// use filch::http::Client;
    /// use filch::http::websocket::Config;
    /// use std::time::Duration;
    ///
    /// let client = Client::new();
    /// let mut socket = client
    ///     .websocket("ws://127.0.0.1:8000/chat")
    ///     .header("origin", "http://127.0.0.1:8000")
    ///     .protocols(["chat.v2", "chat.v1"])
    ///     .config(Config::new().max_message_size(64 * 1024))
    ///     .timeout(Duration::from_secs(3))
    ///     .await?;
    /// socket.send("hello").await?;
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// - The URL is none of a WebSocket, or a header cannot be sent.
    /// - The server was not reached, its certificate not trusted, or the feature `tls` is missing:
    ///   [`client_error`](Error::client_error) has the reason.
    /// - The server refuses: [`status`](Error::status). Redirects are refusals.
    /// - It took longer than [`Connect::timeout`] allows: [`is_timeout`](Error::is_timeout).
    ///
    /// # Cancel safety
    /// Dropping it gives the connection up.
    #[track_caller]
    pub fn websocket(&self, url: &str) -> Connect {
        let plan = Plan {
            client: self.clone(),
            request: request(url),
            config: Config::default(),
            limit: self.connect_timeout(),
        };
        Connect::new(plan, Wait::here(WaitKind::Answer))
    }
}

/// Asks for a WebSocket over a stream that leads to its server already. What the protocol needs is added to `request`.
/// There is no limit of time: that is the caller's, by [`timeout`](crate::time::timeout).
///
/// ```
/// # filch::run(async {
/// use filch::http::websocket::{Config, connect_over};
///
/// let (stream, server) = filch::io::duplex(1024);
/// drop(server);
/// let request = http::Request::get("ws://host/path").body(()).unwrap();
/// assert!(connect_over(request, stream, Config::new()).await.is_err());
/// # });
/// ```
///
/// # Errors
/// If the server refuses, or the stream's.
///
/// # Cancel safety
/// Dropping it drops the stream.
#[track_caller]
pub fn connect_over<S>(request: Request<()>, stream: S, config: Config) -> ConnectOver
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let asking = async move { WebSocket::ask(complete(request), stream, config).await };
    ConnectOver::new(Wait::here(WaitKind::Answer), asking)
}

/// What is to be connected to, and how.
pub(super) struct Plan {
    client: Client,
    /// With the scheme `http` or `https`, which are what the client connects to.
    request: Result<Request<()>, Error>,
    pub(super) config: Config,
    pub(super) limit: Option<Duration>,
}

impl Plan {
    pub(super) fn header(&mut self, name: Option<HeaderName>, value: Option<HeaderValue>) {
        let Ok(request) = &mut self.request else {
            return;
        };
        match (name, value) {
            (Some(name), Some(value)) => {
                request.headers_mut().append(name, value);
            }
            (name, _) => {
                let which = name.map_or("its name".to_owned(), |name| name.to_string());
                let what = format!("a header of the handshake cannot be sent: {which}");
                self.request = Err(Error::url(what));
            }
        }
    }

    pub(super) async fn carry_out(self) -> Result<WebSocket, Error> {
        let request = self.request?;
        let url = shown(request.uri());
        let asking = async {
            let (mut request, way) = self.client.reach(request).await?;
            *request.uri_mut() = as_websocket(request.uri());
            let request = complete(request);
            match way {
                Way::Plain(stream) => WebSocket::ask(request, stream, self.config).await,
                #[cfg(feature = "tls")]
                Way::Secure(stream) => WebSocket::ask(request, *stream, self.config).await,
            }
        };
        let Some(limit) = self.limit else {
            return asking.await;
        };
        let asked = timeout(limit, asking).await;
        asked.unwrap_or_else(|_| Err(Error::late(url, limit)))
    }
}

/// The request that the client sends in place of one to `ws://` or `wss://`.
fn request(url: &str) -> Result<Request<()>, Error> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => "http",
        "wss" | "https" => "https",
        _ => {
            let what =
                format!("{url:?} cannot be connected to: it has to begin with ws:// or wss://");
            return Err(Error::url(what));
        }
    };
    let uri = parse_url(&format!("{scheme}://{rest}"));
    let uri = uri.map_err(|error| Error::url(format!("{url:?} is no URL: {error}")))?;
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    Ok(request)
}

/// Back to the scheme of WebSockets.
fn as_websocket(uri: &Uri) -> Uri {
    let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
    let scheme = if is_tls { "wss" } else { "ws" };
    let mut parts = uri.clone().into_parts();
    parts.scheme = Scheme::try_from(scheme).ok();
    let root = || PathAndQuery::from_static("/");
    parts.path_and_query.get_or_insert_with(root);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// For errors: without a password.
fn shown(uri: &Uri) -> String {
    let shown = as_websocket(uri);
    match host(&shown) {
        Some(host) => format!(
            "{}://{host}{}",
            shown.scheme_str().unwrap_or_default(),
            shown.path()
        ),
        None => shown.to_string(),
    }
}

/// Host and port, without user and password.
fn host(uri: &Uri) -> Option<&str> {
    let all = uri.authority()?.as_str();
    Some(all.rsplit_once('@').map_or(all, |(_, host)| host))
}

/// With the path that a request's line begins with, also where the query is right behind the host.
fn with_path(uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    let path = parts.path_and_query.map(|path| path.to_string());
    let path = path.map_or(Ok(PathAndQuery::from_static("/")), PathAndQuery::try_from);
    parts.path_and_query = path.ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// With the headers of a handshake, unless they are there.
fn complete(mut request: Request<()>) -> Request<()> {
    use async_tungstenite::tungstenite::handshake::client::generate_key;
    let host = host(request.uri()).unwrap_or_default().to_owned();
    *request.uri_mut() = with_path(request.uri());
    let headers = request.headers_mut();
    let mut or = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.entry(name).or_insert(value);
        }
    };
    or(header::HOST, host);
    or(header::CONNECTION, "Upgrade".into());
    or(header::UPGRADE, "websocket".into());
    or(header::SEC_WEBSOCKET_VERSION, "13".into());
    or(header::SEC_WEBSOCKET_KEY, generate_key());
    request
}
