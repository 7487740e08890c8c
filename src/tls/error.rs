//! What went wrong with a certificate, a key, a configuration or a handshake.

use std::fmt;
use std::io;

/// An error of TLS: of what a program gave (certificates, keys, names), or of what the peer did.
///
/// A stream's and a handshake's errors are [`io::Error`]s that hold one, with the kind
/// [`InvalidData`](io::ErrorKind::InvalidData); [`TlsError::of`] finds it.
#[derive(Debug)]
pub struct TlsError {
    what: String,
    source: Option<Source>,
}

type Source = Box<dyn std::error::Error + Send + Sync>;

impl TlsError {
    pub(crate) fn new(what: impl Into<String>) -> TlsError {
        TlsError {
            what: what.into(),
            source: None,
        }
    }

    pub(crate) fn because(what: impl Into<String>, source: impl Into<Source>) -> TlsError {
        TlsError {
            what: what.into(),
            source: Some(source.into()),
        }
    }

    /// The TLS error inside of an error of a stream or handshake, if it is one.
    ///
    /// ```
    /// use filch::tls::TlsError;
    ///
    /// let error = std::io::Error::other("a full disk");
    /// assert!(TlsError::of(&error).is_none());
    /// ```
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&TlsError> {
        error.get_ref()?.downcast_ref()
    }

    /// What rustls said, if it was rustls who found the fault: which alert came, what is wrong with a certificate.
    #[must_use]
    pub fn rustls(&self) -> Option<&rustls::Error> {
        self.source.as_ref()?.downcast_ref()
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            None => f.write_str(&self.what),
            Some(source) => write!(f, "{}: {source}", self.what),
        }
    }
}

// The source stands in the text already: a chain of causes would name it twice.
impl std::error::Error for TlsError {}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}
