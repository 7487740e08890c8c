//! Waiting for what dropped scopes leave behind.
//!
//! A *scope* holds tasks of its own: a gather, a group, a shield, a cleanup. Cancelling one waits until its tasks are
//! gone, but a drop cannot wait. So a scope that is dropped unfinished tells its tasks to end and hands its
//! [`Remains`] to the nearest *drain*, which waits in its place: a combinator of ours, a group, or at last the task,
//! which is not complete before.
//!
//! # For who writes a combinator
//!
//! Whatever drops a future of others before it returns does it through a [`Drain`]:
//!
//! 1. It has a `Drain::new()`, eight bytes, beside its futures; in a macro, a variable that is declared before them, so
//!    that it is dropped after them.
//! 2. It drops futures inside [`Drain::catch`]: `drain.catch(|| future.set(None))`. Polling them needs none.
//! 3. Before it returns, or runs a handler, it waits: `ready!(drain.poll(cx))`, or `(&mut drain).await`. Where no scope
//!    was dropped that is one look at a pointer, and ready.
//!
//! That is all. A `Drain` that is dropped with something in it hands that on to whatever drain is the nearest then. The
//! current task is found by itself: nobody else has to be told.

use crate::seats::around::{self, Opened};
use crate::seats::open::Open;
use crate::task::remains::List;
use crate::task::{AtEnd, Cancelled, CleanupError, Remains};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A place where what is dropped is waited for. The module says how a combinator uses it.
#[derive(Debug, Default)]
pub struct Drain(Option<Box<List>>);

impl Drain {
    /// With nothing in it.
    #[must_use]
    pub const fn new() -> Drain {
        Drain(None)
    }

    /// Calls `f`, which drops futures. What scopes in them leave behind comes here. If it panics, that goes on to the
    /// enclosing drain.
    #[inline]
    pub fn catch<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.catch_in(false, f).0
    }

    /// As [`catch`](Drain::catch), around a poll of what can be cancelled for itself. `Some`: somebody in it asked for
    /// that, by [`cancel_nearest`].
    #[inline]
    pub fn catch_scope<R>(&mut self, f: impl FnOnce() -> R) -> (R, Option<Cancelled>) {
        self.catch_in(true, f)
    }

    #[inline]
    fn catch_in<R>(&mut self, is_scope: bool, f: impl FnOnce() -> R) -> (R, Option<Cancelled>) {
        let caught = Caught(Open {
            is_scope,
            ..Open::default()
        });
        // SAFETY: it stays in this frame until `opened` is gone.
        let opened = unsafe { Opened::new(&caught.0) };
        let result = f();
        drop(opened);
        if !is_scope && caught.0.list.is_untouched() {
            std::mem::forget(caught); // Nothing was put into it, so it has nothing to free.
            return (result, None);
        }
        self.keep(&caught.0.list);
        (result, caught.0.cancelled.take())
    }

    #[inline]
    fn keep(&mut self, list: &List) {
        if !list.is_empty() {
            self.keep_all(list);
        }
    }

    #[cold]
    fn keep_all(&mut self, list: &List) {
        let kept = self.0.get_or_insert_with(Box::default);
        for part in list.take() {
            kept.push(part, |failure| {
                around::hand_over(Box::new(Failed(Some(failure))))
            });
        }
    }

    /// Whether nothing is there that would have to be waited for.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Waits until all is gone. A failed cleanup is told to the enclosing drain.
    #[inline]
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_with(cx, |failure| {
            around::hand_over(Box::new(Failed(Some(failure))))
        })
    }

    /// As [`poll`](Drain::poll); failed cleanups come here.
    #[inline]
    pub fn poll_with(&mut self, cx: &mut Context<'_>, fail: impl FnMut(CleanupError)) -> Poll<()> {
        match &self.0 {
            Some(list) if !list.poll(cx, fail) => Poll::Pending,
            Some(_) => {
                self.0 = None;
                Poll::Ready(())
            }
            None => Poll::Ready(()),
        }
    }
}

impl Future for Drain {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Drain::poll(&mut self, cx)
    }
}

impl Drop for Drain {
    #[inline]
    fn drop(&mut self) {
        if let Some(list) = self.0.take() {
            hand_on(&list);
        }
    }
}

#[cold]
fn hand_on(list: &List) {
    list.take().into_iter().for_each(around::hand_over);
}

/// Hands on what is in it when its frame is left by a panic.
struct Caught(Open);

impl Drop for Caught {
    #[inline]
    fn drop(&mut self) {
        if !self.0.list.is_empty() {
            hand_on(&self.0.list);
        }
    }
}

/// A failure of a cleanup, on its way to whoever tells of it.
struct Failed(Option<CleanupError>);

impl Remains for Failed {
    fn poll_gone(&mut self, _: &mut Context<'_>) -> Poll<Option<CleanupError>> {
        Poll::Ready(self.0.take())
    }
}

/// Hands what a dropped scope leaves behind to the nearest drain. Without one, nobody waits for it.
pub fn hand_over(remains: Box<dyn Remains>) {
    around::hand_over(remains);
}

/// Drops `last` when the current task, whose future is being dropped, has ended with all that this leaves behind: at
/// once, if it has left nothing so far.
pub fn at_end_of_task<L: AtEnd + 'static>(last: L) {
    around::at_end_of_task(last);
}

/// Cancels the group's body that is being polled, or else the current task: it is dropped when this poll has returned.
/// `false`: there is neither.
#[must_use]
pub fn cancel_nearest(cancelled: Cancelled) -> bool {
    around::cancel_nearest(cancelled)
}

/// That the calling task cancels something, at a place and for a reason.
#[must_use]
pub fn cancelled_by_current(at: &'static Location<'static>, reason: Option<Arc<str>>) -> Cancelled {
    Cancelled {
        reason,
        ..around::by_current(at)
    }
}
