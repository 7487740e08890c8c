//! macOS and the BSDs: `getpeereid`, addresses that are paths or nothing, and reads that never tell that they are the
//! last.

use super::cred::UCred;
use filch_executor::leaf::Transfer;
use socket2::{SockAddr, SockRef};
use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;
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

/// Receives from a stream into `buf`, of which it initialises as many bytes as it says. A read ends early behind
/// bytes that were sent along with descriptors, so a short one says nothing.
pub(crate) fn recv(socket: &SockRef<'_>, buf: &mut [MaybeUninit<u8>]) -> io::Result<Transfer> {
    let (count, is_last) = (socket.recv(buf)?, false);
    Ok(Transfer { count, is_last })
}

/// The same, into several buffers.
pub(crate) fn recv_vectored(
    socket: &SockRef<'_>,
    bufs: &mut [IoSliceMut<'_>],
) -> io::Result<Transfer> {
    let (count, is_last) = ((&**socket).read_vectored(bufs)?, false);
    Ok(Transfer { count, is_last })
}
