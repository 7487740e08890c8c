//! The waiter's side of a gather: spawns children and waits until all of them are gone.

use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use filch_executor::leaf::WaitKind;
use filch_executor::{JoinError, JoinHandle};

use super::attempt::{Attempt, Counted, Fate};
use super::children::{Guard, Keep, Scope};
use super::given::Given;
use super::holder::Holder;

/// The children of one gather. When it is dropped they are aborted, and waited for by the nearest drain.
#[doc(hidden)]
pub struct Children<E> {
    scope: Arc<Scope<E>>,
    holder: Holder,
}

impl<E> std::fmt::Debug for Children<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Children")
            .field("running", &self.scope.len())
            .finish_non_exhaustive()
    }
}

impl<E: Send + 'static> Children<E> {
    /// No children yet; whoever waits for them is said to wait where this was called.
    #[track_caller]
    #[must_use]
    pub fn new() -> Children<E> {
        let scope = Scope::new(Keep::First, Location::caller());
        Children {
            holder: Holder::of(&scope, "its gather was dropped"),
            scope,
        }
    }

    /// Spawns a child whose `Err` or panic is a failure of all; it has an output unless there was a failure. The task
    /// of a `JoinHandle` ends with the child.
    #[track_caller]
    pub fn spawn<T, F>(&self, future: F) -> Member<Result<T, Fate>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        let guard = self.enter();
        let place = guard.place();
        let handle = filch_executor::spawn(Attempt::new(Given::new(future), guard));
        self.scope.adopt(place, handle.abort_handle());
        Member { handle }
    }

    /// Spawns a child that may end in any way.
    #[track_caller]
    pub(super) fn spawn_any<F>(&self, future: F) -> Member<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let guard = self.enter();
        let place = guard.place();
        let handle = filch_executor::spawn(Counted::new(future, guard));
        self.scope.adopt(place, handle.abort_handle());
        Member { handle }
    }

    #[track_caller]
    fn enter(&self) -> Guard<E> {
        let entered = self.scope.enter(Location::caller());
        entered.expect("a gather spawns before it waits")
    }
}

impl<E> Children<E> {
    /// Waits until no child is there any more.
    ///
    /// # Errors
    /// The first child's error.
    ///
    /// # Panics
    /// With the first child's panic, if that came before any error.
    #[track_caller]
    pub fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        let ended = match self.scope.close() {
            Some(ended) => Some(ended),
            None => {
                ready!(self.scope.poll_gone(WaitKind::Gather, cx));
                self.scope.close()
            }
        };
        self.holder.end();
        let (mut kept, _) = ended.expect("a gather spawns before it waits");
        if let Some(panic) = kept.panic.take() {
            resume_unwind(panic);
        }
        assert!(
            !kept.lost,
            "the gather at {} cannot end: the runtime of its tasks shut down and cancelled one of them",
            self.scope.at
        );
        Poll::Ready(kept.errors.pop().map_or(Ok(()), Err))
    }
}

impl<E: Send + 'static> Default for Children<E> {
    #[track_caller]
    fn default() -> Children<E> {
        Children::new()
    }
}

/// A child's handle.
#[doc(hidden)]
#[derive(Debug)]
pub struct Member<T> {
    handle: JoinHandle<T>,
}

impl<T> Member<T> {
    pub(super) fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        Pin::new(&mut self.handle).poll(cx)
    }
}

/// The output of a child of a gather that had no failure.
impl<T> Future for Member<Result<T, Fate>> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.poll_join(cx)) {
            Ok(Ok(output)) => Poll::Ready(output),
            Ok(Err(_)) => unreachable!("a child without an output has reported a failure"),
            // The future's destructor panicked, after its output.
            Err(error) => resume_unwind(error.into_panic()),
        }
    }
}
