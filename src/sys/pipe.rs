//! Pipes: how they are made, what a descriptor is, reads and writes.
//!
//! A short read says nothing about the next: a writer may have put the pipe into packet mode (`O_DIRECT`), where each
//! read ends with a packet. A short write does: it was short because the pipe is full.

use filch_executor::leaf::Transfer;
use socket2::SockRef;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// A new pipe in non-blocking mode, closed on exec: the reading end, and the writing one.
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: the pointer is to two ints, which this writes.
    succeeded(unsafe { make(ends.as_mut_ptr()) })?;
    // SAFETY: the call has opened both, and nobody else has them.
    let ends = unsafe { ends.map(|end| OwnedFd::from_raw_fd(end)) };
    #[cfg(target_vendor = "apple")]
    for end in &ends {
        super::set_nonblocking(end)?;
        // SAFETY: the descriptor is open while `end` is borrowed.
        succeeded(unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) })?;
    }
    let [reader, writer] = ends;
    Ok((reader, writer))
}

/// # Safety
/// `ends` points to two ints that may be written.
#[cfg(not(target_vendor = "apple"))]
unsafe fn make(ends: *mut libc::c_int) -> libc::c_int {
    // SAFETY: as the caller promises.
    unsafe { libc::pipe2(ends, libc::O_NONBLOCK | libc::O_CLOEXEC) }
}

/// # Safety
/// `ends` points to two ints that may be written.
#[cfg(target_vendor = "apple")]
unsafe fn make(ends: *mut libc::c_int) -> libc::c_int {
    // SAFETY: as the caller promises.
    unsafe { libc::pipe(ends) }
}

/// What a descriptor may be used for, and whether it is a pipe at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) is_pipe: bool,
    pub(crate) reads: bool,
    pub(crate) writes: bool,
}

/// Asks the system.
pub(crate) fn access<T: AsFd>(end: &T) -> io::Result<Access> {
    let descriptor = end.as_fd().as_raw_fd();
    let mut found = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the descriptor is open while `end` is borrowed, and the pointer is to room for what is written.
    succeeded(unsafe { libc::fstat(descriptor, found.as_mut_ptr()) })?;
    // SAFETY: the call has succeeded, so it has written it.
    let mode = unsafe { found.assume_init() }.st_mode;
    let flags = flags(descriptor)? & libc::O_ACCMODE;
    Ok(Access {
        is_pipe: mode & libc::S_IFMT == libc::S_IFIFO,
        reads: flags == libc::O_RDONLY || flags == libc::O_RDWR,
        writes: flags == libc::O_WRONLY || flags == libc::O_RDWR,
    })
}

/// Puts a descriptor back into blocking mode.
pub(crate) fn set_blocking<T: AsFd>(end: &T) -> io::Result<()> {
    let descriptor = end.as_fd().as_raw_fd();
    let flags = flags(descriptor)? & !libc::O_NONBLOCK;
    // SAFETY: the descriptor is open while `end` is borrowed.
    succeeded(unsafe { libc::fcntl(descriptor, libc::F_SETFL, flags) }).map(drop)
}

fn flags(descriptor: libc::c_int) -> io::Result<libc::c_int> {
    // SAFETY: this call takes no pointer; the callers have the descriptor borrowed.
    succeeded(unsafe { libc::fcntl(descriptor, libc::F_GETFL) })
}

fn succeeded(result: libc::c_int) -> io::Result<libc::c_int> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

/// Reads into `buf`, of which it initialises as many bytes as it says.
pub(crate) fn read(end: &SockRef<'_>, buf: &mut [MaybeUninit<u8>]) -> io::Result<Transfer> {
    // SAFETY: the descriptor is open while `end` is borrowed, and so is the memory.
    let count = unsafe { libc::read(end.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len()) };
    Ok(not_last(counted(count)?))
}

/// The same, into several buffers.
pub(crate) fn read_vectored(
    end: &SockRef<'_>,
    bufs: &mut [IoSliceMut<'_>],
) -> io::Result<Transfer> {
    let (first, count) = (bufs.as_mut_ptr().cast(), bufs.len() as libc::c_int);
    // SAFETY: the descriptor is open while `end` is borrowed, and an `IoSliceMut` has the layout of an `iovec`, as its
    // documentation promises.
    let count = unsafe { libc::readv(end.as_raw_fd(), first, count) };
    Ok(not_last(counted(count)?))
}

/// Writes a part of `buf`.
pub(crate) fn write(end: &SockRef<'_>, buf: &[u8]) -> io::Result<usize> {
    // SAFETY: the descriptor is open while `end` is borrowed, and so is the memory.
    counted(unsafe { libc::write(end.as_raw_fd(), buf.as_ptr().cast(), buf.len()) })
}

/// The same, of several buffers.
pub(crate) fn write_vectored(end: &SockRef<'_>, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let (first, count) = (bufs.as_ptr().cast(), bufs.len() as libc::c_int);
    // SAFETY: the descriptor is open while `end` is borrowed, and an `IoSlice` has the layout of an `iovec`, as its
    // documentation promises.
    counted(unsafe { libc::writev(end.as_raw_fd(), first, count) })
}

fn counted(count: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

fn not_last(count: usize) -> Transfer {
    Transfer {
        count,
        is_last: false,
    }
}
