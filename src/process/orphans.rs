//! Children that nobody waits for any more: dropped, or left behind by the end of their runtime.
//!
//! A child that has ended stays in the system's table until its parent has waited for it. So one thread of the process
//! waits for all such children. It is started for the first, and ends with the last. No runtime waits for it.
//!
//! It sleeps in `poll` on their descriptors. A child without one is looked at ten times a second.

use crate::sys::process::poll_readable;
use parking_lot::Mutex;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::time::Duration;
use std::{io, thread};

/// How often a child is looked at that has no descriptor.
const LOOK: Duration = Duration::from_millis(100);

/// The children belong to the process.
static ORPHANS: Mutex<Orphans> = Mutex::new(Orphans {
    new: Vec::new(),
    bell: None,
});

struct Orphans {
    /// Those that the thread has not seen yet.
    new: Vec<Orphan>,
    /// There while the thread is.
    bell: Option<UnixStream>,
}

struct Orphan {
    child: Child,
    descriptor: Option<OwnedFd>,
}

impl Orphan {
    /// A child that cannot be waited for is none of ours.
    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// Waits for a child, some time. If there can be no thread, the next call tries again.
pub(super) fn adopt(child: Child, descriptor: Option<OwnedFd>) {
    let mut orphans = ORPHANS.lock();
    orphans.new.push(Orphan { child, descriptor });
    if let Some(bell) = &mut orphans.bell {
        // Full means that it has been rung.
        let _ = bell.write(&[0]);
        return;
    }
    let started = || -> io::Result<UnixStream> {
        let (rung, bell) = UnixStream::pair()?;
        rung.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        let thread = thread::Builder::new().name("filch-orphans".into());
        thread.spawn(move || wait_for_all(&rung))?;
        Ok(bell)
    };
    orphans.bell = started().ok();
}

/// The thread.
fn wait_for_all(rung: &UnixStream) {
    let mut waiting: Vec<Orphan> = Vec::new();
    loop {
        {
            let mut orphans = ORPHANS.lock();
            waiting.append(&mut orphans.new);
            waiting.retain_mut(|orphan| !orphan.has_ended());
            if waiting.is_empty() {
                // In one step with the last look: whoever comes next starts another thread.
                orphans.bell = None;
                return;
            }
        }
        sleep(rung, &waiting);
    }
}

/// Until somebody comes, or goes.
fn sleep(mut rung: &UnixStream, waiting: &[Orphan]) {
    let of = |orphan: &Orphan| orphan.descriptor.is_none();
    let limit = waiting.iter().any(of).then_some(LOOK);
    let children = waiting
        .iter()
        .filter_map(|orphan| orphan.descriptor.as_ref());
    let mut descriptors: Vec<BorrowedFd<'_>> = vec![rung.as_fd()];
    descriptors.extend(children.map(AsFd::as_fd));
    if poll_readable(&descriptors, limit).is_err() {
        thread::sleep(LOOK);
    }
    while rung.read(&mut [0; 64]).is_ok_and(|count| count == 64) {}
}
