//! What can go wrong with a request.

use std::error::Error as StdError;
use std::fmt;
use std::io;

type Source = Box<dyn StdError + Send + Sync>;

/// Why a request has failed: what was attempted, on what, and by [`kind`](Error::kind) in which way.
///
/// It becomes an [`io::Error`] by `?` or `into()`.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    what: String,
    source: Option<Source>,
}

/// In which way a request has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The URL, a header or the body could not be made a request of.
    Url,
    /// There was no connection: no such host, nobody listens, or no route.
    Connect,
    /// The proxy has refused, or could not be reached.
    Proxy,
    /// The handshake has failed, or TLS is not compiled in.
    Tls,
    /// A connection was not there in time.
    ConnectTimeout,
    /// The answer did not begin in time.
    AnswerTimeout,
    /// The answer's body stood still for too long.
    BodyTimeout,
    /// The whole took longer than it was allowed to.
    Timeout,
    /// The connection broke, or what came by it was no HTTP.
    Broken,
    /// The body is larger than allowed.
    TooLarge,
    /// There were too many redirects, or one to nowhere.
    Redirect,
    /// The status was one of an error: see [`Response::error_for_status`](super::Response::error_for_status).
    Status(http::StatusCode),
    /// The body was not what it should be, such as no JSON.
    Body,
}

impl Error {
    pub(super) fn new(kind: Kind, what: impl Into<String>) -> Error {
        let what = what.into();
        Error {
            kind,
            what,
            source: None,
        }
    }

    pub(super) fn because(kind: Kind, what: impl Into<String>, source: impl Into<Source>) -> Error {
        let what = what.into();
        let source = Some(source.into());
        Error { kind, what, source }
    }

    /// In which way.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// As which an [`io::Error`] has it.
    pub(in crate::http) fn io_kind(&self) -> io::ErrorKind {
        let source = || self.source.as_ref()?.downcast_ref::<io::Error>();
        match self.kind {
            _ if self.is_timeout() => io::ErrorKind::TimedOut,
            Kind::Url => io::ErrorKind::InvalidInput,
            Kind::Broken => io::ErrorKind::ConnectionReset,
            Kind::Body | Kind::TooLarge => io::ErrorKind::InvalidData,
            Kind::Connect => source().map_or(io::ErrorKind::NotConnected, io::Error::kind),
            _ => io::ErrorKind::Other,
        }
    }

    /// Was it one of the limits of time?
    pub fn is_timeout(&self) -> bool {
        use Kind::*;
        matches!(
            self.kind,
            ConnectTimeout | AnswerTimeout | BodyTimeout | Timeout
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        let mut cause = self
            .source
            .as_ref()
            .map(|source| &**source as &dyn StdError);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// The causes are in the text already.
impl StdError for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(error.io_kind(), error)
    }
}
