//! The bell on other Unixes: a pipe of the process, and a thread of the process that reads from it and rings.

use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread;

/// There once somebody has waited for a signal, and then until the process ends.
static WRITER: AtomicI32 = AtomicI32::new(-1);

/// Makes the bell, if it is not there; `super::unix` calls it under its lock.
pub(super) fn hang(ring: fn()) -> io::Result<()> {
    if WRITER.load(Acquire) != -1 {
        return Ok(());
    }
    let (reader, writer) = UnixStream::pair()?;
    writer.set_nonblocking(true)?;
    let thread = thread::Builder::new().name("filch-signals".into());
    thread.spawn(move || pass_on(reader, ring))?;
    let number: RawFd = writer.as_raw_fd();
    // Never closed: a handler may be about to use it.
    std::mem::forget(writer);
    WRITER.store(number, Release);
    Ok(())
}

/// Rings. Safe in a signal handler. A full pipe has a ring in it already.
pub(super) fn ring() {
    let byte = 0_u8;
    // SAFETY: one byte, into a descriptor that is never closed.
    unsafe { libc::write(WRITER.load(Acquire), (&raw const byte).cast(), 1) };
}

fn pass_on(mut reader: UnixStream, ring: fn()) {
    let mut bytes = [0; 64];
    loop {
        match reader.read(&mut bytes) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
            _ => ring(),
        }
    }
}
