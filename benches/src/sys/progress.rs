//! How far a server's hogs have got, in memory that the server shares with the harness: reading it costs the server
//! nothing and waits for nobody, however stuck its workers are.
//!
//! One cache line per hog, each with one writer: the steps it has done and the CPU time it has used in nanoseconds,
//! both as native 64-bit numbers. The Go and Python peers map the same file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Hogs that a board has room for.
const SLOTS: usize = 64;

/// What all hogs have done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Progress {
    /// Steps: see [`crate::harness::clock::compute`]; of hogs that block, polls.
    pub(crate) steps: f64,
    /// CPU time in nanoseconds; 0 from a peer that cannot tell.
    pub(crate) cpu_ns: f64,
}

impl Progress {
    /// What was done since `before`.
    pub(crate) fn since(self, before: Progress) -> Progress {
        Progress {
            steps: self.steps - before.steps,
            cpu_ns: self.cpu_ns - before.cpu_ns,
        }
    }
}

#[derive(Debug, Default)]
#[repr(C, align(64))]
struct Line {
    steps: AtomicU64,
    cpu_ns: AtomicU64,
}

/// The shared memory.
#[derive(Debug)]
pub(crate) struct Board {
    file: File,
    /// Points to `SLOTS` lines that stay mapped as long as this lives.
    lines: NonNull<Line>,
}

// SAFETY: the lines are atomics, which any thread may use, and the mapping belongs to no thread.
unsafe impl Send for Board {}
// SAFETY: as above.
unsafe impl Sync for Board {}

impl Board {
    /// A new board with nothing on it.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn create() -> io::Result<Board> {
        let file = rustix::fs::memfd_create(c"filch-bench-hogs", rustix::fs::MemfdFlags::CLOEXEC)?;
        let file = File::from(file);
        file.set_len(size_of::<[Line; SLOTS]>() as u64)?;
        Board::map(file)
    }

    /// The board that another process calls `path`.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn open(path: &Path) -> io::Result<Board> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if file.metadata()?.len() < size_of::<[Line; SLOTS]>() as u64 {
            return Err(io::Error::other("that file is no board"));
        }
        Board::map(file)
    }

    fn map(file: File) -> io::Result<Board> {
        // SAFETY: a fresh mapping at an address that the system chooses touches no memory of ours.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<[Line; SLOTS]>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let lines = NonNull::new(address.cast()).ok_or_else(|| io::Error::other("mapped at 0"))?;
        Ok(Board { file, lines })
    }

    /// Where another process of the same user finds it, as long as this one lives.
    pub(crate) fn path(&self) -> PathBuf {
        let (pid, fd) = (std::process::id(), self.file.as_raw_fd());
        PathBuf::from(format!("/proc/{pid}/fd/{fd}"))
    }

    /// What all hogs have done so far.
    pub(crate) fn total(&self) -> Progress {
        let sum = |number: fn(&Line) -> &AtomicU64| {
            self.lines()
                .iter()
                .map(|line| number(line).load(Ordering::Relaxed) as f64)
                .sum()
        };
        Progress {
            steps: sum(|line| &line.steps),
            cpu_ns: sum(|line| &line.cpu_ns),
        }
    }

    fn lines(&self) -> &[Line] {
        // SAFETY: `lines` points to that many lines (see the field), a page's start is aligned for them, and any bytes
        // are valid atomics.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr(), SLOTS) }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // SAFETY: the mapping is this board's own, and nothing that borrows from it outlives it.
        unsafe { libc::munmap(self.lines.as_ptr().cast(), size_of::<[Line; SLOTS]>()) };
    }
}

/// One hog's line of a board.
#[derive(Debug)]
pub(crate) struct Slot {
    board: Arc<Board>,
    index: usize,
}

impl Slot {
    /// The line of hog `index`.
    ///
    /// # Errors
    /// When the board has no room for it.
    pub(crate) fn of(board: &Arc<Board>, index: usize) -> io::Result<Slot> {
        if index >= SLOTS {
            return Err(io::Error::other(format!("there may be {SLOTS} hogs")));
        }
        let board = board.clone();
        Ok(Slot { board, index })
    }

    /// Adds what the hog has done. It alone writes its line, so that a load and a store do.
    pub(crate) fn add(&self, steps: u64, cpu: Duration) {
        let line = &self.board.lines()[self.index];
        let add = |number: &AtomicU64, more| {
            number.store(number.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        };
        add(&line.steps, steps);
        add(
            &line.cpu_ns,
            u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_adds_the_other_reads() {
        let ours = Board::create().unwrap();
        let theirs = Arc::new(Board::open(&ours.path()).unwrap());
        Slot::of(&theirs, 0)
            .unwrap()
            .add(3, Duration::from_nanos(5));
        Slot::of(&theirs, 1)
            .unwrap()
            .add(4, Duration::from_nanos(6));
        let before = ours.total();
        Slot::of(&theirs, 1)
            .unwrap()
            .add(1, Duration::from_nanos(2));
        assert_eq!((before.steps, before.cpu_ns), (7.0, 11.0));
        let since = ours.total().since(before);
        assert_eq!((since.steps, since.cpu_ns), (1.0, 2.0));
    }

    #[test]
    fn a_hog_without_room_is_an_error() {
        let board = Arc::new(Board::create().unwrap());
        assert!(Slot::of(&board, SLOTS).is_err());
    }
}
