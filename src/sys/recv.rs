//! Reads from sockets. They write into memory that nobody initialised, which the io traits cannot say, and tell
//! whether there may be more.
//!
//! All over socket2's `recv` and `peek`, and `local`'s own, which write only initialised bytes and say how many. The
//! crate's unsafe code for reading into uninitialised memory is here, and in `net::stream`, whose caller gets it back.

use super::append::Append;
use filch_executor::leaf::Transfer;
use socket2::{SockAddr, SockRef};
use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::net::SocketAddr;

/// What a short read says, and by which call it is made, depends on the kind of stream: that nothing is left, of TCP.
/// Of Unix sockets `local` has to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Tcp,
    #[cfg(unix)]
    Local,
    /// No socket: a pipe.
    #[cfg(unix)]
    Pipe,
}

/// Receives into `buf`.
#[inline]
pub(crate) fn recv(socket: &SockRef<'_>, kind: StreamKind, buf: &mut [u8]) -> io::Result<Transfer> {
    recv_uninit(socket, kind, as_uninit(buf))
}

/// Receives into several buffers, one after the other.
pub(crate) fn recv_vectored(
    socket: &SockRef<'_>,
    kind: StreamKind,
    bufs: &mut [IoSliceMut<'_>],
) -> io::Result<Transfer> {
    let most = bufs.len().min(super::MOST_BUFFERS);
    let bufs = &mut bufs[..most];
    match kind {
        StreamKind::Tcp => {
            let length = bufs.iter().map(|buf| buf.len()).sum();
            let count = (&**socket).read_vectored(bufs)?;
            Ok(Transfer::of(count, length))
        }
        #[cfg(unix)]
        StreamKind::Local => super::local::recv_vectored(socket, bufs),
        #[cfg(unix)]
        StreamKind::Pipe => super::pipe::read_vectored(socket, bufs),
    }
}

/// Receives into `buf`, of which it initialises as many bytes as it says.
#[inline]
pub(crate) fn recv_uninit(
    socket: &SockRef<'_>,
    kind: StreamKind,
    buf: &mut [MaybeUninit<u8>],
) -> io::Result<Transfer> {
    match kind {
        StreamKind::Tcp => Ok(Transfer::of(super::direct::recv(socket, buf)?, buf.len())),
        #[cfg(unix)]
        StreamKind::Local => super::local::recv(socket, buf),
        #[cfg(unix)]
        StreamKind::Pipe => super::pipe::read(socket, buf),
    }
}

/// Receives behind the end of `buf`, into its spare capacity, which is made if there is none.
pub(crate) fn recv_append<B: Append>(
    socket: &SockRef<'_>,
    kind: StreamKind,
    buf: &mut B,
) -> io::Result<Transfer> {
    let done = recv_uninit(socket, kind, buf.room())?;
    // SAFETY: `recv_uninit` wrote so many bytes of `room`.
    unsafe { buf.grow(done.count) };
    Ok(done)
}

/// The same for a datagram, which says nothing about the next.
pub(crate) fn recv_append_datagram<B: Append>(
    socket: &SockRef<'_>,
    buf: &mut B,
) -> io::Result<usize> {
    let count = socket.recv(buf.room())?;
    // SAFETY: `recv` wrote so many bytes of `room`.
    unsafe { buf.grow(count) };
    Ok(count)
}

/// The same, and who sent it.
pub(crate) fn recv_append_from<B: Append>(
    socket: &SockRef<'_>,
    buf: &mut B,
) -> io::Result<(usize, SocketAddr)> {
    let (count, from) = socket.recv_from(buf.room())?;
    // SAFETY: `recv_from` wrote so many bytes of `room`.
    unsafe { buf.grow(count) };
    Ok((count, inet(&from)?))
}

/// Who sent the datagram that comes next, which stays where it is.
pub(crate) fn peek_sender(socket: &SockRef<'_>) -> io::Result<SocketAddr> {
    inet(&socket.peek_sender()?)
}

fn inet(address: &SockAddr) -> io::Result<SocketAddr> {
    let address = address.as_socket();
    address.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Receives into `buf` and leaves the data where they are.
pub(crate) fn peek(socket: &SockRef<'_>, buf: &mut [u8]) -> io::Result<usize> {
    socket.peek(as_uninit(buf))
}

/// A buffer as the system's calls take it, which write initialised bytes alone.
fn as_uninit(buf: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: `MaybeUninit<u8>` has the layout of `u8`, and those who get this write nothing uninitialised, so
    // `buf` stays initialised.
    unsafe { &mut *(std::ptr::from_mut(buf) as *mut [MaybeUninit<u8>]) }
}
