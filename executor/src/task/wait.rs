//! What a task waits for: written by leaf futures, read by introspection.
//!
//! A leaf that returns Pending writes one [`WaitRecord`] into its task's header. The record is
//! plain atomics: its one writer is the thread that polls the task, and a reader that races
//! with a write sees at worst the parts of two records, never anything invalid.
//!
//! Orderings: Relaxed, but for the location, which a reader follows: a leaf of another crate may have made it
//! a moment ago (`Box::leak`), so Release and Acquire bring what is in it.

use crate::task::id::TaskId;
use filch_timer::Instant;
use std::fmt;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU64};
use std::time::Duration;

/// The kind of thing that a waiting task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
// As wide as the other fields of `Wait`: a leaf stores a wait and copies it at once, and a copy by the word of what was
// stored by the byte has to wait until that has reached the cache.
#[repr(u64)]
pub enum WaitKind {
    /// Another task's end; the resource is that task's id.
    Join = 1,
    /// A deadline.
    Sleep,
    /// Its next turn, after `yield_now` or at the end of its budget.
    Yield,
    /// Data to read; the resource is the descriptor's number, here and wherever a descriptor is waited for.
    Read,
    /// Room to write.
    Write,
    /// An incoming connection.
    Accept,
    /// A connection being established.
    Connect,
    /// Readiness to read, without reading.
    Readable,
    /// Readiness to write, without writing.
    Writable,
    /// The resolution of a host name.
    Lookup,
    /// A closure on a blocking thread.
    Blocking,
    /// The other end of an in-memory pair.
    Duplex,
    /// A lock; the resource is a number that tells it from others.
    Lock,
    /// A channel.
    Channel,
    /// Several tasks' end.
    Gather,
    /// A notification.
    Notify,
    /// Permits of a semaphore.
    Semaphore,
    /// The children of a group.
    Group,
    /// The end of what was cancelled: of a task, which is the resource if it is known.
    Drain,
    /// A token to be cancelled.
    Cancel,
    /// A signal of the system; the resource is its number, of the first one if several are waited for.
    Signal,
    /// A child process's end; the resource is its process id.
    Child,
    /// An operation on a file or a directory; the resource tells it from others.
    File,
    /// The first of several branches, of a `select!` or `race!`.
    First,
    /// All of several branches, of a `join!`.
    All,
    /// A set of futures.
    Set,
    /// An event that is to be set.
    Event,
    /// A condition variable's notification.
    Condition,
    /// Others at a barrier.
    Barrier,
    /// A value that is set once.
    Once,
    /// Something to get from a queue, room to put something, or the end of the work on it.
    Queue,
    /// The end of a task of the tokio runtime beside this one; the resource is that task's id there.
    Guest,
    /// What another program answers to a request.
    Answer,
    /// The rest of a body: of a request, or of an answer.
    Body,
}

impl WaitKind {
    const ALL: [WaitKind; 34] = [
        WaitKind::Join,
        WaitKind::Sleep,
        WaitKind::Yield,
        WaitKind::Read,
        WaitKind::Write,
        WaitKind::Accept,
        WaitKind::Connect,
        WaitKind::Readable,
        WaitKind::Writable,
        WaitKind::Lookup,
        WaitKind::Blocking,
        WaitKind::Duplex,
        WaitKind::Lock,
        WaitKind::Channel,
        WaitKind::Gather,
        WaitKind::Notify,
        WaitKind::Semaphore,
        WaitKind::Group,
        WaitKind::Drain,
        WaitKind::Cancel,
        WaitKind::Signal,
        WaitKind::Child,
        WaitKind::File,
        WaitKind::First,
        WaitKind::All,
        WaitKind::Set,
        WaitKind::Event,
        WaitKind::Condition,
        WaitKind::Barrier,
        WaitKind::Once,
        WaitKind::Queue,
        WaitKind::Guest,
        WaitKind::Answer,
        WaitKind::Body,
    ];

    fn from_code(code: u8) -> Option<WaitKind> {
        WaitKind::ALL.into_iter().find(|kind| *kind as u8 == code)
    }
}

