//! What is said over a WebSocket, in types of this crate.

use async_tungstenite::tungstenite as ts;
use bytes::Bytes;
use std::fmt;
use std::ops::Deref;

/// A message: of [`WebSocket::recv`](super::WebSocket::recv), and for [`WebSocket::send`](super::WebSocket::send).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
    /// Asks the other side for a [`Pong`](Message::Pong) with the same bytes, at most 125. It is answered by itself.
    Ping(Bytes),
    /// The answer to a [`Ping`](Message::Ping).
    Pong(Bytes),
    /// The other side ends it, and has said why or not. It is answered by itself, and nothing comes after it.
    Close(Option<CloseFrame>),
}

/// Why somebody ends a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// One of [`close_code`](super::close_code), or 3000 to 4999 for what the two sides agreed on.
    pub code: CloseCode,
    /// In words, at most 123 bytes.
    pub reason: Utf8Bytes,
}

/// A number that says why a WebSocket ends (RFC 6455, section 7.4).
pub type CloseCode = u16;

impl Message {
    /// Text.
    pub fn text(text: impl Into<Utf8Bytes>) -> Message {
        Message::Text(text.into())
    }

    /// Bytes.
    pub fn binary(bytes: impl Into<Bytes>) -> Message {
        Message::Binary(bytes.into())
    }

    /// What it carries, as bytes. The reason of a close.
    pub fn into_data(self) -> Bytes {
        match self {
            Message::Text(text) => text.into(),
            Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes,
            Message::Close(None) => Bytes::new(),
            Message::Close(Some(frame)) => frame.reason.into(),
        }
    }

    /// What it carries, as text.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn into_text(self) -> Result<Utf8Bytes, std::str::Utf8Error> {
        Utf8Bytes::try_from(self.into_data())
    }

    /// What it carries, as text.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn to_text(&self) -> Result<&str, std::str::Utf8Error> {
        match self {
            Message::Text(text) => Ok(text),
            Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => {
                std::str::from_utf8(bytes)
            }
            Message::Close(None) => Ok(""),
            Message::Close(Some(frame)) => Ok(&frame.reason),
        }
    }

    pub(super) fn from_protocol(message: ts::Message) -> Option<Message> {
        Some(match message {
            ts::Message::Text(text) => Message::Text(Utf8Bytes(text)),
            ts::Message::Binary(bytes) => Message::Binary(bytes),
            ts::Message::Ping(bytes) => Message::Ping(bytes),
            ts::Message::Pong(bytes) => Message::Pong(bytes),
            ts::Message::Close(frame) => Message::Close(frame.map(|frame| CloseFrame {
                code: frame.code.into(),
                reason: Utf8Bytes(frame.reason),
            })),
            // Never read.
            ts::Message::Frame(_) => return None,
        })
    }

    pub(super) fn into_protocol(self) -> ts::Message {
        match self {
            Message::Text(text) => ts::Message::Text(text.0),
            Message::Binary(bytes) => ts::Message::Binary(bytes),
            Message::Ping(bytes) => ts::Message::Ping(bytes),
            Message::Pong(bytes) => ts::Message::Pong(bytes),
            Message::Close(frame) => ts::Message::Close(frame.map(CloseFrame::into_protocol)),
        }
    }
}

impl CloseFrame {
    fn into_protocol(self) -> ts::protocol::CloseFrame {
        ts::protocol::CloseFrame {
            code: self.code.into(),
            reason: self.reason.0,
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Message {
        Message::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Message {
        Message::Text(text.into())
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Message {
        Message::Binary(bytes.into())
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Message {
        Message::Binary(Bytes::copy_from_slice(bytes))
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Message {
        Message::Binary(bytes)
    }
}

impl From<Message> for Vec<u8> {
    fn from(message: Message) -> Vec<u8> {
        message.into_data().to_vec()
    }
}

/// Text that is cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Utf8Bytes(ts::Utf8Bytes);

impl Utf8Bytes {
    /// Text that is never copied.
    pub const fn from_static(text: &'static str) -> Utf8Bytes {
        Utf8Bytes(ts::Utf8Bytes::from_static(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = std::str::Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Utf8Bytes, std::str::Utf8Error> {
        ts::Utf8Bytes::try_from(bytes).map(Utf8Bytes)
    }
}

impl TryFrom<Vec<u8>> for Utf8Bytes {
    type Error = std::str::Utf8Error;

    fn try_from(bytes: Vec<u8>) -> Result<Utf8Bytes, std::str::Utf8Error> {
        Utf8Bytes::try_from(Bytes::from(bytes))
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Utf8Bytes {
        Utf8Bytes(text.into())
    }
}

impl From<&String> for Utf8Bytes {
    fn from(text: &String) -> Utf8Bytes {
        Utf8Bytes(text.as_str().into())
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Utf8Bytes {
        Utf8Bytes(text.into())
    }
}

impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Bytes {
        text.0.into()
    }
}

impl PartialEq<str> for Utf8Bytes {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Utf8Bytes {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Utf8Bytes {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}
