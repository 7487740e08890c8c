//! Pipes: bytes in one direction, between threads or processes of one machine.
//!
//! [`pipe`] makes one without a name, of which an end can be handed to a child process. [`OpenOptions`] opens one that
//! has a name (a FIFO, by `mkfifo`). The names are those of tokio's `net::unix::pipe`.
//!
//! ```
//! use filch::net::unix::pipe::pipe;
//!
//! # filch::run(async {
//! let (sender, receiver) = pipe()?;
//! sender.write_all(b"through").await?;
//! drop(sender);
//! let mut all = Vec::new();
//! while receiver.read_buf(&mut all).await? > 0 {}
//! assert_eq!(all, b"through");
//! # std::io::Result::Ok(()) }).unwrap();
//! ```

mod end;
mod open;
mod receiver;
mod sender;

pub use open::OpenOptions;
pub use receiver::Receiver;
pub use sender::Sender;

use crate::sys;
use end::end;
use filch_executor::Handle;
use std::io;
use std::panic::Location;

/// A new pipe: what is written to the sender is read from the receiver.
///
/// # Errors
/// The system's; an error that says so outside of a runtime.
#[track_caller]
pub fn pipe() -> io::Result<(Sender, Receiver)> {
    let at = Location::caller();
    let handle = Handle::try_current()?;
    let (reader, writer) = sys::pipe::pipe()?;
    let sender = Sender::new(end(&handle, writer, at));
    Ok((sender, Receiver::new(end(&handle, reader, at))))
}
