//! What scopes leave behind when they are dropped unfinished, and where it is kept until it is gone.
//!
//! A *scope* is whatever holds tasks of its own: a gather, a group, a shield, a cleanup. A drop cannot wait. So a scope
//! that is dropped tells its tasks to end, and leaves *remains*: something that can be asked whether they are gone.
//! They lie in a [`List`]: a combinator's, which waits before it returns, or a task's, which is not complete before.
//! Which of them is the nearest is known in `seats/context.rs`.
//!
//! Remains are code of others as far as this file knows: while any of it runs, nobody has borrowed the list, as it may
//! come back with more.

use super::cleanup_error::CleanupError;
use crate::foreign::{attempt, discard};
use std::cell::Cell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::task::{Context, Poll, Waker};

/// A list looks for remains that are gone already when it has so many, and again when those left have doubled.
const FORGET_FROM: usize = 16;

/// What a scope has left behind.
pub trait Remains: Send {
    /// Waits until it is gone, and says what a cleanup in it had to complain of.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Option<CleanupError>>;

    /// Whether it is gone, so that it can be forgotten. Asked now and then by lists that nobody waits for yet.
    fn is_gone(&self) -> bool {
        false
    }
}

/// What has to happen when a task has ended and all that its future left is gone: the drop of this.
pub trait AtEnd: Send {
    /// Takes a failed cleanup, if it is for this to tell of it.
    ///
    /// # Errors
    /// The failure, if not.
    fn take_failure(&mut self, failure: CleanupError) -> Result<(), CleanupError> {
        Err(failure)
    }
}

/// Remains that lie in one place.
#[derive(Default)]
pub(crate) struct List {
    parts: Cell<Vec<Box<dyn Remains>>>,
    /// Look for what is gone at that length.
    forget_at: Cell<usize>,
}

// SAFETY: parts are Send, so the list may go to another thread. No method that takes `&self` is called by anybody but
// the thread that has the list for itself: it lies in a `Drain`, whose methods take `&mut`, or by rule 2 in a task.
unsafe impl Sync for List {}
// A panic of a part ends where it is polled, and the part goes with it.
impl UnwindSafe for List {}
impl RefUnwindSafe for List {}

impl List {
    /// Whether it never had anything in it, and so owns no memory.
    #[inline]
    pub(crate) fn is_untouched(&self) -> bool {
        // SAFETY: as for `is_empty`.
        unsafe { (*self.parts.as_ptr()).capacity() == 0 }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // SAFETY: nobody has a reference to what is in a cell, and one thread has the list for itself.
        unsafe { (*self.parts.as_ptr()).is_empty() }
    }

    /// Adds remains. What is found to be gone goes; failures among it go to `fail`.
    pub(crate) fn push(&self, part: Box<dyn Remains>, fail: impl FnMut(CleanupError)) {
        let mut parts = self.parts.take();
        parts.push(part);
        let count = parts.len();
        self.parts.set(parts);
        if count >= self.forget_at.get().max(FORGET_FROM) {
            self.forget_gone(fail);
        }
    }

    fn forget_gone(&self, fail: impl FnMut(CleanupError)) {
        let (gone, left) = self
            .parts
            .take()
            .into_iter()
            .partition(|part| part.is_gone());
        self.give_back(left);
        let mut cx = Context::from_waker(Waker::noop());
        let still = poll_each(gone, &mut cx, fail);
        let count = self.give_back(still);
        self.forget_at.set(2 * count);
    }

    /// Whether all is gone; failures go to `fail`.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, mut fail: impl FnMut(CleanupError)) -> bool {
        loop {
            let left = poll_each(self.parts.take(), cx, &mut fail);
            let count = left.len();
            // What came meanwhile was not polled yet.
            if self.give_back(left) == count {
                return count == 0;
            }
        }
    }

    pub(crate) fn take(&self) -> Vec<Box<dyn Remains>> {
        self.parts.take()
    }

    /// Returns how many there are now, with those that came meanwhile.
    fn give_back(&self, mut parts: Vec<Box<dyn Remains>>) -> usize {
        parts.append(&mut self.parts.take());
        let count = parts.len();
        self.parts.set(parts);
        count
    }
}

/// Polls each once, and returns those that are not gone.
fn poll_each(
    mut parts: Vec<Box<dyn Remains>>,
    cx: &mut Context<'_>,
    mut fail: impl FnMut(CleanupError),
) -> Vec<Box<dyn Remains>> {
    parts.retain_mut(|part| match attempt(|| part.poll_gone(cx)) {
        Ok(Poll::Pending) => true,
        Ok(Poll::Ready(failure)) => {
            failure.into_iter().for_each(&mut fail);
            false
        }
        // Ours catch what they poll; another one's panic has been told of by the hook.
        Err(payload) => {
            crate::foreign::dispose(payload);
            false
        }
    });
    parts
}

/// What a task's future has left behind.
#[derive(Default)]
pub(crate) struct Remainder {
    pub(crate) list: List,
    at_end: Cell<Vec<Box<dyn AtEnd>>>,
}

impl Remainder {
    pub(crate) fn push_at_end(&self, last: Box<dyn AtEnd>) {
        let mut all = self.at_end.take();
        all.push(last);
        self.at_end.set(all);
    }

    /// Whether all is gone. A failure goes to whoever takes it, or else to `report`.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, mut report: impl FnMut(CleanupError)) -> bool {
        self.list.poll(cx, |failure| {
            let mut all = self.at_end.take();
            let left = all.iter_mut().try_fold(failure, |failure, last| {
                match last.take_failure(failure) {
                    Ok(()) => Err(()),
                    Err(failure) => Ok(failure),
                }
            });
            self.at_end.set(all);
            left.into_iter().for_each(&mut report);
        })
    }
}

impl Drop for Remainder {
    fn drop(&mut self) {
        self.list.take().into_iter().for_each(discard);
        self.at_end.take().into_iter().for_each(discard);
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").finish_non_exhaustive()
    }
}

impl fmt::Debug for Remainder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remainder").finish_non_exhaustive()
    }
}
