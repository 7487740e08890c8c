//! Every system call on sockets and pipes that std does not make for us, one file per system.
//!
//! Each system offers the same functions:
//!
//! - `SEND_FLAGS`: flags for every send, so that a vanished peer is an error and never a signal;
//! - `REUSE_ADDRESS`: whether a listener asks for `SO_REUSEADDR`;
//! - `stream_socket(domain)`: a TCP socket in non-blocking mode, closed on exec;
//! - `accept(&listener)`: the same for an accepted connection, and who connected;
//! - `is_in_progress(&error)`: whether a failed `connect` goes on in the background;
//! - `set_nonblocking(&source)`: for any pollable object;
//! - `is_no_socket(&error)`: whether a socket's call failed because the object is none.
//!
//! `local` does the same for Unix domain sockets, `pipe` for pipes. `recv` reads from streams into memory that nobody
//! need have initialised (`append`), and `send` writes; `direct` has the two calls that they make most. `wait` waits
//! for standard streams in a thread; `process` is about children, `signal` has the handler of signals, `file` reads
//! what is in memory. Not here: any other waiting, which is the reactor's, and anything that knows a task. Called by
//! `net`, `io`, `signal`, `process` and `fs`; what only sockets need comes with the feature `net`.

/// No system takes more buffers in one call (`IOV_MAX`, `UIO_MAXIOV`); of more than these, the first are transferred,
/// as by std.
#[cfg(feature = "net")]
pub(crate) const MOST_BUFFERS: usize = 1024;

pub(crate) mod append;
#[cfg(feature = "net")]
mod direct;
#[cfg(feature = "net")]
pub(crate) mod recv;
#[cfg(feature = "net")]
pub(crate) mod send;
#[cfg(feature = "net")]
pub(crate) mod send_file;

#[cfg(target_os = "linux")]
pub(crate) mod file;
pub(crate) mod process;
pub(crate) mod signal;
pub(crate) mod wait;

#[cfg(all(feature = "net", unix, not(target_vendor = "apple")))]
mod unix;
#[cfg(all(feature = "net", unix, not(target_vendor = "apple")))]
pub(crate) use unix::*;

#[cfg(all(feature = "net", target_vendor = "apple"))]
mod apple;
#[cfg(all(feature = "net", target_vendor = "apple"))]
pub(crate) use apple::*;

#[cfg(unix)]
mod lock;
#[cfg(unix)]
pub(crate) use lock::flock;

#[cfg(unix)]
mod nonblocking;
#[cfg(unix)]
pub(crate) use nonblocking::{set_blocking, set_nonblocking};

#[cfg(all(feature = "net", windows))]
mod windows;
#[cfg(all(feature = "net", windows))]
pub(crate) use windows::*;

#[cfg(all(feature = "net", unix))]
pub(crate) mod local;
#[cfg(all(feature = "net", unix))]
pub(crate) mod pipe;

#[cfg(feature = "net")]
use filch_reactor::AsSource;
#[cfg(feature = "net")]
use socket2::SockRef;
#[cfg(feature = "net")]
use std::io;
#[cfg(feature = "net")]
use std::net::Shutdown;

/// Ends writing if that is a socket. One that is not connected any more has ended.
#[cfg(feature = "net")]
pub(crate) fn end_writing<T: AsSource>(source: &T) -> io::Result<()> {
    match SockRef::from(source).shutdown(Shutdown::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected || is_no_socket(&error) => Ok(()),
        result => result,
    }
}
