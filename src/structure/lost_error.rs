//! What can be said of an output that nobody takes, when nothing is known of its type: whether it is an `Err`.
//!
//! `shield` takes futures of any output. So which type it is, is asked by its name, and which variant by its
//! discriminant. Both are meant for messages, and nothing but a message is made of them here.

use std::any::{Any, type_name};
use std::error::Error;
use std::fmt::Display;
use std::mem::{Discriminant, discriminant};

/// What to say of it, if it is an `Err`.
pub(super) fn describe_error<T: 'static>(output: &T) -> Option<String> {
    if !is_err(output) {
        return None;
    }
    let text = text::<std::io::Error>(output)
        .or_else(|| text::<Box<dyn Error + Send + Sync>>(output))
        .or_else(|| text::<String>(output))
        .or_else(|| text::<&'static str>(output));
    Some(text.unwrap_or_else(|| format!("an Err of {}", type_name::<T>())))
}

fn is_err<T>(output: &T) -> bool {
    // The names of the type and of the variant in today's and all past versions. A test fails should that change.
    let mut result = type_name::<Result<(), ()>>().split('<');
    let mut own = type_name::<T>().split('<');
    let of_err: Discriminant<Result<(), ()>> = discriminant(&Err(()));
    own.next() == result.next() && format!("{:?}", discriminant(output)) == format!("{of_err:?}")
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
    fn an_err_is_told_from_every_other_output() {
        struct Silent;
        let lost: io::Result<()> = Err(io::Error::other("disk full"));
        assert_eq!(describe_error(&lost).as_deref(), Some("disk full"));
        assert_eq!(describe_error(&Err::<(), _>("no")).as_deref(), Some("no"));
        let silent = describe_error(&Err::<Vec<u8>, _>(Silent)).unwrap();
        assert!(silent.starts_with("an Err of ") && silent.contains("Silent"));
        // Without a tag of its own.
        let boxed: Result<Box<u8>, ()> = Err(());
        assert!(describe_error(&boxed).is_some());
        assert!(describe_error(&Err::<std::convert::Infallible, u8>(1)).is_some());

        assert!(describe_error(&Ok::<_, Silent>(7)).is_none());
        assert!(describe_error(&Ok::<Box<u8>, ()>(Box::new(1))).is_none());
        assert!(
            describe_error(&Some(7)).is_none() && describe_error(&Some(Err::<(), _>(7))).is_none()
        );
        assert!(describe_error(&()).is_none() && describe_error(&Silent).is_none());
        assert!(describe_error(&std::ops::ControlFlow::<u8>::Break(1)).is_none());
    }
}
