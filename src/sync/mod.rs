//! Channels, locks and signals between tasks.
//!
//! | to | use |
//! |---|---|
//! | hand over one value, such as an answer | [`oneshot`] |
//! | hand over many | [`mpsc`] |
//! | say that something happened | [`Notify`] |
//! | change something together | [`Mutex`], or `std::sync::Mutex` if it is never held across an `.await` |
//! | do only so many things at a time | [`Semaphore`] |
//!
//! None of them needs a runtime: they work in tasks of any, and on any thread through their `blocking_*` methods.
//! Whoever waits is served in the order in which it came, and a waiter that is dropped passes its turn on. A waker that
//! panics harms nobody else: the panic ends where it is woken. What a waiting task waits for, and where in the source,
//! shows in [`task::all`](crate::task::all).

mod primitive;

mod error;
mod lock;
mod wait_list;
mod wakers;

mod blocking;
mod permits;

mod holder;

mod guard;
mod mutex;

mod notify;
mod semaphore;

pub mod mpsc;
pub mod oneshot;

#[cfg(all(test, filch_loom))]
mod model;

pub use error::{Closed, SendError, TryAcquireError, TryLockError, TryRecvError, TrySendError};
pub use guard::{MutexGuard, OwnedMutexGuard};
pub use mutex::Mutex;
pub use notify::Notify;
pub use semaphore::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct. All are `FusedFuture`s, as
    //! futures' `select!` wants them.

    pub use super::mutex::{Lock, LockOwned};
    pub use super::notify::{Notified, OwnedNotified};
    pub use super::semaphore::{Acquire, AcquireOwned};
}
