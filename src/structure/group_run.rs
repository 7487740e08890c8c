//! A group's life: its body is polled, then its children are waited for, then all that both left behind.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use filch_executor::Cancelled;
use filch_executor::foreign;
use filch_executor::leaf::{self, Drain, WaitKind};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;

use super::attempt::poll_or_drop;
use super::children::{Failure, Kept, Scope};
use super::group::TaskGroup;
use super::group_error::GroupError;
use super::holder::Holder;

pin_project! {
    /// The future of [`TaskGroup::run`] and [`Limit::run`](crate::future::Limit::run).
    #[must_use = "dropping it cancels the group; await it"]
    pub struct GroupRun<F, T, E> {
        // Gone when it has returned, panicked, or was cancelled.
        #[pin]
        body: Option<F>,
        value: Option<T>,
        drain: Drain,
        scope: Arc<Scope<E>>,
        begun: bool,
        done: bool,
        // Last: what the body holds is dropped first.
        holder: Holder,
    }
}

impl<F, T, E: Send + 'static> GroupRun<F, T, E> {
    pub(super) fn new(group: &TaskGroup<E>, body: F) -> GroupRun<F, T, E> {
        GroupRun {
            body: Some(body),
            value: None,
            drain: Drain::new(),
            scope: Arc::clone(&group.scope),
            begun: false,
            done: false,
            holder: Holder::of(&group.scope, "its group was dropped"),
        }
    }
}

impl<F, T, E> Future for GroupRun<F, T, E>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, GroupError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.done, "a task group was polled after its end");
        if !self.begun {
            // A loop over groups that are ready at once has to yield.
            ready!(leaf::poll_budget_of(&self.begun, cx));
            *self.as_mut().project().begun = true;
        }
        if self.body.is_some() {
            self.scope.register(cx);
            ready!(self.as_mut().poll_body(cx));
        }
        let this = self.project();
        let (kept, cancelled) = ready!(poll_end(this.scope, this.drain, cx));
        *this.done = true;
        this.holder.end();
        Poll::Ready(finish(this.scope, this.value.take(), kept, cancelled))
    }
}

impl<F, T, E> GroupRun<F, T, E>
where
    F: Future<Output = Result<T, E>>,
{
    /// Ready when the body is gone.
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if !this.scope.is_cancelled() {
            let body = this.body.as_mut();
            let poll = || foreign::attempt(|| poll_or_drop(body, cx));
            let (polled, asked) = this.drain.catch_scope(poll);
            match polled {
                Ok(Poll::Pending) => {
                    asked.into_iter().for_each(|by| this.scope.cancel(by));
                    if !this.scope.is_cancelled() {
                        return Poll::Pending;
                    }
                }
                Ok(Poll::Ready(Ok(value))) => *this.value = Some(value),
                Ok(Poll::Ready(Err(error))) => fail(this.scope, Failure::Error(error)),
                Err(panic) => fail(this.scope, Failure::Panic(panic)),
            }
        }
        let dropped = this
            .drain
            .catch(|| foreign::attempt(|| this.body.set(None)));
        if let Err(panic) = dropped {
            fail(this.scope, Failure::Panic(panic));
        }
        Poll::Ready(())
    }
}

/// The body failed.
fn fail<E>(scope: &Scope<E>, failure: Failure<E>) {
    let reason = match &failure {
        Failure::Panic(_) => "the body of the group panicked",
        _ => "the body of the group failed",
    };
    let by = leaf::cancelled_by_current(scope.at, Some(reason.into()));
    // A second panic is nobody's: the hook has told of it.
    if let Err(Failure::Panic(panic)) = scope.fail(failure, by) {
        foreign::dispose(panic);
    }
}

/// Waits until children, and what they and the body left behind, are gone; then no child can come any more.
fn poll_end<E>(
    scope: &Scope<E>,
    drain: &mut Drain,
    cx: &mut Context<'_>,
) -> Poll<(Kept<E>, Option<Cancelled>)> {
    loop {
        if drain.is_empty() {
            // One look, where nothing is left to wait for.
            if let Some(end) = scope.close() {
                return Poll::Ready(end);
            }
        }
        let kind = match scope.is_cancelled() {
            true => WaitKind::Drain,
            false => WaitKind::Group,
        };
        ready!(scope.poll_gone(kind, cx));
        ready!(drain.poll_with(cx, |failure| {
            if let Err(failure) = scope.keep_cleanup(failure) {
                leaf::unreported(&failure);
            }
        }));
        // Another task may have spawned one meanwhile.
        if let Some(end) = scope.close() {
            return Poll::Ready(end);
        }
    }
}

/// What the caller gets.
fn finish<T, E>(
    scope: &Scope<E>,
    value: Option<T>,
    mut kept: Kept<E>,
    cancelled: Option<Cancelled>,
) -> Result<T, GroupError<E>> {
    let (errors, cleanups) = (
        std::mem::take(&mut kept.errors),
        std::mem::take(&mut kept.cleanups),
    );
    if let Some(panic) = kept.panic.take() {
        cleanups.iter().for_each(leaf::unreported);
        if !errors.is_empty() {
            let (count, at) = (errors.len(), scope.at);
            leaf::report(format_args!(
                "{count} error(s) of the task group at {at} are lost, since a task of it panicked as well"
            ));
        }
        errors.into_iter().for_each(foreign::discard);
        resume_unwind(panic);
    }
    match value {
        Some(value) if errors.is_empty() && cleanups.is_empty() => Ok(value),
        _ => Err(GroupError::new(errors, cancelled, cleanups)),
    }
}

impl<F, T, E> FusedFuture for GroupRun<F, T, E>
where
    F: Future<Output = Result<T, E>>,
{
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<F, T, E> fmt::Debug for GroupRun<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupRun")
            .field("children", &self.scope.len())
            .finish_non_exhaustive()
    }
}
