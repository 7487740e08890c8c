//! Every system call on sockets and pipes that std does not make for us, one file per system.
//!
//! Each system offers the same functions:
//!
//! - `SEND_FLAGS`: flags for every send, so that a vanished peer is an error and never a signal;
//! - `REUSE_ADDRESS`: whether a listener asks for `SO_REUSEADDR`;
//! - `stream_socket(domain)`: a TCP socket in non-blocking mode, closed on exec;
//! - `accept(&listener)`: the same for an accepted connection, and who connected;
//! - `is_in_progress(&error)`: whether a failed `connect` goes on in the background;
//! - `set_nonblocking(&source)`: for any pollable object.
//!
//! `local` does the same for Unix domain sockets. `recv` reads from streams, into memory that nobody need have
//! initialised. Not here: waiting, which is the reactor's, and anything that knows a task. Called by `net` alone.

/// No system takes more buffers in one call (`IOV_MAX`, `UIO_MAXIOV`); of more than these, the first are transferred,
/// as by std.
pub(crate) const MOST_BUFFERS: usize = 1024;

pub(crate) mod recv;

#[cfg(all(unix, not(target_vendor = "apple")))]
mod unix;
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(crate) use unix::*;

#[cfg(target_vendor = "apple")]
mod apple;
#[cfg(target_vendor = "apple")]
pub(crate) use apple::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::*;

#[cfg(unix)]
pub(crate) mod local;
