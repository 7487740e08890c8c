//! Receiving from and sending on a connection, the two calls that every request makes.
//!
//! The C library makes each of them a point where the thread could be cancelled, which takes two read-modify-writes
//! and some forty instructions, and nobody cancels threads here. On the usual Linux systems the kernel is asked without
//! that; elsewhere socket2 does it.

use socket2::SockRef;
use std::io;
use std::mem::MaybeUninit;

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(miri)
))]
mod calls {
    use super::*;
    use std::os::fd::AsRawFd;
    use std::ptr::null_mut;

    /// Receives into `buf`, of which it initialises as many bytes as it says.
    #[inline]
    pub(crate) fn recv(socket: &SockRef<'_>, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let no_address = null_mut::<libc::c_void>();
        // SAFETY: the kernel writes at most as many bytes as `buf` has, and no address.
        let count = unsafe {
            libc::syscall(
                libc::SYS_recvfrom,
                socket.as_raw_fd(),
                buf.as_mut_ptr(),
                buf.len(),
                0,
                no_address,
                no_address,
            )
        };
        counted(count)
    }

    /// Sends a part of `buf`; a vanished peer is an error and no signal.
    #[inline]
    pub(crate) fn send(socket: &SockRef<'_>, buf: &[u8]) -> io::Result<usize> {
        // SAFETY: the kernel reads at most as many bytes as `buf` has, and no address.
        let count = unsafe {
            libc::syscall(
                libc::SYS_sendto,
                socket.as_raw_fd(),
                buf.as_ptr(),
                buf.len(),
                libc::MSG_NOSIGNAL,
                null_mut::<libc::c_void>(),
                0,
            )
        };
        counted(count)
    }

    #[inline]
    fn counted(count: libc::c_long) -> io::Result<usize> {
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(miri)
)))]
mod calls {
    use super::*;

    /// Receives into `buf`, of which it initialises as many bytes as it says.
    #[inline]
    pub(crate) fn recv(socket: &SockRef<'_>, buf: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        socket.recv(buf)
    }

    /// Sends a part of `buf`; a vanished peer is an error and no signal.
    #[inline]
    pub(crate) fn send(socket: &SockRef<'_>, buf: &[u8]) -> io::Result<usize> {
        socket.send_with_flags(buf, crate::sys::SEND_FLAGS)
    }
}

pub(crate) use calls::{recv, send};
