//! Groups of which only so many children run at a time.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::FusedFuture;
use pin_project_lite::pin_project;

use super::child::Child;
use super::group::TaskGroup;
use super::group_run::GroupRun;
use super::until::UntilCancelled;
use crate::sync::Semaphore;
use crate::sync::future::AcquireOwned;

/// A limit for a group that is to come: [`TaskGroup::limit`].
#[derive(Debug)]
#[must_use = "a limit does nothing until `run` is called"]
pub struct Limit<E> {
    count: usize,
    errors: PhantomData<fn() -> E>,
}

impl<E: Send + 'static> Limit<E> {
    #[track_caller]
    pub(super) fn new(count: usize) -> Limit<E> {
        assert!(count > 0, "a group with a limit of 0 could run no child");
        let errors = PhantomData;
        Limit { count, errors }
    }

    /// As [`TaskGroup::run`], with a [`LimitedGroup`].
    ///
    /// # Errors
    /// As [`TaskGroup::run`].
    ///
    /// # Panics
    /// As [`TaskGroup::run`].
    ///
    /// # Examples
    /// ```
    /// # async fn fetch(page: u32) -> Result<u32, std::io::Error> { Ok(page) }
    /// # filch::run(async {
    /// filch::TaskGroup::limit(8).run(async |group| {
    ///     for page in 0..100 {
    ///         // Waits while eight pages are being fetched.
    ///         group.spawn(fetch(page)).await;
    ///     }
    ///     Ok(())
    /// })
    /// .await?;
    /// # Ok::<(), filch::GroupError<std::io::Error>>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn run<F, Fut, T>(self, body: F) -> GroupRun<Fut, T, E>
    where
        F: FnOnce(LimitedGroup<E>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let group = TaskGroup::at(Location::caller());
        let limited = LimitedGroup {
            group: group.clone(),
            room: Arc::new(Semaphore::new(self.count)),
        };
        GroupRun::new(&group, body(limited))
    }
}

/// A [`TaskGroup`] whose children wait for room before they are spawned: see [`TaskGroup::limit`].
///
/// A child that spawns into its own group and waits for room there, with all room taken by such children, waits for
/// ever.
pub struct LimitedGroup<E> {
    group: TaskGroup<E>,
    room: Arc<Semaphore>,
}

impl<E: Send + 'static> LimitedGroup<E> {
    /// Waits until fewer children than the limit are there, and spawns one. Whoever waits first goes first.
    ///
    /// # Panics
    /// As [`TaskGroup::spawn`], when it is awaited.
    ///
    /// # Cancel safety
    /// If it is dropped before it is ready, nothing was spawned.
    #[track_caller]
    pub fn spawn<T, F>(&self, future: F) -> SpawnLimited<F, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        SpawnLimited {
            room: Arc::clone(&self.room).acquire_owned(),
            future: Some(future),
            group: self.group.clone(),
            at: Location::caller(),
        }
    }

    /// As [`TaskGroup::cancel`].
    #[track_caller]
    pub fn cancel(&self) {
        self.group.cancel();
    }

    /// As [`TaskGroup::cancel_because`].
    #[track_caller]
    pub fn cancel_because(&self, reason: impl Into<Arc<str>>) {
        self.group.cancel_because(reason);
    }

    /// As [`TaskGroup::cancelled`].
    #[track_caller]
    pub fn cancelled(&self) -> UntilCancelled<TaskGroup<E>> {
        self.group.cancelled()
    }

    /// How many children are not gone.
    #[must_use]
    pub fn len(&self) -> usize {
        self.group.len()
    }

    /// Whether no child is there, at the moment.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.group.is_empty()
    }

    /// The group without its limit, for children that are not to be counted.
    #[must_use]
    pub fn unlimited(&self) -> &TaskGroup<E> {
        &self.group
    }
}

impl<E> Clone for LimitedGroup<E> {
    fn clone(&self) -> LimitedGroup<E> {
        LimitedGroup {
            group: self.group.clone(),
            room: Arc::clone(&self.room),
        }
    }
}

impl<E> fmt::Debug for LimitedGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitedGroup")
            .field("group", &self.group)
            .field("room", &self.room.available_permits())
            .finish()
    }
}

pin_project! {
    /// The future of [`LimitedGroup::spawn`].
    #[must_use = "nothing is spawned unless it is awaited"]
    pub struct SpawnLimited<F, E> {
        #[pin]
        room: AcquireOwned,
        future: Option<F>,
        group: TaskGroup<E>,
        at: &'static Location<'static>,
    }
}

impl<F, T, E> Future for SpawnLimited<F, E>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    type Output = Child<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Child<T>> {
        let this = self.project();
        let permit = ready!(this.room.poll(cx)).expect("a group's room is never closed");
        let future = this
            .future
            .take()
            .expect("it is polled again after its end");
        let mut guard = this.group.enter_at(this.at);
        guard.permit = Some(permit);
        Poll::Ready(this.group.spawn_in(guard, future))
    }
}

impl<F, T, E> FusedFuture for SpawnLimited<F, E>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn is_terminated(&self) -> bool {
        self.future.is_none()
    }
}

impl<F, E> fmt::Debug for SpawnLimited<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnLimited").finish_non_exhaustive()
    }
}
