//! Cleanups: code that awaits, and runs however its scope is left.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use filch_executor::{CleanupError, foreign, leaf};

use super::tidy::{CleanupOutput, Finish, Terms};

/// Runs a future when the guard that this returns is dropped, however that comes: at the end of the block, by `?`, a
/// panic, or a cancel.
///
/// A drop cannot wait, so the future runs as a task of its own then, and the nearest timeout, group, or task waits for
/// it, at most until its [`deadline`](Cleanup::deadline). [`finish`](Cleanup::finish) runs it at once and waits;
/// [`disarm`](Cleanup::disarm) gives it back.
///
/// One that fails, panics, or takes too long is in [`GroupError::cleanups`](crate::GroupError::cleanups) of the group
/// that waited for it, and without a group on standard error. If it is dropped outside every runtime nobody can run
/// it, which standard error says too.
///
/// # Examples
/// ```
/// use std::io;
///
/// # async fn lock(_: &str) -> io::Result<()> { Ok(()) }
/// # async fn unlock(_: &str) -> io::Result<()> { Ok(()) }
/// # async fn work() -> io::Result<u32> { Ok(7) }
/// async fn exclusively() -> io::Result<u32> {
///     lock("invoices").await?;
///     let unlock = filch::cleanup(unlock("invoices"));
///     // Whether this fails or is cancelled, the lock is given back.
///     let result = work().await?;
///     unlock.finish().await?;
///     Ok(result)
/// }
/// # filch::run(async { assert_eq!(exclusively().await.unwrap(), 7) });
/// ```
#[track_caller]
pub fn cleanup<F>(future: F) -> Cleanup<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    Cleanup {
        future: Some(future),
        terms: Terms::here(),
    }
}

/// As [`cleanup`], for a value that is used until then: the guard derefs to it, and `f` gets it.
///
/// # Examples
/// ```
/// struct Connection;
/// impl Connection {
///     async fn query(&mut self, _: &str) -> u32 { 7 }
///     async fn close(self) {}
/// }
///
/// # filch::run(async {
/// let mut connection = filch::cleanup_with(Connection, async |connection| connection.close().await);
/// assert_eq!(connection.query("select 7").await, 7);
/// connection.finish().await;
/// # });
/// ```
#[track_caller]
pub fn cleanup_with<V, F, Fut>(value: V, f: F) -> CleanupWith<V, F, Fut>
where
    V: Send + 'static,
    F: FnOnce(V) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: CleanupOutput,
{
    CleanupWith {
        held: Some((value, f)),
        terms: Terms::here(),
    }
}

/// The guard of [`cleanup`].
#[must_use = "the cleanup runs when this is dropped, which is at once"]
pub struct Cleanup<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    /// There until it is finished, disarmed or dropped.
    future: Option<F>,
    terms: Terms,
}

impl<F> Cleanup<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    /// Runs it now.
    ///
    /// # Cancel safety
    /// If this is dropped midway, the rest of the cleanup is run as by a drop of the guard.
    pub fn finish(mut self) -> Finish<F> {
        let future = self.future.take();
        Finish::new(future.expect("it is taken once"), self.terms)
    }

    /// Gives the future back, which nobody runs any more.
    pub fn disarm(mut self) -> F {
        self.future.take().expect("it is taken once")
    }

    /// How long it may take when the guard is dropped: 5 s unless this says otherwise. Then it is dropped itself.
    pub fn deadline(mut self, limit: Duration) -> Cleanup<F> {
        self.terms.limit = limit;
        self
    }
}

impl<F> Drop for Cleanup<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            self.terms.start(Box::pin(future));
        }
    }
}

impl<F> fmt::Debug for Cleanup<F>
where
    F: Future + Send + 'static,
    F::Output: CleanupOutput,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cleanup").field(&self.terms).finish()
    }
}

/// The guard of [`cleanup_with`]. It derefs to its value.
#[must_use = "the cleanup runs when this is dropped, which is at once"]
pub struct CleanupWith<V, F, Fut>
where
    V: Send + 'static,
    F: FnOnce(V) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: CleanupOutput,
{
    /// There until it is finished, disarmed or dropped.
    held: Option<(V, F)>,
    terms: Terms,
}

impl<V, F, Fut> CleanupWith<V, F, Fut>
where
    V: Send + 'static,
    F: FnOnce(V) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: CleanupOutput,
{
    /// Runs it now.
    ///
    /// # Cancel safety
    /// If this is dropped midway, the rest of the cleanup is run as by a drop of the guard.
    pub fn finish(mut self) -> Finish<Fut> {
        let (value, f) = self.held.take().expect("it is taken once");
        Finish::new(f(value), self.terms)
    }

    /// Gives the value back, without a cleanup.
    pub fn disarm(mut self) -> V {
        let (value, _) = self.held.take().expect("it is taken once");
        value
    }

    /// How long it may take when the guard is dropped: 5 s unless this says otherwise. Then it is dropped itself.
    pub fn deadline(mut self, limit: Duration) -> CleanupWith<V, F, Fut> {
        self.terms.limit = limit;
        self
    }
}

impl<V, F, Fut> Deref for CleanupWith<V, F, Fut>
where
    V: Send + 'static,
    F: FnOnce(V) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: CleanupOutput,
{
    type Target = V;

    fn deref(&self) -> &V {
        &self.held.as_ref().expect("the guard is still there").0
    }
}

impl<V, F, Fut> DerefMut for CleanupWith<V, F, Fut>
where
    V: Send + 'static,
    F: FnOnce(V) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: CleanupOutput,
{
    fn deref_mut(&mut self) -> &mut V {
        &mut self.held.as_mut().expect("the guard is still there").0
    }
}

impl<V, F, Fut> Drop for CleanupWith<V, F, Fut>
where
    V: Send + 'static,
    F: FnOnce(V) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: CleanupOutput,
{
    fn drop(&mut self) {
        let Some((value, f)) = self.held.take() else {
            return;
        };
        match foreign::attempt(|| f(value)) {
            Ok(future) => self.terms.start(Box::pin(future)),
            Err(panic) => leaf::unreported(&CleanupError::panicked(self.terms.at, panic)),
        }
    }
}

impl<V, F, Fut> fmt::Debug for CleanupWith<V, F, Fut>
where
    V: Send + 'static,
    F: FnOnce(V) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: CleanupOutput,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CleanupWith").field(&self.terms).finish()
    }
}
