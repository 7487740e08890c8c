//! What ends a WebSocket before its time.

use crate::http::client;
use async_tungstenite::tungstenite::Error as Protocol;
use http::StatusCode;
use std::fmt;
use std::io;
use std::time::Duration;

/// Why a WebSocket has failed. After that it is over.
#[derive(Debug)]
pub struct Error(Cause);

#[derive(Debug)]
enum Cause {
    Protocol(Box<Protocol>),
    /// The other side has not answered for so long.
    Silent(Duration),
    Url(String),
    /// Its server was not reached.
    Client(client::Error),
    /// It was not open in time.
    Late(String, Duration),
}

impl Error {
    pub(super) fn silent(time: Duration) -> Error {
        Error(Cause::Silent(time))
    }

    pub(super) fn url(what: impl Into<String>) -> Error {
        Error(Cause::Url(what.into()))
    }

    pub(super) fn late(url: String, limit: Duration) -> Error {
        Error(Cause::Late(url, limit))
    }

    /// Was it not open within its limit of time, or was the other side silent for too long?
    pub fn is_timeout(&self) -> bool {
        match &self.0 {
            Cause::Late(..) | Cause::Silent(_) => true,
            Cause::Client(error) => error.is_timeout(),
            _ => false,
        }
    }

    /// The status by which the server has refused, if it answered the handshake with one.
    pub fn status(&self) -> Option<StatusCode> {
        match &self.0 {
            Cause::Protocol(error) => match &**error {
                Protocol::Http(answer) => Some(answer.status()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Why its server was not reached, in the client's words.
    pub fn client_error(&self) -> Option<&client::Error> {
        match &self.0 {
            Cause::Client(error) => Some(error),
            _ => None,
        }
    }

    /// Has the other side sent more than a limit allows?
    pub fn is_too_large(&self) -> bool {
        matches!(&self.0, Cause::Protocol(error) if matches!(**error, Protocol::Capacity(_)))
    }

    /// It was over before.
    pub(super) fn is_end(&self) -> bool {
        use async_tungstenite::tungstenite::error::ProtocolError::SendAfterClosing;
        match &self.0 {
            Cause::Protocol(error) => matches!(
                **error,
                Protocol::ConnectionClosed
                    | Protocol::AlreadyClosed
                    | Protocol::Protocol(SendAfterClosing)
            ),
            _ => false,
        }
    }

    /// Has the other side not answered pings?
    pub fn is_silent(&self) -> bool {
        matches!(self.0, Cause::Silent(_))
    }

    /// What the other side is told of it, if it was at fault.
    pub(super) fn close_code(&self) -> Option<u16> {
        use super::close_code as code;
        match &self.0 {
            Cause::Protocol(error) => match **error {
                Protocol::Capacity(_) => Some(code::SIZE),
                Protocol::Utf8(_) => Some(code::INVALID),
                Protocol::Protocol(_) | Protocol::AttackAttempt => Some(code::PROTOCOL),
                _ => None,
            },
            Cause::Silent(_) => Some(code::AWAY),
            Cause::Url(_) | Cause::Client(_) | Cause::Late(..) => None,
        }
    }
}

impl From<client::Error> for Error {
    fn from(error: client::Error) -> Error {
        Error(Cause::Client(error))
    }
}

impl From<Protocol> for Error {
    fn from(error: Protocol) -> Error {
        Error(Cause::Protocol(Box::new(error)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Protocol(error) => write!(f, "the WebSocket failed: {error}"),
            Cause::Silent(time) => write!(
                f,
                "the WebSocket's other side did not answer a ping within {time:?}"
            ),
            Cause::Url(what) => f.write_str(what),
            Cause::Client(error) => write!(f, "there is no WebSocket: {error}"),
            Cause::Late(url, limit) => write!(f, "{url} was no open WebSocket within {limit:?}"),
        }
    }
}

/// The cause is in the text already.
impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match &error.0 {
            Cause::Silent(_) | Cause::Late(..) => io::ErrorKind::TimedOut,
            Cause::Client(error) => error.io_kind(),
            Cause::Url(_) => io::ErrorKind::InvalidInput,
            Cause::Protocol(protocol) => match &**protocol {
                Protocol::Io(error) => error.kind(),
                Protocol::ConnectionClosed | Protocol::AlreadyClosed => io::ErrorKind::NotConnected,
                _ => io::ErrorKind::InvalidData,
            },
        };
        io::Error::new(kind, error)
    }
}
