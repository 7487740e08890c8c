//! What a task's runtime does with it: run it once, and complete it.
//!
//! The typed work is behind the vtable (`cell.rs`), the transitions are in `state.rs`; this is the order of the two.
//! Called by whoever has taken the [`Runnable`] from a queue: a worker, or a thread for blocking calls.

use super::header::{Header, Runnable, release};
use super::waker::borrowed_waker;
use crate::foreign;
use crate::task::state::{Complete, Park, Start};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::Context;

impl Runnable {
    /// Polls the task once, or cancels it if it was aborted. `Some`: it has to run again, and the
    /// caller enqueues it.
    ///
    /// `polled` is called once after a poll, before anybody else can have the task; after a poll that
    /// returned Pending it says whether the task goes to the tail of the queue by itself.
    pub(crate) fn run(self, polled: impl FnOnce(&Header) -> bool) -> Option<Runnable> {
        let task = ManuallyDrop::new(self).0;
        // SAFETY: rule 3: while a Runnable exists, or the task is RUNNING, the runtime's reference
        // keeps the memory. `start` gives the exclusive access of rule 2 that poll and cancel need.
        unsafe {
            let header = task.as_ref();
            if header.state.start() == Start::Cancel {
                (header.vtable.cancel)(task);
                complete(task);
                return None;
            }
            header.wait.clear();
            let waker = ManuallyDrop::new(borrowed_waker(task));
            if (header.vtable.poll)(task, &mut Context::from_waker(&waker)) {
                polled(header);
                complete(task);
                return None;
            }
            if polled(header) {
                header.state.requeue();
                return Some(Runnable(task));
            }
            match header.state.park() {
                Park::Idle => None,
                Park::Requeue => Some(Runnable(task)),
            }
        }
    }

    /// The header, for as long as the task is not being run.
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: rule 3.
        unsafe { self.0.as_ref() }
    }

    /// As a raw pointer, for the next-task slot; `from_raw` takes it back.
    pub(crate) fn into_raw(self) -> *mut Header {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// # Safety
    /// `raw` came from `into_raw` and is used once.
    pub(crate) unsafe fn from_raw(raw: NonNull<Header>) -> Runnable {
        Runnable(raw)
    }
}

impl Drop for Runnable {
    /// A Runnable that nobody will run, as when a queue is dropped: its task is cancelled.
    fn drop(&mut self) {
        // SAFETY: rule 3 for the header. `abort` on a scheduled task only sets the flag; running
        // it then cancels it.
        unsafe {
            let _ = self.0.as_ref().state.abort();
            let again = Runnable(self.0).run(|_| false);
            debug_assert!(again.is_none());
        }
    }
}

/// The future is gone and the output is in place: tell the runtime, then the joiner.
///
/// # Safety
/// The caller is RUNNING on `task` and gives that up.
unsafe fn complete(task: NonNull<Header>) {
    // SAFETY: rule 3 until `State::complete`; after it, only where the action says that a reference
    // is left to us. Rule 5 for the scheduler: this thread runs on behalf of the runtime.
    unsafe {
        let header = task.as_ref();
        let scheduler = header.scheduler;
        (scheduler.as_ref().complete)(scheduler, header);
        // Nobody sees the end of a task before its unwanted output, or panic, is dealt with.
        let wanted = header.state.is_joined();
        if !wanted {
            (header.vtable.drop_output)(task);
            if header.state.is_last() {
                (header.vtable.dealloc)(task);
                return;
            }
        }
        match header.state.complete() {
            Complete::Done => return,
            Complete::WakeJoiner => {
                // Rule 4: the slot is ours now.
                let waker = header.join_waker.with(|slot| (*slot).assume_init_read());
                foreign::wake(waker);
            }
            // The handle went away in this moment.
            Complete::DropOutput if wanted => (header.vtable.drop_output)(task),
            Complete::DropOutput => {}
        }
        release(task);
    }
}
