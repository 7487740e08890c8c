//! Reads from sockets. They write into memory that nobody initialised, which the io traits cannot say, and tell
//! whether there may be more.
//!
//! All over socket2's `recv` and `peek`, and `local`'s own, which write only initialised bytes and say how many. The
//! crate's unsafe code for reading into uninitialised memory is here, and in `net::stream`, whose caller gets it back.

use filch_executor::leaf::Transfer;
use socket2::SockRef;
use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;

/// Room that a full vector is given before a read; one read's usual size.
const GROWTH: usize = 8 * 1024;

/// What a short read says depends on the kind of stream: that nothing is left, of TCP. Of Unix sockets `local` has
/// to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Tcp,
    #[cfg(unix)]
    Local,
}

/// Receives into `buf`.
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
    }
}

/// Receives into `buf`, of which it initialises as many bytes as it says.
pub(crate) fn recv_uninit(
    socket: &SockRef<'_>,
    kind: StreamKind,
    buf: &mut [MaybeUninit<u8>],
) -> io::Result<Transfer> {
    match kind {
        StreamKind::Tcp => Ok(Transfer::of(socket.recv(buf)?, buf.len())),
        #[cfg(unix)]
        StreamKind::Local => super::local::recv(socket, buf),
    }
}

/// Receives behind the end of `buf`, into its spare capacity, which is made if there is none.
pub(crate) fn recv_append(
    socket: &SockRef<'_>,
    kind: StreamKind,
    buf: &mut Vec<u8>,
) -> io::Result<Transfer> {
    let done = recv_uninit(socket, kind, room(buf))?;
    // SAFETY: `recv_uninit` wrote so many bytes of `room(buf)`.
    unsafe { grow(buf, done.count) };
    Ok(done)
}

/// The same for a datagram, which says nothing about the next.
pub(crate) fn recv_append_datagram(socket: &SockRef<'_>, buf: &mut Vec<u8>) -> io::Result<usize> {
    let count = socket.recv(room(buf))?;
    // SAFETY: `recv` wrote so many bytes of `room(buf)`.
    unsafe { grow(buf, count) };
    Ok(count)
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

/// The spare capacity of `buf`, never empty.
fn room(buf: &mut Vec<u8>) -> &mut [MaybeUninit<u8>] {
    if buf.len() == buf.capacity() {
        buf.reserve(GROWTH);
    }
    buf.spare_capacity_mut()
}

/// # Safety
/// The first `count` bytes of the spare capacity are initialised.
unsafe fn grow(buf: &mut Vec<u8>, count: usize) {
    let length = buf.len() + count;
    // SAFETY: as the caller promises; they are within the capacity.
    unsafe { buf.set_len(length) };
}
