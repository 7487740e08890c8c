//! Channels, locks and signals between tasks.
//!
//! | to | use |
//! |---|---|
//! | hand over one value, such as an answer | [`oneshot`] |
//! | hand over many | [`mpsc`] |
//! | hand the same to all | [`broadcast`] |
//! | show all the newest | [`watch`] |
//! | hand out work, and wait until it is done | [`Queue`], [`PriorityQueue`], [`LifoQueue`] |
//! | keep things until their time has come | [`DelayQueue`] |
//! | say that something happened | [`Notify`] |
//! | change something together | [`Mutex`], or `std::sync::Mutex` if it is never held across an `.await` |
//! | read something together, and change it seldom | [`RwLock`] |
//! | make something once, when it is first needed | [`OnceCell`] |
//! | wait for something that is set once | [`SetOnce`] |
//! | do only so many things at a time | [`Semaphore`] |
//! | wait until a flag is up | [`Event`] |
//! | wait for a change of what a mutex protects | [`Condvar`] |
//! | go on together | [`Barrier`] |
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
mod waiting;

mod holder;

mod guard;
mod mutex;

mod mapped;

mod rwlock;

mod condvar;

mod notify;
mod semaphore;
mod semaphore_permit;

mod barrier;
mod event;

mod once;

mod once_cell;
mod set_once;

mod delay_queue;
mod queue;

pub mod broadcast;
pub mod mpsc;
pub mod oneshot;
pub mod watch;

#[cfg(all(test, filch_loom))]
mod model;

pub use barrier::{Barrier, BarrierWaitResult, BrokenBarrier};
pub use condvar::Condvar;
pub use delay_queue::{DelayKey, DelayQueue, Expired};
pub use error::{
    Closed, SendError, SetError, SetOnceError, TryAcquireError, TryLockError, TryRecvError,
    TrySendError,
};
pub use event::Event;
pub use guard::{MutexGuard, OwnedMutexGuard};
pub use mapped::{MappedMutexGuard, OwnedMappedMutexGuard};
pub use mutex::Mutex;
pub use notify::Notify;
pub use once_cell::OnceCell;
pub use queue::{LifoQueue, PriorityQueue, Queue};
pub use rwlock::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::Semaphore;
pub use semaphore_permit::{OwnedSemaphorePermit, SemaphorePermit};
pub use set_once::SetOnce;

/// [`Closed`], by the name that tokio has for a semaphore's.
pub type AcquireError = Closed;

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct. All are `FusedFuture`s, as
    //! futures' `select!` wants them.

    pub use super::barrier::{WaitAll, WaitUnlessBroken};
    pub use super::condvar::{WaitNotified, WaitWhile};
    pub use super::event::WaitSet;
    pub use super::mutex::{Lock, LockOwned};
    pub use super::notify::{Notified, OwnedNotified};
    pub use super::once_cell::{GetOrInit, GetOrTryInit};
    pub use super::queue::{GetFrom, JoinWork, PutInto};
    pub use super::rwlock::{Read, ReadOwned, Write, WriteOwned};
    pub use super::semaphore::{Acquire, AcquireOwned};
    pub use super::set_once::WaitValue;
}
