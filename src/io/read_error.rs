//! Why a read of a whole message has none: it is too long, or the stream has ended in its midst.

use std::error::Error;
use std::fmt;
use std::io;

/// asyncio's name for it.
pub type LimitOverrun = ReadLimit;

/// No delimiter came within the limit. Inside of an `io::Error` of kind `InvalidData`:
///
/// ```
/// use filch::io::ReadLimit;
///
/// fn is_too_long(error: &std::io::Error) -> bool {
///     error.get_ref().is_some_and(|inner| inner.is::<ReadLimit>())
/// }
/// assert!(is_too_long(&ReadLimit { limit: 80 }.into()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// The limit, in bytes.
    pub limit: usize,
}

impl fmt::Display for ReadLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no delimiter within the limit of {} bytes", self.limit)
    }
}

impl Error for ReadLimit {}

impl From<ReadLimit> for io::Error {
    fn from(limit: ReadLimit) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, limit)
    }
}

/// The stream ended in the midst of a message. Inside of an `io::Error` of kind `UnexpectedEof`; what was read is in
/// the buffer.
///
/// ```
/// use filch::io::IncompleteRead;
///
/// /// Whether the peer has ended between two messages.
/// fn has_ended(error: &std::io::Error) -> bool {
///     let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<IncompleteRead>());
///     inner.is_some_and(|incomplete| incomplete.read == 0)
/// }
/// assert!(has_ended(&IncompleteRead { read: 0, expected: Some(4) }.into()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncompleteRead {
    /// How many bytes are in the buffer.
    pub read: usize,
    /// How many were to be there, if that was said.
    pub expected: Option<usize>,
}

impl fmt::Display for IncompleteRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = self.read;
        match self.expected {
            Some(expected) => write!(f, "the stream ended after {read} of {expected} bytes"),
            None => write!(f, "the stream ended after {read} bytes without a separator"),
        }
    }
}

impl Error for IncompleteRead {}

impl From<IncompleteRead> for io::Error {
    fn from(incomplete: IncompleteRead) -> io::Error {
        io::Error::new(io::ErrorKind::UnexpectedEof, incomplete)
    }
}
