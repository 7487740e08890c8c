//! Windows: `SO_REUSEADDR` there lets two listeners share a port, so it stays off.

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::windows::io::AsSocket;

pub(crate) const SEND_FLAGS: i32 = 0;
pub(crate) const REUSE_ADDRESS: bool = false;

pub(crate) fn stream_socket(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

pub(crate) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept()?;
    stream.set_nonblocking(true)?;
    Ok((stream, peer))
}

pub(crate) fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

pub(crate) fn set_nonblocking<T: AsSocket>(source: &T) -> io::Result<()> {
    SockRef::from(source).set_nonblocking(true)
}

/// Every object is a socket there.
pub(crate) fn is_no_socket(_: &io::Error) -> bool {
    false
}
