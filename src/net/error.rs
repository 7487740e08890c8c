//! Errors that say what was attempted, on what.
//!
//! [`context`] puts words before an `io::Error` and keeps its kind; the error from the system, with
//! its number, is the new one's `source()`. Used where a call is made once in a connection's life
//! (bind, connect, lookup). Reads, writes and accepts hand the system's error on as it is: their
//! callers look at its number.

use std::error::Error;
use std::fmt;
use std::io;

/// An error of the system, and what was being done.
#[derive(Debug)]
struct Attempted {
    what: String,
    cause: io::Error,
}

impl fmt::Display for Attempted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.cause)
    }
}

impl Error for Attempted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

/// The same kind of error, with `what` in front of its text.
pub(crate) fn context(cause: io::Error, what: impl fmt::Display) -> io::Error {
    io::Error::new(
        cause.kind(),
        Attempted {
            what: what.to_string(),
            cause,
        },
    )
}

/// For arguments that cannot be meant.
pub(crate) fn invalid_input(what: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_text_and_number_survive() {
        let error = context(io::Error::from_raw_os_error(111), "connect to 127.0.0.1:9");
        let plain = io::Error::from_raw_os_error(111);
        assert_eq!(error.kind(), plain.kind());
        assert_eq!(
            error.to_string(),
            format!("connect to 127.0.0.1:9: {plain}")
        );
        let cause = error
            .source()
            .and_then(|cause| cause.downcast_ref::<io::Error>());
        assert_eq!(cause.and_then(io::Error::raw_os_error), Some(111));
    }
}
