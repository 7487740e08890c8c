//! Reads into memory that nobody initialised: the one thing that the io traits cannot say.
//!
//! Three functions, all over socket2's `recv` and `peek`, which promise to write only initialised bytes
//! and say how many. All of the crate's unsafe code for reading is here.

use socket2::SockRef;
use std::io;
use std::mem::MaybeUninit;

/// Room that a full vector is given before a read; one read's usual size.
const GROWTH: usize = 8 * 1024;

/// Receives into `buf` and returns the part that was written; an interrupted call is made again.
pub(crate) fn recv_uninit<'b>(
    socket: &SockRef<'_>,
    buf: &'b mut [MaybeUninit<u8>],
) -> io::Result<&'b mut [u8]> {
    let count = loop {
        match socket.recv(buf) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            count => break count?,
        }
    };
    // SAFETY: `recv` returned `count`, hence initialised the first `count` bytes of `buf`.
    Ok(unsafe { buf[..count].assume_init_mut() })
}

/// Receives behind the end of `buf`, into its spare capacity, which is made if there is none.
pub(crate) fn recv_append(socket: &SockRef<'_>, buf: &mut Vec<u8>) -> io::Result<usize> {
    let spare = room(buf);
    let count = socket.recv(spare)?;
    let length = buf.len() + count;
    // SAFETY: `recv` wrote the first `count` bytes of the spare capacity, which starts at `len`;
    // `count` is at most that capacity's size.
    unsafe { buf.set_len(length) };
    Ok(count)
}

/// Receives into `buf` and leaves the data where they are.
pub(crate) fn peek(socket: &SockRef<'_>, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: `MaybeUninit<u8>` has the layout of `u8`, and socket2 promises to write initialised
    // bytes alone, so `buf` stays initialised.
    socket.peek(unsafe { &mut *(std::ptr::from_mut(buf) as *mut [MaybeUninit<u8>]) })
}

/// The spare capacity of `buf`, never empty.
pub(crate) fn room(buf: &mut Vec<u8>) -> &mut [MaybeUninit<u8>] {
    if buf.len() == buf.capacity() {
        buf.reserve(GROWTH);
    }
    buf.spare_capacity_mut()
}