impl fmt::Display for WaitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WaitKind::Join => "join of task",
            WaitKind::Sleep => "sleep",
            WaitKind::Yield => "its next turn",
            WaitKind::Read => "read",
            WaitKind::Write => "write",
            WaitKind::Accept => "accept",
            WaitKind::Connect => "connect",
            WaitKind::Readable => "readable",
            WaitKind::Writable => "writable",
            WaitKind::Lookup => "host lookup",
            WaitKind::Blocking => "blocking call",
            WaitKind::Duplex => "duplex pipe",
            WaitKind::Lock => "lock",
            WaitKind::Channel => "channel",
            WaitKind::Gather => "gather",
            WaitKind::Notify => "notification",
            WaitKind::Semaphore => "semaphore",
            WaitKind::Group => "children of a group",
            WaitKind::Drain => "the end of cancelled task",
            WaitKind::Cancel => "cancellation",
            WaitKind::Signal => "signal",
            WaitKind::Child => "child process",
            WaitKind::File => "file",
            WaitKind::First => "the first of several",
            WaitKind::All => "all of several",
            WaitKind::Set => "a set of futures",
            WaitKind::Event => "event",
            WaitKind::Condition => "condition",
            WaitKind::Barrier => "barrier",
            WaitKind::Once => "value that is set once",
            WaitKind::Queue => "queue",
            WaitKind::Guest => "task of tokio",
            WaitKind::Answer => "answer",
            WaitKind::Body => "body",
        })
    }
}

/// What a leaf future is about to wait for, and where in the source it was made.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// The kind of thing.
    pub kind: WaitKind,
    /// Which one of that kind: a descriptor's or task's number, or 0.
    pub resource: u64,
    /// Where the waiting operation was called.
    pub at: &'static Location<'static>,
}

impl Wait {
    /// A wait of this kind, made where the caller was called.
    #[track_caller]
    #[must_use]
    pub fn here(kind: WaitKind) -> Wait {
        Wait {
            kind,
            resource: 0,
            at: Location::caller(),
        }
    }

    /// The same with the resource's id.
    #[must_use]
    pub fn with_resource(self, resource: u64) -> Wait {
        Wait { resource, ..self }
    }

    /// Whether it is of this kind, made at the same place, and of the same resource, if `other` names one.
    pub(crate) fn is_as(&self, other: Wait) -> bool {
        self.kind == other.kind
            && (other.resource == 0 || self.resource == other.resource)
            && ptr::eq(self.at, other.at)
    }
}

/// A copy of what a task waits for.
#[derive(Clone, Copy, Debug)]
pub struct WaitInfo {
    kind: WaitKind,
    resource: u64,
    at: &'static Location<'static>,
    waited: Duration,
    holder: Option<TaskId>,
}

impl WaitInfo {
    /// What kind of thing it waits for.
    #[must_use]
    pub fn kind(&self) -> WaitKind {
        self.kind
    }

    /// Which one: a task's number for a join, the descriptor's for I/O (on Windows the socket's), any number that tells
    /// one lock from another. Otherwise 0.
    #[must_use]
    pub fn resource(&self) -> u64 {
        self.resource
    }

    /// Which task holds the lock that is waited for, as far as is known: not of a lock that is held outside tasks.
    #[must_use]
    pub fn holder(&self) -> Option<TaskId> {
        self.holder
    }

    /// Asks who holds the lock that is waited for, if it is one.
    pub(crate) fn find_holder(&mut self, of: impl FnOnce(u64) -> Option<TaskId>) {
        if self.kind == WaitKind::Lock {
            self.holder = of(self.resource);
        }
    }

    /// Where in the source the operation was called.
    #[must_use]
    pub fn at(&self) -> &'static Location<'static> {
        self.at
    }

    /// How long it had been waiting when this was copied: by the clock of the task's runtime, which may be paused, and
    /// to some milliseconds.
    #[must_use]
    pub fn since(&self) -> Duration {
        self.waited
    }
}

impl From<WaitInfo> for Wait {
    fn from(info: WaitInfo) -> Wait {
        let WaitInfo {
            kind, resource, at, ..
        } = info;
        Wait { kind, resource, at }
    }
}

/// The kind's code in the lowest byte of a record.
const KIND: u64 = 0x3f;

/// Above it: how many more leaves have said the same in the same poll, if there are not more than can be counted.
const MORE: u64 = 0xc0;

/// One of them.
const ONE_MORE: u64 = 0x40;

