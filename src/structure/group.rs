//! `TaskGroup`: tasks that come one by one, of which none is left behind. asyncio's `TaskGroup`, trio's nursery.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use filch_executor::foreign;
use filch_executor::leaf;

use super::attempt::{Attempt, Fate, report, report_panic};
use super::child::Child;
use super::children::{Guard, Keep, Scope};
use super::group_run::GroupRun;
use super::limit::Limit;
use super::until::{Signal, UntilCancelled};

/// A group of tasks that end together: the handle that [`TaskGroup::run`] gives to its body.
///
/// ```
/// async fn fetch(page: u32) -> Result<String, std::io::Error> {
///     Ok(format!("page {page}"))
/// }
///
/// # filch::run(async {
/// let pages = filch::TaskGroup::run(async |group| {
///     let first = group.spawn(fetch(1));
///     let second = group.spawn(fetch(2));
///     Ok(first.await + ", " + &second.await)
/// })
/// .await?;
/// assert_eq!(pages, "page 1, page 2");
/// # Ok::<(), filch::GroupError<std::io::Error>>(()) }).unwrap();
/// ```
///
/// The handle is a value: it can be cloned, kept and sent, so children may spawn into their own group, also while the
/// body has returned already.
pub struct TaskGroup<E> {
    pub(super) scope: Arc<Scope<E>>,
}

/// The group has ended: nothing can be spawned into it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupEnded;

impl fmt::Display for GroupEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task group has ended, so nothing can be spawned into it any more")
    }
}

impl std::error::Error for GroupEnded {}

