//! Linux: `SO_PEERCRED`, and names in the abstract namespace.

use crate::net::UCred;
use socket2::SockAddr;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::SocketAddr;

/// Who is at the other end.
pub(crate) fn peer_cred<T: AsFd>(socket: &T) -> io::Result<UCred> {
    let found = rustix::net::sockopt::socket_peercred(socket)?;
    let pid = found.pid.as_raw_nonzero().get();
    Ok(UCred::new(
        found.uid.as_raw(),
        found.gid.as_raw(),
        Some(pid),
    ))
}

/// The system's form of an address.
pub(crate) fn sockaddr(address: &SocketAddr) -> io::Result<SockAddr> {
    match (address.as_pathname(), address.as_abstract_name()) {
        (Some(path), _) => SockAddr::unix(path),
        (None, Some(name)) => SockAddr::unix(OsString::from_vec([b"\0", name].concat())),
        (None, None) => SockAddr::unix(""),
    }
}
