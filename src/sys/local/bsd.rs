//! macOS and the BSDs: `getpeereid`, and addresses that are paths or nothing.

use crate::net::UCred;
use socket2::SockAddr;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;

/// Who is at the other end.
pub(crate) fn peer_cred<T: AsFd>(socket: &T) -> io::Result<UCred> {
    let (mut uid, mut gid) = (0, 0);
    let descriptor = socket.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open while `socket` is borrowed, and both pointers are to locals of
    // the types that the call writes.
    match unsafe { libc::getpeereid(descriptor, &mut uid, &mut gid) } {
        0 => Ok(UCred::new(uid, gid, None)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The system's form of an address.
pub(crate) fn sockaddr(address: &SocketAddr) -> io::Result<SockAddr> {
    SockAddr::unix(address.as_pathname().unwrap_or(Path::new("")))
}
