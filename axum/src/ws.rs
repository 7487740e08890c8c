//! WebSockets with axum's names, over HTTP/1.1 and HTTP/2: [`filch::http::websocket`] as an extractor.
//!
//! ```
//! use axum::{Router, response::Response, routing::any};
//! use filch_axum::ws::{WebSocket, WebSocketUpgrade};
//!
//! async fn handler(upgrade: WebSocketUpgrade) -> Response {
//!     upgrade.on_upgrade(echo)
//! }
//!
//! async fn echo(mut socket: WebSocket) {
//!     while let Some(Ok(message)) = socket.recv().await {
//!         if socket.send(message).await.is_err() {
//!             return;
//!         }
//!     }
//! }
//!
//! let app: Router = Router::new().route("/ws", any(handler));
//! ```
//!
//! What differs from axum's: the largest message is 16 MiB and not 64; a peer that does not answer pings for 30 seconds
//! is given up ([`WebSocketUpgrade::ping`]); when the server is told to stop, [`WebSocketUpgrade::stopping`] says so.

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use filch::CancelToken;
use filch::http::ConnInfo;
pub use filch::http::websocket::{
    CloseCode, CloseFrame, Error, Message, Utf8Bytes, WebSocket, close_code,
};
use filch::http::websocket::{Config, Refusal, Upgrade};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::time::Duration;

/// Extracts a request for a WebSocket. Route it by [`any`](axum::routing::any): HTTP/1.1 asks with `GET`, HTTP/2 with
/// `CONNECT`.
#[must_use = "the client gets no answer unless the response is returned"]
pub struct WebSocketUpgrade<F = DefaultOnFailedUpgrade> {
    upgrade: Upgrade,
    config: Config,
    stopping: CancelToken,
    failed: F,
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = WebSocketUpgradeRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let info = parts.extensions.get::<ConnInfo>();
        let stopping = info.map(|info| info.stopping().clone()).unwrap_or_default();
        let upgrade = Upgrade::of(parts).map_err(WebSocketUpgradeRejection)?;
        let config = Config::new();
        Ok(WebSocketUpgrade {
            upgrade,
            config,
            stopping,
            failed: DefaultOnFailedUpgrade,
        })
    }
}

/// The answer to a request that cannot become a WebSocket.
#[derive(Clone, Copy, Debug)]
pub struct WebSocketUpgradeRejection(Refusal);

impl WebSocketUpgradeRejection {
    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        self.0.into_response().status()
    }

    /// The answer's text.
    pub fn body_text(&self) -> String {
        self.to_string()
    }
}

impl IntoResponse for WebSocketUpgradeRejection {
    fn into_response(self) -> Response {
        self.0.into_response().map(Body::from)
    }
}

impl fmt::Display for WebSocketUpgradeRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for WebSocketUpgradeRejection {}

pub mod rejection {
    //! axum's path for it.

    pub use super::WebSocketUpgradeRejection;
}

impl<F> WebSocketUpgrade<F> {
    fn with(mut self, change: impl FnOnce(Config) -> Config) -> Self {
        self.config = change(self.config);
        self
    }

    /// The largest message, in bytes; 16 MiB by default.
    pub fn max_message_size(self, max: usize) -> Self {
        self.with(|config| config.max_message_size(max))
    }

    /// The largest frame, in bytes; 16 MiB by default.
    pub fn max_frame_size(self, max: usize) -> Self {
        self.with(|config| config.max_frame_size(max))
    }

    /// How many bytes are read at a time; 16 KiB by default.
    pub fn read_buffer_size(self, size: usize) -> Self {
        self.with(|config| config.read_buffer_size(size))
    }

    /// From how many bytes on a message is written without a flush; 16 KiB by default.
    pub fn write_buffer_size(self, size: usize) -> Self {
        self.with(|config| config.write_buffer_size(size))
    }

    /// How many bytes may wait to be written; no limit by default.
    pub fn max_write_buffer_size(self, max: usize) -> Self {
        self.with(|config| config.max_write_buffer_size(max))
    }

    /// Puts up with clients that do not mask what they send.
    pub fn accept_unmasked_frames(self, accept: bool) -> Self {
        self.with(|config| config.accept_unmasked_frames(accept))
    }

    /// After how much silence the client is pinged, and given up after as much again; 30 seconds by default.
    pub fn ping(self, every: impl Into<Option<Duration>>) -> Self {
        self.with(|config| config.ping(every))
    }

    /// Is cancelled when the server was told to stop. Whoever keeps it can say goodbye before the deadline.
    pub fn stopping(&self) -> &CancelToken {
        &self.stopping
    }

    /// Takes the first of these protocols that the client has offered.
    pub fn protocols<I>(mut self, protocols: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        self.upgrade = self
            .upgrade
            .protocols(protocols.into_iter().map(Into::into));
        self
    }

    /// The protocols that the client has offered.
    pub fn requested_protocols(&self) -> impl Iterator<Item = &HeaderValue> {
        self.upgrade.offered()
    }

    /// Takes this protocol.
    pub fn set_selected_protocol(&mut self, protocol: HeaderValue) {
        self.upgrade.set_protocol(protocol);
    }

    /// The protocol that was taken.
    pub fn selected_protocol(&self) -> Option<&HeaderValue> {
        self.upgrade.protocol()
    }

    /// Who is told if the connection does not become a WebSocket after all. By default nobody is.
    pub fn on_failed_upgrade<C: OnFailedUpgrade>(self, callback: C) -> WebSocketUpgrade<C> {
        let WebSocketUpgrade {
            upgrade,
            config,
            stopping,
            ..
        } = self;
        WebSocketUpgrade {
            upgrade,
            config,
            stopping,
            failed: callback,
        }
    }

    /// The response. When it was sent, `callback` gets the WebSocket, in a task of its own.
    ///
    /// The server counts the connection as one of its own: it waits for its end, and cuts it off at the deadline.
    #[must_use = "the client gets no answer unless the response is returned"]
    #[track_caller]
    pub fn on_upgrade<C, Fut>(self, callback: C) -> Response
    where
        C: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
        F: OnFailedUpgrade,
    {
        let WebSocketUpgrade {
            upgrade,
            config,
            failed,
            ..
        } = self;
        let (answer, upgrading) = upgrade.accept();
        let _detached = filch::spawn(async move {
            match upgrading.open(config).await {
                Ok(socket) => callback(socket).await,
                Err(error) => failed.call(error),
            }
        });
        answer.map(|()| Body::empty())
    }
}

impl<F> fmt::Debug for WebSocketUpgrade<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("upgrade", &self.upgrade)
            .finish_non_exhaustive()
    }
}

/// What to do when a connection does not become a WebSocket: a closure that takes the [`Error`].
pub trait OnFailedUpgrade: Send + 'static {
    /// Is told of it.
    fn call(self, error: Error);
}

impl<F: FnOnce(Error) + Send + 'static> OnFailedUpgrade for F {
    fn call(self, error: Error) {
        self(error);
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DefaultOnFailedUpgrade;

impl OnFailedUpgrade for DefaultOnFailedUpgrade {
    fn call(self, _: Error) {}
}
