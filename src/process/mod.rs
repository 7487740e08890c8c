//! Running programs: std's names, async.
//!
//! [`Command`] starts a program; a [`Child`] is waited for, killed, or [stopped](Child::stop), with a grace time between
//! asking and killing. Its pipes are `AsyncRead` and `AsyncWrite`.
//!
//! ```
//! # #[cfg(unix)]
//! # filch::run(async {
//! use filch::io::{AsyncBufReadExt, BufReader};
//! use filch::process::{Command, Stdio};
//! use filch::stream::StreamExt;
//!
//! let mut child = Command::new("printf").arg("one\\ntwo\\n").stdout(Stdio::piped()).spawn()?;
//! let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
//! while let Some(line) = lines.next().await {
//!     println!("it says {}", line?);
//! }
//! assert!(child.wait().await?.success());
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```
//!
//! **No zombies.** A child that has ended stays in the system's table until it has been waited for. That is done for
//! every child, whatever becomes of its [`Child`] and of the runtime. A child that is dropped goes on, unless
//! [`kill_on_drop`](Command::kill_on_drop) was set.
//!
//! Starting a program takes a part of a millisecond, more in a process with much memory. The worker announces that, as
//! with [`blocking`](crate::blocking), and its other tasks go on elsewhere.

mod exit;
#[cfg(unix)]
mod orphans;
mod pipe;

mod child;
mod command;
mod output;
mod stop;

pub use child::Child;
pub use command::Command;
pub use pipe::{ChildStderr, ChildStdin, ChildStdout};
pub use std::process::{ExitStatus, Output, Stdio};

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use super::child::future::{Kill, Wait};
    pub use super::output::{Status, WaitWithOutput};
    pub use super::stop::Stop;
}
