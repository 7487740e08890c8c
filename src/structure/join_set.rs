//! `JoinSet`: tasks of one output type that come one by one, and whose outcomes are taken as they end. tokio's names.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use filch_executor::leaf::{self, Wait, WaitKind};
use filch_executor::{AbortHandle, Handle, JoinError, JoinHandle, TaskId};

use super::attempt::Counted;
use super::children::{Guard, Keep, Scope};
use super::holder::Holder;
use super::join_next::{JoinAll, JoinNext, JoinNextWithId, Shutdown};
use super::slab::Slab;

/// Tasks whose outcomes are taken in the order in which they end.
///
/// A failed task cancels nobody: for tasks that end together there is [`TaskGroup`](crate::TaskGroup). Dropping the set
/// aborts its tasks, and the nearest timeout, group or task waits until they are gone.
///
/// # Examples
/// ```
/// use filch::task::JoinSet;
///
/// # filch::run(async {
/// let mut set = JoinSet::new();
/// for n in 1..=3 {
///     set.spawn(async move { n * n });
/// }
/// let mut sum = 0;
/// while let Some(square) = set.join_next().await {
///     sum += square?;
/// }
/// assert_eq!(sum, 14);
/// # Ok::<(), filch::JoinError>(()) }).unwrap();
/// ```
pub struct JoinSet<T> {
    tasks: Slab<Member<T>>,
    /// How many tasks there were.
    count: u32,
    /// The tag of a task that has ended but for its last step.
    ending: Option<u64>,
    set: Set,
}

/// A task whose outcome was not taken.
struct Member<T> {
    /// Its place, and above that a number that tells it from whoever had the place before.
    tag: u64,
    handle: JoinHandle<T>,
}

/// The place that is part of a tag.
fn place_of(tag: u64) -> usize {
    (tag & u64::from(u32::MAX)) as usize
}

/// What does not depend on the output.
struct Set {
    scope: Arc<Scope<()>>,
    _holder: Holder,
}

impl Set {
    #[track_caller]
    fn new() -> Set {
        let scope = Scope::new(Keep::Ends, Location::caller());
        Set {
            _holder: Holder::of(&scope, "its JoinSet was dropped"),
            scope,
        }
    }

    #[track_caller]
    fn enter(&self, tag: u64) -> Guard<()> {
        let entered = self.scope.enter(Location::caller());
        let mut guard = entered.expect("a JoinSet is never closed");
        guard.ended = true;
        guard.tag = tag;
        guard
    }
}

impl<T> JoinSet<T> {
    /// A set without tasks.
    #[track_caller]
    #[must_use]
    pub fn new() -> JoinSet<T> {
        JoinSet {
            tasks: Slab::default(),
            count: 0,
            ending: None,
            set: Set::new(),
        }
    }

    /// How many tasks are there whose outcome was not taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.len() == 0
    }

    /// Cancels every task. Their outcomes are still to be taken.
    #[track_caller]
    pub fn abort_all(&mut self) {
        self.abort_all_at(Location::caller());
    }

    pub(super) fn abort_all_at(&self, at: &'static Location<'static>) {
        let by = leaf::cancelled_by_current(at, None);
        for task in self.tasks.iter() {
            task.handle.abort_by(by.clone());
        }
    }

    /// Lets every task run on without the set.
    pub fn detach_all(&mut self)
    where
        T: 'static,
    {
        self.tasks.clear();
        self.ending = None;
        let old = std::mem::replace(&mut self.set, Set::new());
        old.scope.release();
    }

    #[track_caller]
    fn add(&mut self, spawn: impl FnOnce(Guard<()>) -> JoinHandle<T>) -> AbortHandle {
        let tag = u64::from(self.count) << 32 | self.tasks.next() as u64;
        self.count = self.count.wrapping_add(1);
        let guard = self.set.enter(tag);
        let place = guard.place();
        let handle = spawn(guard);
        self.set.scope.adopt(place, handle.abort_handle());
        let abort = handle.abort_handle();
        self.tasks.insert(Member { tag, handle });
        abort
    }

    /// The task with that tag. `None`: it was never spawned.
    fn task(&mut self, tag: u64) -> Option<&mut Member<T>> {
        let task = self.tasks.get_mut(place_of(tag));
        task.filter(|task| task.tag == tag)
    }
}

