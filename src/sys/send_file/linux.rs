//! By `sendfile`, which takes the bytes from the page cache.

use super::super::file;
use socket2::SockRef;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

/// Sends at most `length` bytes of a file from `offset` on; 0 is the end of the file. `None`: this file cannot be sent
/// so, and nothing has happened.
pub(crate) fn send_file(
    socket: &SockRef<'_>,
    file: &File,
    offset: u64,
    length: usize,
) -> io::Result<Option<usize>> {
    let call = || without_signal(|| call(socket, file, offset, length));
    let sent = match file::is_near(file, offset) {
        true => call(),
        // A disk is waited for, and this thread with it.
        false => filch_executor::blocking(call),
    };
    match sent {
        Err(error) => match error.raw_os_error() {
            // Of a file that has no pages, or of a socket that takes none.
            Some(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP) => Ok(None),
            _ => Err(error),
        },
        Ok(count) => Ok(Some(count)),
    }
}

fn call(socket: &SockRef<'_>, file: &File, offset: u64, length: usize) -> io::Result<usize> {
    let Ok(mut offset) = libc::off_t::try_from(offset) else {
        // No file is as long.
        return Ok(0);
    };
    let (to, from) = (socket.as_raw_fd(), file.as_raw_fd());
    // SAFETY: both descriptors are open while they are borrowed, and the pointer is to a number of ours.
    let count = unsafe { libc::sendfile(to, from, &raw mut offset, length) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// `sendfile` has no flag against the signal for a peer that is gone. So that is kept from this thread, and taken back
/// if it has come: a vanished peer is an error and never a signal.
fn without_signal(call: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    let (mut pipe, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: the pointers are to room for sets of signals, of which the first call makes one; the signal exists. The
    // last call writes the thread's mask.
    let (pipe, before) = unsafe {
        libc::sigemptyset(pipe.as_mut_ptr());
        libc::sigaddset(pipe.as_mut_ptr(), libc::SIGPIPE);
        let pipe = pipe.assume_init();
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, before.as_mut_ptr());
        (pipe, before.assume_init())
    };
    let sent = call();
    let has_come = sent
        .as_ref()
        .is_err_and(|error| error.raw_os_error() == Some(libc::EPIPE));
    // SAFETY: a set of signals, as above.
    let was_kept = unsafe { libc::sigismember(&raw const before, libc::SIGPIPE) } == 1;
    if has_come && !was_kept {
        let no_time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the pointers are to a set of signals and to a time; nothing is written. A signal that is ignored does
        // not come, and then this has nothing to take.
        unsafe { libc::sigtimedwait(&raw const pipe, std::ptr::null_mut(), &raw const no_time) };
    }
    // SAFETY: the mask that this thread had.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) };
    sent
}
