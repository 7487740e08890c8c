//! What a task's runtime does with it: run it once, and complete it.
//!
//! The typed work is behind the vtable (`cell.rs`), the transitions are in `state.rs`; this is the order of the two.
//! Called by whoever has taken the [`Runnable`] from a queue: a worker, or a thread for blocking calls.

use super::header::{Header, Runnable, release};
use super::waker::borrowed_waker;
use crate::foreign;
use crate::task::report::unreported;
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
    #[inline(always)]
    pub(crate) fn run(self, polled: impl FnOnce(&Header) -> bool) -> Option<Runnable> {
        let task = ManuallyDrop::new(self).0;
        // SAFETY: rule 3: while a Runnable exists, or the task is RUNNING, the runtime's reference
        // keeps the memory. `start` gives the exclusive access of rule 2 that poll and cancel need.
        unsafe {
            let header = task.as_ref();
            let waker = ManuallyDrop::new(borrowed_waker(task));
            let cx = &mut Context::from_waker(&waker);
            match header.state.start() {
                Start::Poll => {}
                Start::Cancel => return cancel(task, cx, polled),
                Start::Drain => return drain(task, cx, polled),
            }
            header.wait.clear();
            if (header.vtable.poll)(task, cx) {
                return finish(task, cx, polled);
            }
            park(task, polled)
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
        // SAFETY: rule 3 for the header. `abort` on a scheduled task only sets the flag; what is started then is the
        // cancel, or the rest of one. `start` gives rule 2, until `complete`.
        unsafe {
            let header = self.0.as_ref();
            let _ = header.state.abort();
            if header.state.start() == Start::Cancel {
                (header.vtable.cancel)(self.0);
            }
            // Nobody would run it again, so it cannot wait itself.
            let remainder = header.extras.take_remainder();
            let hand_on = header.vtable.hand_on;
            complete(self.0);
            if let Some(remainder) = remainder {
                hand_on(*remainder);
            }
        }
    }
}

/// The task was aborted: drops the future in the place of a poll.
///
/// # Safety
/// As `park`.
#[cold]
unsafe fn cancel(
    task: NonNull<Header>,
    cx: &mut Context<'_>,
    polled: impl FnOnce(&Header) -> bool,
) -> Option<Runnable> {
    // SAFETY: the caller's promise.
    unsafe {
        let header = task.as_ref();
        (header.vtable.cancel)(task);
        if header.extras.remainder().is_some() {
            return finish(task, cx, polled);
        }
        complete(task);
    }
    None
}

/// The poll of a task that goes on is over.
///
/// # Safety
/// The caller is RUNNING on `task` and gives that up.
#[inline]
unsafe fn park(task: NonNull<Header>, polled: impl FnOnce(&Header) -> bool) -> Option<Runnable> {
    // SAFETY: rule 3 until it is parked.
    unsafe {
        let header = task.as_ref();
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

/// The future is gone and the output is in place: completes the task, unless there is something to wait for first.
///
/// # Safety
/// As `park`.
#[inline]
unsafe fn finish(
    task: NonNull<Header>,
    cx: &mut Context<'_>,
    polled: impl FnOnce(&Header) -> bool,
) -> Option<Runnable> {
    // SAFETY: the caller's promise.
    unsafe {
        let header = task.as_ref();
        if header.extras.remainder().is_some() {
            header.state.drain();
            return drain(task, cx, polled);
        }
        polled(header);
        complete(task);
    }
    None
}

/// Waits for what the future left behind, and then completes the task.
///
/// # Safety
/// As `park`, and the task is DRAINING.
#[cold]
unsafe fn drain(
    task: NonNull<Header>,
    cx: &mut Context<'_>,
    polled: impl FnOnce(&Header) -> bool,
) -> Option<Runnable> {
    // SAFETY: the caller's promise.
    unsafe {
        let header = task.as_ref();
        header.wait.clear();
        let remainder = header.extras.remainder();
        if remainder.is_some_and(|remainder| !remainder.poll(cx, |failure| unreported(&failure))) {
            return park(task, polled);
        }
        // What is to happen at the end of the task happens as a part of it.
        foreign::discard(header.extras.take_remainder());
        polled(header);
        complete(task);
    }
    None
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
