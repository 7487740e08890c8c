//! The server's side of a handshake: over HTTP/1.1 (RFC 6455) and over HTTP/2 (RFC 8441).

use super::Config;
use super::future::Open;
use async_tungstenite::tungstenite::handshake::derive_accept_key;
use filch_executor::leaf::{Wait, WaitKind};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use std::error::Error as StdError;
use std::fmt;

/// A request for a WebSocket, before it is answered.
///
/// ```no_run
/// use filch::http::websocket::{Config, Upgrade};
///
/// fn answer(request: http::Request<()>) -> http::Response<String> {
///     let (mut head, _) = request.into_parts();
///     let upgrade = match Upgrade::of(&mut head) {
///         Ok(upgrade) => upgrade,
///         Err(refusal) => return refusal.into_response().map(str::to_owned),
///     };
///     let (answer, socket) = upgrade.accept();
///     filch::spawn(async move {
///         let mut socket = socket.open(Config::default()).await?;
///         socket.send("hello").await?;
///         std::io::Result::Ok(())
///     });
///     answer.map(|()| String::new())
/// }
/// ```
#[derive(Debug)]
pub struct Upgrade {
    upgrade: OnUpgrade,
    /// `None` over HTTP/2, where nothing is to be proved.
    key: Option<HeaderValue>,
    offered: Vec<HeaderValue>,
    protocol: Option<HeaderValue>,
}

impl Upgrade {
    /// Reads a request's head, and takes its connection.
    ///
    /// # Errors
    /// If it asks for no WebSocket, or for one in a way that is not known here. The refusal is an answer for it.
    pub fn of(head: &mut Parts) -> Result<Upgrade, Refusal> {
        let is_two = head.version >= Version::HTTP_2;
        let is_asked = if is_two {
            is_connect(head)
        } else {
            is_get(head)
        };
        if !is_asked {
            return Err(Refusal::NotAsked);
        }
        let version = head.headers.get(header::SEC_WEBSOCKET_VERSION);
        if version.is_none_or(|version| version != "13") {
            return Err(Refusal::Version);
        }
        let key = match is_two {
            true => None,
            false => Some(key(head)?),
        };
        let upgrade = head
            .extensions
            .remove::<OnUpgrade>()
            .ok_or(Refusal::NoConnection)?;
        let offered = tokens(&head.headers, header::SEC_WEBSOCKET_PROTOCOL);
        let offered = offered
            .filter_map(|name| HeaderValue::from_str(name).ok())
            .collect();
        Ok(Upgrade {
            upgrade,
            key,
            offered,
            protocol: None,
        })
    }

    /// The protocols within the WebSocket that the client would speak.
    pub fn offered(&self) -> impl Iterator<Item = &HeaderValue> {
        self.offered.iter()
    }

    /// Takes the first of `known` that the client has offered.
    pub fn protocols<P: AsRef<str>>(mut self, known: impl IntoIterator<Item = P>) -> Upgrade {
        let mut offered = known
            .into_iter()
            .filter_map(|name| HeaderValue::from_str(name.as_ref()).ok());
        self.protocol = offered.find(|name| self.offered.contains(name));
        self
    }

    /// The protocol that was taken.
    pub fn protocol(&self) -> Option<&HeaderValue> {
        self.protocol.as_ref()
    }

    /// Takes this protocol, whatever was offered.
    pub fn set_protocol(&mut self, protocol: HeaderValue) {
        self.protocol = Some(protocol);
    }

    /// The answer, and what becomes the WebSocket once the answer was sent.
    pub fn accept(self) -> (Response<()>, Upgrading) {
        let mut answer = Response::new(());
        let protocol = self.protocol.clone();
        if let Some(key) = &self.key {
            *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let proof = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
            let headers = answer.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, proof.expect("it is base64"));
        }
        if let Some(protocol) = self.protocol {
            answer
                .headers_mut()
                .insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        let upgrade = self.upgrade;
        (answer, Upgrading { upgrade, protocol })
    }
}

