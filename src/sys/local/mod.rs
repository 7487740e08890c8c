//! Unix domain sockets, where std would block or cannot say it.

mod cred;

pub use cred::UCred;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::*;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod bsd;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use bsd::*;

use socket2::{Domain, Socket, Type};
use std::io;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

/// The next connection, in non-blocking mode.
pub(crate) fn accept(listener: &UnixListener) -> io::Result<(UnixStream, SocketAddr)> {
    let (stream, peer) = listener.accept()?;
    stream.set_nonblocking(true)?;
    Ok((stream, peer))
}

/// A stream socket in non-blocking mode, closed on exec.
pub(crate) fn stream_socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Connects without waiting. `WouldBlock`: the listener's queue is full, and the system will not
/// say when it no longer is; the socket is as before.
pub(crate) fn connect(socket: &Socket, address: &SocketAddr) -> io::Result<()> {
    let address = sockaddr(address)?;
    loop {
        match socket.connect(&address) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            connected => return connected,
        }
    }
}
