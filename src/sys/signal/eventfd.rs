//! The bell on Linux: an eventfd that is never read. Each ring is an edge in every poller that watches a duplicate.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::{Acquire, Release};

/// There once somebody has waited for a signal, and then until the process ends: a handler may be about to use it.
static BELL: OnceLock<OwnedFd> = OnceLock::new();

/// The same for the handler.
static NUMBER: AtomicI32 = AtomicI32::new(-1);

/// Makes the bell. `_ring` is for systems where a thread rings.
pub(super) fn hang(_ring: fn()) -> io::Result<()> {
    if BELL.get().is_none() {
        // SAFETY: it takes two numbers.
        let number = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if number == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new, and nobody else's.
        let bell = unsafe { OwnedFd::from_raw_fd(number) };
        // If another thread was quicker, this one is closed.
        NUMBER.store(BELL.get_or_init(|| bell).as_raw_fd(), Release);
    }
    Ok(())
}

/// Rings. Safe in a signal handler.
pub(super) fn ring() {
    let one = 1_u64;
    // SAFETY: eight bytes, into a descriptor that is never closed. It fails only when 2^64 rings are not read.
    unsafe { libc::write(NUMBER.load(Acquire), (&raw const one).cast(), 8) };
}

/// A descriptor of the bell, for one poller.
pub(crate) fn duplicate() -> io::Result<OwnedFd> {
    BELL.get().ok_or(io::ErrorKind::NotFound)?.try_clone()
}