const _: () = {
    let mut codes: &[WaitKind] = &WaitKind::ALL;
    while let [code, rest @ ..] = codes {
        assert!(*code as u64 <= KIND, "there are too many kinds");
        codes = rest;
    }
};

/// The record in a task's header; 24 bytes.
#[derive(Debug)]
pub(crate) struct WaitRecord {
    /// The kind's code and how many more say the same in the low byte, above it the time in units of 256 ns. 0: no
    /// record.
    what: AtomicU64,
    resource: AtomicU64,
    at: AtomicPtr<Location<'static>>,
}

impl WaitRecord {
    pub(crate) fn new() -> WaitRecord {
        WaitRecord {
            what: AtomicU64::new(0),
            resource: AtomicU64::new(0),
            at: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// A poll starts: nothing is waited for yet.
    #[inline]
    pub(crate) fn clear(&self) {
        self.what.store(0, Relaxed);
    }

    /// The first leaf that returns Pending in a poll says why; later ones (`join!`, `select!`) are not kept. But who
    /// only waits for its next turn is woken already, and so is the task: another one that waits takes its place.
    #[inline]
    pub(crate) fn write(&self, wait: Wait, now: Instant) {
        let what = self.what.load(Relaxed);
        if what != 0 && what & KIND != WaitKind::Yield as u64 {
            if what & MORE != MORE {
                self.count(what, wait);
            }
            return;
        }
        self.resource.store(wait.resource, Relaxed);
        self.at
            .store(std::ptr::from_ref(wait.at).cast_mut(), Release);
        self.what
            .store(now.as_nanos() & !0xff | wait.kind as u64, Relaxed);
    }

    /// Whether a leaf has said something in this poll.
    #[inline]
    pub(crate) fn is_written(&self) -> bool {
        self.what.load(Relaxed) != 0
    }

    /// Another leaf waits, or the same once more, and there is room to count it.
    #[cold]
    fn count(&self, what: u64, wait: Wait) {
        if self.says(what, wait) {
            self.what.store(what + ONE_MORE, Relaxed);
        }
    }

    /// A leaf has said `wait`, in this poll or in an earlier one, and waits no longer. If the record is its own, there
    /// is none any more. That of another leaf stays, and that which several have said until the last of them is gone.
    #[cold]
    pub(crate) fn take_back(&self, wait: Wait) {
        let what = self.what.load(Relaxed);
        if what == 0 || !self.says(what, wait) {
            return;
        }
        match what & MORE {
            0 => self.clear(),
            // Nobody knows when the last of them is gone: it stays until the next poll.
            MORE => {}
            _ => self.what.store(what - ONE_MORE, Relaxed),
        }
    }

    /// Whether the record, whose first word this is, says `wait`, as by [`Wait::is_as`].
    fn says(&self, what: u64, wait: Wait) -> bool {
        let resource = self.resource.load(Relaxed);
        what & KIND == wait.kind as u64
            && (wait.resource == 0 || resource == wait.resource)
            && ptr::eq(self.at.load(Relaxed), wait.at)
    }

    /// What is waited for now: `None` if that is not known. Whoever waits for the same as before has waited since then.
    pub(crate) fn renew(&self, wait: Option<Wait>, now: Instant) {
        let Some(wait) = wait else {
            return self.clear();
        };
        let is_same = (self.what.load(Relaxed) & KIND) == wait.kind as u64
            && self.resource.load(Relaxed) == wait.resource
            && ptr::eq(self.at.load(Relaxed), wait.at);
        if !is_same {
            self.clear();
            self.write(wait, now);
        }
    }

    /// What is waited for, at a time of the runtime's clock.
    pub(crate) fn read(&self, now: Instant) -> Option<WaitInfo> {
        let what = self.what.load(Relaxed);
        let kind = WaitKind::from_code((what & KIND) as u8)?;
        let at = self.at.load(Acquire);
        // SAFETY: only `write` stores here, and always a `&'static Location`, whose making the Acquire has seen.
        let at = unsafe { at.as_ref() }?;
        Some(WaitInfo {
            kind,
            resource: self.resource.load(Relaxed),
            at,
            waited: now.duration_since(Instant::from_nanos(what & !0xff)),
            holder: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_its_code() {
        for kind in WaitKind::ALL {
            assert_eq!(WaitKind::from_code(kind as u8), Some(kind));
        }
        assert_eq!(WaitKind::from_code(0), None);
    }
}
