//! What is particular to the real kernel: a wait in nanoseconds, and the event of urgent data.

use super::{Record, filled};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

/// What a reader watches.
pub(crate) const READ: libc::c_int = libc::EPOLLIN | libc::EPOLLPRI;

/// Waits with a limit in nanoseconds: one call, which Linux has since 5.11. Fills the list as far as it has room.
pub(crate) fn wait(
    epoll: &OwnedFd,
    list: &mut Vec<Record>,
    timeout: Option<Duration>,
) -> io::Result<()> {
    list.clear();
    let timeout = timeout.map(KernelTimespec::from);
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the descriptor is open; the list has room for as many events as are asked for; the time is a valid
    // timespec of the kernel's own layout or null; there is no signal mask. As many events are written as it says.
    unsafe {
        let count = libc::syscall(
            libc::SYS_epoll_pwait2,
            epoll.as_raw_fd(),
            list.as_mut_ptr(),
            list.capacity() as libc::c_int,
            timeout,
            ptr::null::<libc::sigset_t>(),
            0_usize,
        );
        filled(list, count as libc::c_int)
    }
}

/// What the system call wants on every architecture, 32-bit ones too.
#[repr(C)]
struct KernelTimespec {
    seconds: i64,
    nanoseconds: i64,
}

impl From<Duration> for KernelTimespec {
    /// A time beyond the kernel's range becomes its largest.
    fn from(time: Duration) -> KernelTimespec {
        KernelTimespec {
            seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: i64::from(time.subsec_nanos()),
        }
    }
}
