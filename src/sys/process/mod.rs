//! System calls on child processes that std does not make for us. Called by `process`.
//!
//! A process id says who is meant only while the child has not been waited for: until then nobody else can get it.

#[cfg(target_os = "linux")]
mod pidfd;
#[cfg(target_os = "linux")]
pub(crate) use pidfd::open_pidfd;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{Whom, has_ended, poll_readable, send};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::wait_for_object;
