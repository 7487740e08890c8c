//! WebSockets: the server's side over HTTP/1.1 and HTTP/2, and the client's.
//!
//! The protocol is tungstenite's, in types of this crate. [`Upgrade`] is a server's handshake, for any server whose
//! connections are hyper's. [`connect`] is a client's, for `ws://` and, with the feature `tls`, `wss://`. Messages are
//! compressed by nobody (permessage-deflate).
//!
//! # Limits
//!
//! | of | default | set by |
//! |---|---|---|
//! | a message | 16 MiB | [`Config::max_message_size`] |
//! | a frame, of which a message has one or more | 16 MiB | [`Config::max_frame_size`] |
//! | a client's connection and handshake, together | 10 s | [`Connect::timeout`](future::Connect::timeout) |
//! | silence until the other side is asked for a sign of life, and as long again until it is given up | 30 s | [`Config::ping`] |
//!
//! What is larger is not read: the other side is told (1009), and [`recv`](WebSocket::recv) fails.

mod client;
mod error;
mod handshake;
mod message;
mod opening;
mod socket;
mod transfer;

pub use client::{connect, connect_over};
pub use error::Error;
pub use handshake::{Refusal, Upgrade, Upgrading};
pub use message::{CloseCode, CloseFrame, Message, Utf8Bytes};
pub use socket::{Side, WebSocket};

use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use std::time::Duration;

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use super::opening::{Connect, ConnectOver, Open};
    pub use super::transfer::{Close, Recv, SendMessage};
}

/// The largest message, and the largest frame of one.
const LARGEST: usize = 16 << 20;

/// Silence until a ping.
const PING: Duration = Duration::from_secs(30);

/// Room for what is read at a time, and for what is written together. A connection has both from its beginning on.
const BUFFER: usize = 16 * 1024;

/// Limits of a WebSocket.
#[derive(Clone, Debug)]
#[must_use = "a configuration is given to what makes a WebSocket"]
pub struct Config {
    protocol: WebSocketConfig,
    ping: Option<Duration>,
}

impl Config {
    /// The defaults.
    pub fn new() -> Config {
        let mut protocol = WebSocketConfig::default();
        protocol.max_message_size = Some(LARGEST);
        protocol.max_frame_size = Some(LARGEST);
        protocol.read_buffer_size = BUFFER;
        protocol.write_buffer_size = BUFFER;
        Config {
            protocol,
            ping: Some(PING),
        }
    }

    /// The largest message that is read, in bytes.
    pub fn max_message_size(mut self, bytes: usize) -> Config {
        self.protocol.max_message_size = Some(bytes);
        self
    }

    /// The largest frame that is read, in bytes.
    pub fn max_frame_size(mut self, bytes: usize) -> Config {
        self.protocol.max_frame_size = Some(bytes);
        self
    }

    /// After how long without a word the other side is pinged, and given up if another such time passes without one.
    /// `None` for never. It counts while somebody waits in [`recv`](WebSocket::recv).
    pub fn ping(mut self, every: impl Into<Option<Duration>>) -> Config {
        self.ping = every.into();
        self
    }

    /// How many bytes are read at a time, at most. 16 KiB by default.
    pub fn read_buffer_size(mut self, bytes: usize) -> Config {
        self.protocol.read_buffer_size = bytes;
        self
    }

    /// From how many bytes on a message is written without a flush. 16 KiB by default.
    pub fn write_buffer_size(mut self, bytes: usize) -> Config {
        self.protocol.write_buffer_size = bytes;
        self
    }

    /// How many bytes may wait to be written. No limit by default: [`send`](WebSocket::send) waits.
    pub fn max_write_buffer_size(mut self, bytes: usize) -> Config {
        self.protocol.max_write_buffer_size = bytes;
        self
    }

    /// Puts up with clients that do not mask what they send, against the standard.
    pub fn accept_unmasked_frames(mut self, accept: bool) -> Config {
        self.protocol.accept_unmasked_frames = accept;
        self
    }
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}

/// Numbers that say why a WebSocket ends (RFC 6455, section 7.4).
pub mod close_code {
    use super::CloseCode;

    /// All is done.
    pub const NORMAL: CloseCode = 1000;
    /// A server that ends, or a page that was left.
    pub const AWAY: CloseCode = 1001;
    /// The other side broke the protocol.
    pub const PROTOCOL: CloseCode = 1002;
    /// A kind of message that is not understood.
    pub const UNSUPPORTED: CloseCode = 1003;
    /// No number came. It is never sent.
    pub const STATUS: CloseCode = 1005;
    /// The connection broke. It is never sent.
    pub const ABNORMAL: CloseCode = 1006;
    /// A message that is not what it says, such as text that is no UTF-8.
    pub const INVALID: CloseCode = 1007;
    /// Something is not allowed.
    pub const POLICY: CloseCode = 1008;
    /// A message that is too large.
    pub const SIZE: CloseCode = 1009;
    /// An extension that the client needs is missing.
    pub const EXTENSION: CloseCode = 1010;
    /// Something went wrong in the server.
    pub const ERROR: CloseCode = 1011;
    /// The server ends and comes back.
    pub const RESTART: CloseCode = 1012;
    /// Later: there is too much to do.
    pub const AGAIN: CloseCode = 1013;
}
