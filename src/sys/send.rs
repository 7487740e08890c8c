//! Writes to streams, of either kind.

use super::recv::StreamKind;
use filch_executor::leaf::Transfer;
use socket2::SockRef;
use std::io::{self, IoSlice};

/// Sends a part of `buf`.
#[inline]
pub(crate) fn send(socket: &SockRef<'_>, kind: StreamKind, buf: &[u8]) -> io::Result<Transfer> {
    let count = match kind {
        #[cfg(unix)]
        StreamKind::Pipe => super::pipe::write(socket, buf)?,
        _ => super::direct::send(socket, buf)?,
    };
    Ok(Transfer::of(count, buf.len()))
}

/// Sends no byte, which needs no room. It fails if the stream cannot be written to any more.
pub(crate) fn send_nothing(socket: &SockRef<'_>, kind: StreamKind) -> io::Result<usize> {
    match send(socket, kind, &[]) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        done => done.map(|done| done.count),
    }
}

/// Sends a part of several buffers, one after the other.
pub(crate) fn send_vectored(
    socket: &SockRef<'_>,
    kind: StreamKind,
    bufs: &[IoSlice<'_>],
) -> io::Result<Transfer> {
    let bufs = &bufs[..bufs.len().min(super::MOST_BUFFERS)];
    let count = match kind {
        #[cfg(unix)]
        StreamKind::Pipe => super::pipe::write_vectored(socket, bufs)?,
        _ => socket.send_vectored_with_flags(bufs, super::SEND_FLAGS)?,
    };
    Ok(Transfer::of(count, bufs.iter().map(|buf| buf.len()).sum()))
}