/// Asked over HTTP/2 (RFC 8441, section 4).
fn is_connect(head: &Parts) -> bool {
    let protocol = head.extensions.get::<hyper::ext::Protocol>();
    head.method == Method::CONNECT && protocol.is_some_and(|p| p.as_str() == "websocket")
}

/// Asked over HTTP/1.1. What HTTP/1.0 says of upgrades is not heard (RFC 9110, section 7.8).
fn is_get(head: &Parts) -> bool {
    let has = |name, what: &str| {
        tokens(&head.headers, name).any(|token| token.eq_ignore_ascii_case(what))
    };
    head.version == Version::HTTP_11
        && head.method == Method::GET
        && has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
}

/// The key of a request over HTTP/1.1 that has no body: what follows its head are frames.
fn key(head: &Parts) -> Result<HeaderValue, Refusal> {
    let length = head.headers.get(header::CONTENT_LENGTH);
    let has_length = length.is_some_and(|length| length != "0");
    if has_length || head.headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Refusal::Body);
    }
    let mut keys = head.headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let key = keys.next().ok_or(Refusal::NoKey)?;
    match keys.next().is_none() && is_key(key.as_bytes()) {
        true => Ok(key.clone()),
        false => Err(Refusal::BadKey),
    }
}

/// 16 bytes in base64 (RFC 6455, section 4.2.1): 22 digits, of which the last one carries two bits, and the filling.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    match key.split_last_chunk::<2>() {
        Some((digits, b"==")) => digits.len() == 22 && digits.iter().all(is_digit),
        _ => false,
    }
}

/// What stands in all headers of a name, between commas.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

/// A WebSocket whose handshake was answered.
#[derive(Debug)]
#[must_use = "nobody answers the client unless it is opened"]
pub struct Upgrading {
    upgrade: OnUpgrade,
    protocol: Option<HeaderValue>,
}

impl Upgrading {
    /// Waits until the answer was sent.
    ///
    /// # Errors
    /// If it never was: the client has gone, or the answer was not returned.
    ///
    /// # Cancel safety
    /// Dropping it drops the connection.
    #[track_caller]
    pub fn open(self, config: Config) -> Open {
        let wait = Wait::here(WaitKind::Answer);
        Open::new(self.upgrade, self.protocol, config, wait)
    }
}

/// Why a request became no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It asks for none: 426.
    NotAsked,
    /// It has no `Sec-WebSocket-Key`: 400.
    NoKey,
    /// Its `Sec-WebSocket-Key` is not one of 16 bytes, or there are several: 400.
    BadKey,
    /// It has a body: 400.
    Body,
    /// It speaks another version than 13: 426, with the version.
    Version,
    /// Its connection cannot be had, since something before the handler has taken it: 500.
    NoConnection,
}

impl Refusal {
    /// The answer, with the reason as text.
    pub fn into_response(self) -> Response<&'static str> {
        let mut answer = Response::new(self.text());
        *answer.status_mut() = match self {
            Refusal::NotAsked | Refusal::Version => StatusCode::UPGRADE_REQUIRED,
            Refusal::NoKey | Refusal::BadKey | Refusal::Body => StatusCode::BAD_REQUEST,
            Refusal::NoConnection => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let headers = answer.headers_mut();
        if answer_says_upgrade(self) {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(
                header::SEC_WEBSOCKET_VERSION,
                HeaderValue::from_static("13"),
            );
        }
        answer
    }

    fn text(self) -> &'static str {
        match self {
            Refusal::NotAsked => "this address speaks WebSocket, and the request asks for none",
            Refusal::NoKey => "the request has no Sec-WebSocket-Key",
            Refusal::BadKey => "a Sec-WebSocket-Key is 16 bytes in base64, once",
            Refusal::Body => "a request for a WebSocket has no body",
            Refusal::Version => "only version 13 of WebSocket is spoken here",
            Refusal::NoConnection => "the connection of this request cannot become a WebSocket",
        }
    }
}

fn answer_says_upgrade(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::NotAsked | Refusal::Version)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl StdError for Refusal {}
