//! What can be said of an output that nobody takes, when nothing is known of its type.
//!
//! `shield` takes futures of any output, and whether some type is a `Result` cannot be asked. What can is whether it is
//! a certain one: so the usual ones are tried.

use std::any::Any;
use std::error::Error;
use std::fmt::Display;

/// The text of the error, if it is an `Err` of a usual kind.
pub(super) fn describe_error<T: 'static>(output: &T) -> Option<String> {
    text::<std::io::Error>(output)
        .or_else(|| text::<Box<dyn Error + Send + Sync>>(output))
        .or_else(|| text::<String>(output))
        .or_else(|| text::<&'static str>(output))
}

/// What an error of a type that everybody has says.
fn text<E: Display + 'static>(output: &dyn Any) -> Option<String> {
    let result = output.downcast_ref::<Result<(), E>>()?;
    result.as_ref().err().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::describe_error;
    use std::io;

    #[test]
    fn the_usual_errors_are_told_from_every_other_output() {
        let lost: io::Result<()> = Err(io::Error::other("disk full"));
        assert_eq!(describe_error(&lost).as_deref(), Some("disk full"));
        assert_eq!(describe_error(&Err::<(), _>("no")).as_deref(), Some("no"));
        let owned: Result<(), String> = Err("none".into());
        assert_eq!(describe_error(&owned).as_deref(), Some("none"));
        assert!(describe_error(&Ok::<(), String>(())).is_none());
        assert!(describe_error(&Err::<u8, _>("of another kind")).is_none());
        assert!(describe_error(&()).is_none() && describe_error(&Some("text")).is_none());
    }
}
