//! Reads of files that never wait, on Linux: what is not in the page cache is left to a thread.
//!
//! `openat2` with `RESOLVE_CACHED` opens only what it finds without asking a disk (Linux 5.12), `preadv2` with
//! `RWF_NOWAIT` reads only what is in memory. `None`: some of it would have waited, or the system or the file system
//! does not know how, or it is no ordinary file. Then nothing has happened.

use std::fs::File;
use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Files up to this size are read at once, in bytes: copying more takes longer than a thread's wake.
const SMALL: usize = 64 * 1024;

/// No system takes more parts in one call (`UIO_MAXIOV`).
const MOST_PARTS: usize = 1024;

/// The whole of a small file that is in memory.
///
/// # Errors
/// `NotFound` and such, if the system knows that without asking a disk.
pub(crate) fn read_whole(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut name = [0_u8; libc::PATH_MAX as usize];
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() >= name.len() || bytes.contains(&0) {
        return Ok(None);
    }
    name[..bytes.len()].copy_from_slice(bytes);
    // Opening may do something to what is no ordinary file, but not for a descriptor that only says what it is.
    let Some(size) = open(&name, libc::O_PATH)?.and_then(|found| ordinary_size(&found)) else {
        return Ok(None);
    };
    let Some(file) = open(&name, libc::O_RDONLY | libc::O_NONBLOCK)? else {
        return Ok(None);
    };
    read_all(&File::from(file), size)
}

/// Opens without waiting. The name ends with a zero.
fn open(name: &[u8], flags: i32) -> io::Result<Option<OwnedFd>> {
    // SAFETY: a struct of numbers.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (flags | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_CACHED;
    let size = size_of::<libc::open_how>();
    // SAFETY: the pointers are to a name that ends with a zero and to a struct of the size that is said.
    let number = unsafe {
        libc::syscall(
            libc::SYS_openat2,
            libc::AT_FDCWD,
            name.as_ptr(),
            &raw const how,
            size,
        )
    };
    match RawFd::try_from(number) {
        // SAFETY: the descriptor is new, and nobody else's.
        Ok(number) if number >= 0 => Ok(Some(unsafe { OwnedFd::from_raw_fd(number) })),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::NotFound => Err(error),
            _ => Ok(None),
        },
    }
}

/// The size of a small ordinary file. One that says 0 may be of a kind that has a size only when it is read.
fn ordinary_size(file: &OwnedFd) -> Option<usize> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: an open descriptor, and room for what is said of it.
    if unsafe { libc::fstat(file.as_raw_fd(), stat.as_mut_ptr()) } == -1 {
        return None;
    }
    // SAFETY: written by the system.
    let stat = unsafe { stat.assume_init() };
    let size = usize::try_from(stat.st_size).ok()?;
    let fits = (1..=SMALL).contains(&size);
    (stat.st_mode & libc::S_IFMT == libc::S_IFREG && fits).then_some(size)
}

fn read_all(file: &File, size: usize) -> io::Result<Option<Vec<u8>>> {
    // One more, so that the end shows if it has not grown.
    let mut buf = vec![0; size + 1];
    let mut filled = 0;
    loop {
        match read_now(file, &mut buf[filled..])? {
            None => return Ok(None),
            Some(0) => break,
            Some(count) => filled += count,
        }
        match filled {
            // A shorter read of an ordinary file is behind its end.
            filled if filled == size => break,
            filled if filled > size => return Ok(None),
            _ => {}
        }
    }
    buf.truncate(filled);
    Ok(Some(buf))
}

/// Whether what is at `offset` can be had without waiting for a disk. Of what nobody knows: no.
#[cfg(feature = "net")]
pub(crate) fn is_near(file: &File, offset: u64) -> bool {
    let Ok(offset) = libc::off_t::try_from(offset) else {
        return true;
    };
    let mut byte = 0_u8;
    let part = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    // SAFETY: one part, which is a byte of ours.
    let count = unsafe {
        libc::preadv2(
            file.as_raw_fd(),
            &raw const part,
            1,
            offset,
            libc::RWF_NOWAIT,
        )
    };
    count >= 0
}

/// Reads from the file's position, if that is in memory.
///
/// # Errors
/// The system's.
pub(crate) fn read_now(file: &File, buf: &mut [u8]) -> io::Result<Option<usize>> {
    read_now_vectored(file, &mut [IoSliceMut::new(buf)])
}

/// The same, into several buffers.
///
/// # Errors
/// The system's.
pub(crate) fn read_now_vectored(
    mut file: &File,
    bufs: &mut [IoSliceMut<'_>],
) -> io::Result<Option<usize>> {
    let Some(first) = bufs.iter().position(|buf| !buf.is_empty()) else {
        return file.read(&mut []).map(Some);
    };
    // As many as are small together, and of the first, which there is, no more than that.
    let mut room = SMALL + 1;
    let fitting = bufs[first..].iter().take_while(|buf| {
        let fits = buf.len() <= room;
        room -= buf.len().min(room);
        fits
    });
    let count = fitting.take(MOST_PARTS).count();
    let first_part = libc::iovec {
        iov_base: bufs[first].as_mut_ptr().cast(),
        iov_len: bufs[first].len().min(SMALL + 1),
    };
    let (parts, count) = match count {
        0 => (&raw const first_part, 1),
        // An `IoSliceMut` has the layout of an `iovec`, as its documentation promises.
        count => (
            bufs[first..]
                .as_mut_ptr()
                .cast::<libc::iovec>()
                .cast_const(),
            count,
        ),
    };
    let parts_count = count as libc::c_int;
    // SAFETY: so many parts, which are buffers that are borrowed mutably; -1 is the file's own position.
    let count =
        unsafe { libc::preadv2(file.as_raw_fd(), parts, parts_count, -1, libc::RWF_NOWAIT) };
    match usize::try_from(count) {
        Ok(count) => Ok(Some(count)),
        Err(_) => match io::Error::last_os_error().raw_os_error() {
            Some(libc::EAGAIN | libc::EOPNOTSUPP | libc::ENOSYS | libc::EINTR | libc::EINVAL) => {
                Ok(None)
            }
            Some(number) => Err(io::Error::from_raw_os_error(number)),
            None => Ok(None),
        },
    }
}