impl<E: Send + 'static> TaskGroup<E> {
    /// Runs `body` with a new group, and returns when the body and every child have ended, and all that they left
    /// behind is gone.
    ///
    /// The body is polled inside the calling task, and may borrow from it; children are tasks of their own, on every
    /// core. The first `Err` or panic, of a child or of the body, cancels all the others and the body.
    ///
    /// # Returns
    /// The body's value, if it and all children have succeeded.
    ///
    /// # Errors
    /// [`GroupError`](crate::GroupError) with every error, those that came while the others ended too; without errors,
    /// if the group was cancelled before its body had returned.
    ///
    /// # Panics
    /// With the first panic of a child or of the body, after all are gone. If there were errors too, standard error
    /// says how many.
    ///
    /// # Cancel safety
    /// Dropping it cancels all children; the nearest timeout, group or task waits until they are gone.
    ///
    /// # Examples
    /// An accept loop whose connections end with it:
    /// ```
    /// # use std::io;
    /// # async fn accept(n: u32) -> io::Result<u32> { if n < 3 { Ok(n) } else { Err(io::Error::other("closed")) } }
    /// # async fn serve(_: u32) -> io::Result<()> { Ok(()) }
    /// # filch::run(async {
    /// let ended = filch::TaskGroup::run(async |group| {
    ///     for n in 0.. {
    ///         let connection = accept(n).await?;
    ///         group.spawn(serve(connection));
    ///     }
    ///     Ok(())
    /// });
    /// assert_eq!(ended.await.unwrap_err().first().unwrap().to_string(), "closed");
    /// # });
    /// ```
    #[track_caller]
    pub fn run<F, Fut, T>(body: F) -> GroupRun<Fut, T, E>
    where
        F: FnOnce(TaskGroup<E>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let group = TaskGroup::at(Location::caller());
        GroupRun::new(&group, body(group.clone()))
    }

    /// A group of which at most `count` children run at a time: `TaskGroup::limit(8).run(async |group| ..)`.
    ///
    /// # Panics
    /// If `count` is zero.
    #[track_caller]
    pub fn limit(count: usize) -> Limit<E> {
        Limit::new(count)
    }

    pub(super) fn at(at: &'static Location<'static>) -> TaskGroup<E> {
        let scope = Scope::new(Keep::All, at);
        TaskGroup { scope }
    }

    /// Spawns a child. Its `Err`, or panic, cancels the group.
    ///
    /// If the group is being cancelled, the child never runs, and its future is dropped by its task.
    ///
    /// # Panics
    /// If the group has ended; [`try_spawn`](TaskGroup::try_spawn) does not. Outside a runtime.
    #[track_caller]
    pub fn spawn<T, F>(&self, future: F) -> Child<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_in(self.enter(), future)
    }

    /// As [`spawn`](TaskGroup::spawn).
    ///
    /// # Errors
    /// If the group has ended; the future is dropped.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn try_spawn<T, F>(&self, future: F) -> Result<Child<T>, GroupEnded>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        let guard = self.scope.enter(Location::caller());
        Ok(self.spawn_in(guard.map_err(|_| GroupEnded)?, future))
    }

    /// As [`spawn`](TaskGroup::spawn), for a future that cannot fail: its output is the child's value as it is.
    ///
    /// # Panics
    /// As [`spawn`](TaskGroup::spawn).
    #[track_caller]
    pub fn spawn_ok<F>(&self, future: F) -> Child<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_in(self.enter(), async move { Ok(future.await) })
    }

    /// As [`spawn`](TaskGroup::spawn), on a [`LocalRuntime`](crate::LocalRuntime) and for a future that need not be
    /// `Send`.
    ///
    /// # Panics
    /// As [`spawn`](TaskGroup::spawn), and outside a `LocalRuntime`.
    #[track_caller]
    pub fn spawn_local<T, F>(&self, future: F) -> Child<T>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
    {
        let guard = self.enter();
        let place = guard.place();
        let handle = filch_executor::spawn_local(Attempt::new(future, guard));
        self.scope.adopt(place, handle.abort_handle());
        Child::new(handle)
    }

    /// Runs a closure that may block as a child, on a thread kept for such. One that has begun cannot be cancelled, so
    /// the group waits for its end.
    ///
    /// # Panics
    /// As [`spawn`](TaskGroup::spawn).
    #[track_caller]
    pub fn spawn_blocking<T, F>(&self, f: F) -> Child<T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
    {
        let guard = self.enter();
        let place = guard.place();
        let handle = filch_executor::spawn_blocking(move || run_closure(f, guard));
        self.scope.adopt(place, handle.abort_handle());
        Child::new(handle)
    }

    #[track_caller]
    pub(super) fn enter(&self) -> Guard<E> {
        self.enter_at(Location::caller())
    }

    pub(super) fn enter_at(&self, at: &'static Location<'static>) -> Guard<E> {
        match self.scope.enter(at) {
            Ok(guard) => guard,
            Err(_) => panic!("{GroupEnded}"),
        }
    }

    pub(super) fn spawn_in<T, F>(&self, guard: Guard<E>, future: F) -> Child<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        let place = guard.place();
        let at = guard.at;
        let handle = filch_executor::spawn_at(Attempt::new(future, guard), at);
        self.scope.adopt(place, handle.abort_handle());
        Child::new(handle)
    }

    /// Cancels the body and all children. [`run`](TaskGroup::run) returns when they are gone: an error without errors,
    /// or the body's value, if that had returned. After the group's end nothing happens.
    #[track_caller]
    pub fn cancel(&self) {
        self.scope
            .cancel(leaf::cancelled_by_current(Location::caller(), None));
    }

    /// As [`cancel`](TaskGroup::cancel), and [`GroupError::cancelled`](crate::GroupError::cancelled) says why.
    #[track_caller]
    pub fn cancel_because(&self, reason: impl Into<Arc<str>>) {
        let reason = Some(reason.into());
        self.scope
            .cancel(leaf::cancelled_by_current(Location::caller(), reason));
    }

    /// Waits until the group is cancelled, by whomever: for who is not one of its children, and lives on.
    #[track_caller]
    pub fn cancelled(&self) -> UntilCancelled<TaskGroup<E>> {
        let notified = self.scope.cancels().notified_owned();
        UntilCancelled::new(self.clone(), notified)
    }

    /// How many children are not gone.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scope.len()
    }

    /// Whether no child is there, at the moment.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Runs a child's closure, if it may.
fn run_closure<T, E, F>(f: F, mut guard: Guard<E>) -> Result<T, Fate>
where
    E: Send + 'static,
    F: FnOnce() -> Result<T, E>,
{
    guard.ended = true;
    if let Some(cancelled) = guard.refused.take() {
        return Err(Fate::Refused(cancelled));
    }
    match foreign::attempt(f) {
        Ok(output) => report(output, &guard),
        Err(panic) => Err(report_panic(panic, &guard)),
    }
}

impl<E> Signal for TaskGroup<E> {
    fn is_cancelled(&self) -> bool {
        self.scope.is_cancelled()
    }
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> TaskGroup<E> {
        TaskGroup {
            scope: Arc::clone(&self.scope),
        }
    }
}

impl<E> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("children", &self.scope.len())
            .field("cancelled", &self.scope.is_cancelled())
            .finish()
    }
}
