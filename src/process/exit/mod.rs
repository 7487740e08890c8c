//! How the end of a child is noticed: [`Exit`] waits for it, and tries whether there is a status.
//!
//! On Linux the child's own descriptor becomes readable (pidfd), in the poller of the runtime that waits. Before Linux
//! 5.3, and on other Unixes, any child's end is a signal (`SIGCHLD`), and everybody who waits looks. On Windows a
//! thread of the process waits for each child that is waited for.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::Exit;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(super) use windows::Exit;
