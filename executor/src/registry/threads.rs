//! The threads that the end of a runtime joins: its workers', and the backstop.

use filch_timer::Instant;
use parking_lot::{Condvar, Mutex};
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

/// Those threads.
#[derive(Debug)]
pub(crate) struct Threads {
    inner: Mutex<Inner>,
    /// Where it is announced that one of them has come to its end.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    handles: Vec<JoinHandle<()>>,
    /// How many have not come to their end.
    running: usize,
    /// All were joined, after the last task had gone: no further worker comes. Somebody may still want to start
    /// one, for a task that has been run meanwhile.
    over: bool,
}

impl Threads {
    pub(crate) fn new() -> Threads {
        Threads {
            inner: Mutex::new(Inner::default()),
            ended: Condvar::new(),
        }
    }

    /// Starts one more, which calls `has_ended` as the last thing it does; or nobody, when all were joined.
    ///
    /// Under the lock, so that whoever ends the runtime either joins the thread or keeps it from coming, and so that it
    /// is counted before it ends.
    pub(crate) fn start(
        &self,
        start: impl FnOnce() -> io::Result<JoinHandle<()>>,
    ) -> io::Result<()> {
        let mut inner = self.inner.lock();
        if inner.over {
            return Ok(());
        }
        let thread = start()?;
        inner.running += 1;
        inner.handles.push(thread);
        Ok(())
    }

    /// One of them has come to its end.
    pub(crate) fn has_ended(&self) {
        self.inner.lock().running -= 1;
        self.ended.notify_all();
    }

    /// How many have not come to their end.
    pub(crate) fn running(&self) -> usize {
        self.inner.lock().running
    }

    /// Joins them. They wait for nothing any more; but one may still be in the drop of what a task left behind.
    /// `false`: not all of them have ended by `deadline`.
    pub(crate) fn join(&self, deadline: Option<Instant>) -> bool {
        loop {
            let mut inner = self.inner.lock();
            while inner.running > 0 {
                let rest = deadline.map(|deadline| deadline.duration_since(Instant::now()));
                match rest {
                    Some(Duration::ZERO) => return false,
                    Some(rest) => {
                        self.ended.wait_for(&mut inner, rest);
                    }
                    None => self.ended.wait(&mut inner),
                }
            }
            // Somebody may have been starting another one meanwhile.
            let handles = std::mem::take(&mut inner.handles);
            inner.over = handles.is_empty();
            if inner.over {
                return true;
            }
            drop(inner);
            for thread in handles {
                // A runtime thread that panicked has aborted the process before.
                let _ = thread.join();
            }
        }
    }
}
