//! Linux, Android and the BSDs: flags at creation save a system call per socket.

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

pub(crate) const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;
pub(crate) const REUSE_ADDRESS: bool = true;

pub(crate) fn stream_socket(domain: Domain) -> io::Result<Socket> {
    Socket::new_raw(
        domain,
        Type::STREAM.nonblocking().cloexec(),
        Some(Protocol::TCP),
    )
}

pub(crate) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let (socket, peer) = SockRef::from(listener).accept4(flags)?;
    let peer = peer.as_socket().ok_or(io::ErrorKind::InvalidData)?;
    Ok((socket.into(), peer))
}

pub(crate) fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS) || error.kind() == io::ErrorKind::Interrupted
}

pub(crate) fn is_no_socket(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOTSOCK)
}
