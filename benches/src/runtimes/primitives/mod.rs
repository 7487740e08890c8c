//! The primitives beyond [`Kit`], as the rows of the group `sync` use them: filch's, tokio's, and the
//! crates async-lock, async-channel and async-broadcast.
//!
//! Each file beside this one says the same of one family, in calls as thin as they get.

mod filch;
mod neutral;
mod tokio;

use std::future::Future;
use std::ops::{Deref, DerefMut};

use super::kit::{Kit, Receiver};

/// A family of primitives.
pub(crate) trait Primitives: Kit {
    /// Many readers or one writer.
    type RwLock: RwLock;
    /// So many at a time.
    type Semaphore: Semaphore;
    /// All go on together.
    type Barrier: Barrier;
    /// Made once.
    type Once: Once;

    /// A channel of many senders that is never full.
    fn unbounded() -> (impl SendNow, impl Receiver<usize>);
    /// A channel with room for `capacity` values, whose every value each of `receivers` gets.
    fn broadcast(capacity: usize, receivers: usize) -> (impl SendNow, Vec<impl Receiver<usize>>);
}

/// A family that has a channel of the newest value.
pub(crate) trait Watches: Send + Sync + 'static {
    /// A channel that shows `receivers` its newest value.
    fn watch(receivers: usize) -> (impl SendNow, Vec<impl Watcher>);
}

/// A sender that never waits.
pub(crate) trait SendNow: Clone + Send + Sync + 'static {
    /// Sends.
    fn send_now(&self, value: usize);
}

/// Sees the newest value.
pub(crate) trait Watcher: Send + 'static {
    /// Waits for a value that it has not seen, and gives it.
    fn changed(&mut self) -> impl Future<Output = usize> + Send;
}

/// See [`Primitives::RwLock`].
pub(crate) trait RwLock: Default + Send + Sync + 'static {
    /// Waits to read.
    fn read(&self) -> impl Future<Output = impl Deref<Target = u64> + Send> + Send;
    /// Waits to write.
    fn write(&self) -> impl Future<Output = impl DerefMut<Target = u64> + Send> + Send;
}

/// See [`Primitives::Semaphore`].
pub(crate) trait Semaphore: Send + Sync + 'static {
    /// With that many permits.
    fn new(permits: usize) -> Self;
    /// Waits for a permit, which comes back when it is dropped.
    fn acquire(&self) -> impl Future<Output = impl Send> + Send;
}

/// See [`Primitives::Barrier`].
pub(crate) trait Barrier: Send + Sync + 'static {
    /// For that many.
    fn new(count: usize) -> Self;
    /// Waits for all.
    fn wait(&self) -> impl Future<Output = ()> + Send;
}

/// See [`Primitives::Once`].
pub(crate) trait Once: Default + Send + Sync + 'static {
    /// What was made.
    fn get(&self) -> Option<usize>;
    /// The same, made by `make` if nobody has.
    fn get_or_init(
        &self,
        make: impl Future<Output = usize> + Send,
    ) -> impl Future<Output = usize> + Send;
}
