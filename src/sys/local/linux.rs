//! Linux: `SO_PEERCRED`, names in the abstract namespace, and reads that tell whether there may be more.

use super::cred::UCred;
use filch_executor::leaf::Transfer;
use socket2::{SockAddr, SockRef};
use std::ffi::OsString;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::SocketAddr;

/// Who is at the other end. Where that process is not visible from here (in another pid namespace), or the socket never
/// had a peer, the system says 0.
pub(crate) fn peer_cred<T: AsFd>(socket: &T) -> io::Result<UCred> {
    let mut found = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open while `socket` is borrowed, and the pointers are to a structure of the type that
    // this option has, for which any bytes are valid, and to its length.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut found).cast(),
            &raw mut length,
        )
    };
    match result {
        0 => {
            let pid = Some(found.pid).filter(|pid| *pid != 0);
            Ok(UCred::new(found.uid, found.gid, pid))
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// The system's form of an address.
pub(crate) fn sockaddr(address: &SocketAddr) -> io::Result<SockAddr> {
    match (address.as_pathname(), address.as_abstract_name()) {
        (Some(path), _) => SockAddr::unix(path),
        (None, Some(name)) => SockAddr::unix(OsString::from_vec([b"\0", name].concat())),
        (None, None) => SockAddr::unix(""),
    }
}

/// Receives from a stream into `buf`, of which it initialises as many bytes as it says.
///
/// A read ends early behind bytes that were sent along with descriptors, and where the sender changes if the
/// socket asks for credentials. In both cases there was something to receive besides bytes, which nobody asked
/// for here, and `recvmsg` says so: `MSG_CTRUNC`, unix(7) and recvmsg(2). Any other short read is the last one,
/// unless it stops at a mark of out-of-band data, which the source knows of (`readiness.rs` in the reactor).
pub(crate) fn recv(socket: &SockRef<'_>, buf: &mut [MaybeUninit<u8>]) -> io::Result<Transfer> {
    let mut vector = libc::iovec {
        iov_base: buf.as_mut_ptr().cast(),
        iov_len: buf.len(),
    };
    // SAFETY: the vector is one piece of memory, borrowed mutably by this call.
    unsafe { recvmsg(socket, &raw mut vector, 1, buf.len()) }
}

/// The same, into several buffers.
pub(crate) fn recv_vectored(
    socket: &SockRef<'_>,
    bufs: &mut [IoSliceMut<'_>],
) -> io::Result<Transfer> {
    let length = bufs.iter().map(|buf| buf.len()).sum();
    // SAFETY: an `IoSliceMut` has the layout of an `iovec`, as its documentation promises.
    unsafe { recvmsg(socket, bufs.as_mut_ptr().cast(), bufs.len(), length) }
}

/// # Safety
/// `vectors` points to `count` vectors of memory that may be written.
unsafe fn recvmsg(
    socket: &SockRef<'_>,
    vectors: *mut libc::iovec,
    count: usize,
    length: usize,
) -> io::Result<Transfer> {
    // SAFETY: for this structure all-zero bytes mean that there is no address, no vector and no room for more.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = vectors;
    message.msg_iovlen = count as _;
    // SAFETY: the socket is open while it is borrowed, and the message describes memory that may be written.
    let count = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    let mut done = Transfer::of(count, length);
    done.is_last &= message.msg_flags & libc::MSG_CTRUNC == 0;
    Ok(done)
}