impl<T: 'static> JoinSet<T> {
    /// Spawns a task into the set.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.add(|guard| filch_executor::spawn(Counted::new(future, guard)))
    }

    /// As [`spawn`](JoinSet::spawn), on the given runtime.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, future: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.add(|guard| handle.spawn(Counted::new(future, guard)))
    }

    /// As [`spawn`](JoinSet::spawn), on a [`LocalRuntime`](crate::LocalRuntime) and for a future that need not be
    /// `Send`.
    ///
    /// # Panics
    /// Outside a `LocalRuntime`.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.add(|guard| filch_executor::spawn_local(Counted::new(future, guard)))
    }

    /// Runs a closure that may block, on a thread kept for such.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.add(|guard| {
            filch_executor::spawn_blocking(move || {
                let _guard = guard;
                f()
            })
        })
    }

    /// Waits for the next task to end, and gives its outcome. `None`: the set is empty.
    ///
    /// # Errors
    /// If the task panicked or was aborted.
    ///
    /// # Cancel safety
    /// If it is dropped before it is ready, no outcome was taken.
    #[track_caller]
    pub fn join_next(&mut self) -> JoinNext<'_, T> {
        JoinNext::new(self, Wait::here(WaitKind::Gather))
    }

    /// As [`join_next`](JoinSet::join_next), with the task's number.
    ///
    /// # Errors
    /// If the task panicked or was aborted; the error has the number, too.
    ///
    /// # Cancel safety
    /// As [`join_next`](JoinSet::join_next).
    #[track_caller]
    pub fn join_next_with_id(&mut self) -> JoinNextWithId<'_, T> {
        JoinNextWithId::new(self, Wait::here(WaitKind::Gather))
    }

    /// The outcome of a task that has ended, if there is one.
    ///
    /// # Errors
    /// If the task panicked or was aborted.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        loop {
            let tag = self.ending.take().or_else(|| self.set.scope.take_ended())?;
            let Some(task) = self.task(tag) else { continue };
            if !task.handle.is_finished() {
                self.ending = Some(tag);
                return None;
            }
            let mut task = self.tasks.remove(place_of(tag))?;
            return task.handle.take_finished();
        }
    }

    /// As [`join_next`](JoinSet::join_next), for who polls by hand.
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        let outcome = ready!(self.poll_join_next_with_id(cx));
        Poll::Ready(outcome.map(|outcome| outcome.map(|(_, output)| output)))
    }

    /// As [`join_next_with_id`](JoinSet::join_next_with_id), for who polls by hand.
    pub fn poll_join_next_with_id(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(TaskId, T), JoinError>>> {
        let wait = self.set.scope.wait(WaitKind::Gather);
        self.poll_next_for(wait, cx)
    }

    /// The same for a future whose caller waits in `wait`.
    pub(super) fn poll_next_for(
        &mut self,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(TaskId, T), JoinError>>> {
        if self.is_empty() {
            ready!(leaf::poll_budget_of(&self.count, cx));
            return Poll::Ready(None);
        }
        loop {
            let tag = match self.ending.take() {
                Some(tag) => tag,
                None => ready!(self.set.scope.poll_ended(wait, cx)),
            };
            let Some(task) = self.task(tag) else { continue };
            let id = task.handle.id();
            let Poll::Ready(output) = Pin::new(&mut task.handle).poll(cx) else {
                self.ending = Some(tag);
                return Poll::Pending;
            };
            self.tasks.remove(place_of(tag));
            return Poll::Ready(Some(output.map(|output| (id, output))));
        }
    }

    /// Waits for every task, and gives the outputs in the order in which they ended.
    ///
    /// # Panics
    /// If a task panicked, with its panic, or was aborted; the others are aborted then.
    ///
    /// # Cancel safety
    /// Dropping it drops the set, and the outputs that were taken.
    #[track_caller]
    pub fn join_all(self) -> JoinAll<T> {
        JoinAll::new(self, Wait::here(WaitKind::Gather))
    }

    /// Cancels every task, and waits until they are gone.
    ///
    /// # Cancel safety
    /// Cancel safe: once it was polled, the tasks are cancelled, and who calls it again waits for those that are left.
    #[track_caller]
    pub fn shutdown(&mut self) -> Shutdown<'_, T> {
        Shutdown::new(self, Wait::here(WaitKind::Gather))
    }
}

impl<T> Default for JoinSet<T> {
    #[track_caller]
    fn default() -> JoinSet<T> {
        JoinSet::new()
    }
}

impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// Spawns each of the futures.
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> JoinSet<T> {
        let mut set = JoinSet::new();
        for future in futures {
            set.spawn(future);
        }
        set
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}
