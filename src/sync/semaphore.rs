//! So many at a time.

use super::blocking;
use super::error::{Closed, TryAcquireError};
use super::permits::{self, HasPermits, Permits, Turn};
use super::primitive::atomic::AtomicUsize;
use super::primitive::atomic::Ordering::Relaxed;
use super::primitive::const_fn;
use super::semaphore_permit::{OwnedSemaphorePermit, SemaphorePermit};
use filch_executor::leaf::{Wait, WaitKind};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

/// A number of permits, which tasks acquire before they do what only so many may do at a time.
///
/// First come, first served: while somebody waits for many permits, nobody overtakes it with a wish for few. A waiter
/// that is dropped passes its turn on. Permits come back when they are dropped.
///
/// ```
/// use filch::sync::Semaphore;
/// use std::sync::Arc;
///
/// # filch::run(async {
/// let at_a_time = Arc::new(Semaphore::new(2));
/// let mut downloads = Vec::new();
/// for _ in 0..10 {
///     let permit = at_a_time.clone().acquire_owned().await.unwrap();
///     downloads.push(filch::spawn(async move {
///         filch::task::yield_now().await;
///         drop(permit);
///     }));
/// }
/// for download in downloads {
///     download.await.unwrap();
/// }
/// assert_eq!(at_a_time.available_permits(), 2);
/// # });
/// ```
pub struct Semaphore {
    pub(super) permits: Permits,
    /// How many permits there are, those that are out included: `MAX_PERMITS` at most, so that what comes back always
    /// fits. Raised before permits are added, lowered after they are gone. Orderings: Relaxed; it is a number and leads
    /// to nothing.
    pub(super) total: AtomicUsize,
}

impl fmt::Debug for Semaphore {
    /// `Semaphore { available: 3, waiting: 2 }`; of very many waiters the first thousand are counted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (available, waiting, closed) = self.permits.show();
        let mut debug = f.debug_struct("Semaphore");
        debug
            .field("available", &available)
            .field("waiting", &waiting);
        if closed {
            debug.field("closed", &true);
        }
        debug.finish()
    }
}

impl HasPermits for Semaphore {
    #[inline]
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

impl Semaphore {
    /// The most permits that a semaphore can have, those that are out included: `usize::MAX >> 3`.
    pub const MAX_PERMITS: usize = permits::MOST;

    const_fn! {
        /// With so many permits.
        ///
        /// # Panics
        /// If those are more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
        #[must_use]
        pub const fn new(permits: usize) -> Semaphore {
            assert!(
                permits <= Semaphore::MAX_PERMITS,
                "a semaphore has at most MAX_PERMITS permits"
            );
            Semaphore {
                permits: Permits::new(permits),
                total: AtomicUsize::new(permits),
            }
        }
    }

    const_fn! {
        /// As [`new`](Semaphore::new): tokio's name for where a constant is wanted.
        ///
        /// # Panics
        /// As [`new`](Semaphore::new).
        #[must_use]
        pub const fn const_new(permits: usize) -> Semaphore {
            Semaphore::new(permits)
        }
    }

    /// Waits for one permit.
    ///
    /// # Errors
    /// [`Closed`], if the semaphore is or gets closed.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue. Permits that it was given meanwhile go to the next.
    ///
    /// ```
    /// # filch::run(async {
    /// let semaphore = filch::sync::Semaphore::new(1);
    /// let permit = semaphore.acquire().await?;
    /// assert_eq!(semaphore.available_permits(), 0);
    /// drop(permit);
    /// # Ok::<(), filch::sync::Closed>(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    #[inline]
    pub fn acquire(&self) -> Acquire<'_> {
        self.acquire_many(1)
    }

    /// Waits for several permits, and gets them together.
    ///
    /// # Errors
    /// [`Closed`], if the semaphore is or gets closed.
    ///
    /// # Cancel safety
    /// As [`acquire`](Semaphore::acquire).
    #[track_caller]
    #[inline]
    pub fn acquire_many(&self, permits: u32) -> Acquire<'_> {
        Acquire {
            turn: Turn::new(self, permits as usize, Wait::here(WaitKind::Semaphore)),
            permits,
        }
    }

    /// As [`acquire`](Semaphore::acquire), with a permit that keeps the semaphore alive and borrows nothing.
    #[track_caller]
    pub fn acquire_owned(self: Arc<Self>) -> AcquireOwned {
        self.acquire_many_owned(1)
    }

    /// As [`acquire_many`](Semaphore::acquire_many), with a permit that keeps the semaphore alive and borrows nothing.
    #[track_caller]
    pub fn acquire_many_owned(self: Arc<Self>, permits: u32) -> AcquireOwned {
        AcquireOwned {
            turn: Turn::new(self, permits as usize, Wait::here(WaitKind::Semaphore)),
            permits,
        }
    }

    /// One permit, if one is free.
    ///
    /// # Errors
    /// If none is free, or others wait for it, or the semaphore is closed.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Several permits, if so many are free.
    ///
    /// # Errors
    /// If they are not free, or others wait for them, or the semaphore is closed.
    ///
    /// ```
    /// use filch::sync::{Semaphore, TryAcquireError};
    ///
    /// let semaphore = Semaphore::new(3);
    /// let two = semaphore.try_acquire_many(2).unwrap();
    /// assert_eq!(semaphore.try_acquire_many(2).unwrap_err(), TryAcquireError::NoPermits);
    /// drop(two);
    /// assert!(semaphore.try_acquire_many(2).is_ok());
    /// ```
    pub fn try_acquire_many(&self, permits: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.permits.try_take(permits as usize)?;
        Ok(SemaphorePermit {
            semaphore: self,
            permits,
        })
    }

    /// As [`try_acquire`](Semaphore::try_acquire), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    /// If none is free, or others wait for it, or the semaphore is closed.
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// As [`try_acquire_many`](Semaphore::try_acquire_many), with permits that keep the semaphore alive.
    ///
    /// # Errors
    /// If they are not free, or others wait for them, or the semaphore is closed.
    pub fn try_acquire_many_owned(
        self: Arc<Self>,
        permits: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.permits.try_take(permits as usize)?;
        Ok(OwnedSemaphorePermit {
            semaphore: self,
            permits,
        })
    }

    /// Waits for one permit on a thread that is not async. In a task it blocks that task and whatever is joined with
    /// it.
    ///
    /// # Errors
    /// [`Closed`], if the semaphore is or gets closed.
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_>, Closed> {
        self.blocking_acquire_many(1)
    }

    /// As [`blocking_acquire`](Semaphore::blocking_acquire), for several permits, which come together.
    ///
    /// # Errors
    /// [`Closed`], if the semaphore is or gets closed.
    ///
    /// ```
    /// let semaphore = filch::sync::Semaphore::new(3);
    /// let two = semaphore.blocking_acquire_many(2)?;
    /// assert_eq!(semaphore.available_permits(), 1);
    /// # drop(two);
    /// # Ok::<(), filch::sync::Closed>(())
    /// ```
    #[track_caller]
    pub fn blocking_acquire_many(&self, permits: u32) -> Result<SemaphorePermit<'_>, Closed> {
        let mut acquire = pin!(self.acquire_many(permits));
        let semaphore = blocking::wait(|cx| acquire.as_mut().project().turn.poll_unbudgeted(cx))?;
        Ok(SemaphorePermit { semaphore, permits })
    }

    /// As [`blocking_acquire`](Semaphore::blocking_acquire), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    /// [`Closed`], if the semaphore is or gets closed.
    #[track_caller]
    pub fn blocking_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, Closed> {
        self.blocking_acquire_many_owned(1)
    }

    /// As [`blocking_acquire_many`](Semaphore::blocking_acquire_many), with permits that keep the semaphore alive.
    ///
    /// # Errors
    /// [`Closed`], if the semaphore is or gets closed.
    #[track_caller]
    pub fn blocking_acquire_many_owned(
        self: Arc<Self>,
        permits: u32,
    ) -> Result<OwnedSemaphorePermit, Closed> {
        let mut acquire = pin!(self.acquire_many_owned(permits));
        let semaphore = blocking::wait(|cx| acquire.as_mut().project().turn.poll_unbudgeted(cx))?;
        Ok(OwnedSemaphorePermit { semaphore, permits })
    }

    /// How many permits are free now.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.permits.available()
    }

    /// Adds permits.
    ///
    /// # Panics
    /// If there were more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) then, counting those that are out: they come
    /// back. Nothing is added in that case.
    ///
    /// ```
    /// use filch::sync::Semaphore;
    ///
    /// let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    /// let permit = semaphore.try_acquire().unwrap();
    /// let one_more = std::panic::AssertUnwindSafe(|| semaphore.add_permits(1));
    /// assert!(std::panic::catch_unwind(one_more).is_err());
    /// permit.forget();
    /// semaphore.add_permits(1);
    /// ```
    #[track_caller]
    pub fn add_permits(&self, permits: usize) {
        let more = |total: usize| {
            let more = total.checked_add(permits);
            more.filter(|more| *more <= Semaphore::MAX_PERMITS)
        };
        if self.total.fetch_update(Relaxed, Relaxed, more).is_err() {
            let most = Semaphore::MAX_PERMITS;
            panic!("a semaphore has at most {most} permits, those that are out included");
        }
        self.permits.give(permits);
    }

    /// Takes up to so many free permits away for ever, and returns how many those were.
    pub fn forget_permits(&self, permits: usize) -> usize {
        let gone = self.permits.forget(permits);
        self.total.fetch_sub(gone, Relaxed);
        gone
    }

    /// Whoever waits, and whoever asks from now on, gets [`Closed`]. Permits that are held stay valid.
    ///
    /// ```
    /// # filch::run(async {
    /// let semaphore = filch::sync::Semaphore::new(1);
    /// semaphore.close();
    /// assert!(semaphore.acquire().await.is_err());
    /// # });
    /// ```
    pub fn close(&self) {
        self.permits.close();
    }

    /// Whether [`close`](Semaphore::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }
}

pin_project! {
    /// The future of [`Semaphore::acquire`] and [`Semaphore::acquire_many`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Acquire<'a> {
        permits: u32,
        #[pin]
        turn: Turn<&'a Semaphore>,
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<SemaphorePermit<'a>, Closed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let permits = self.permits;
        let permit = |semaphore| SemaphorePermit { semaphore, permits };
        self.project().turn.poll(cx).map(|turn| turn.map(permit))
    }
}

pin_project! {
    /// The future of [`Semaphore::acquire_owned`] and [`Semaphore::acquire_many_owned`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct AcquireOwned {
        permits: u32,
        #[pin]
        turn: Turn<Arc<Semaphore>>,
    }
}

impl Future for AcquireOwned {
    type Output = Result<OwnedSemaphorePermit, Closed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let permits = self.permits;
        let permit = |semaphore| OwnedSemaphorePermit { semaphore, permits };
        self.project().turn.poll(cx).map(|turn| turn.map(permit))
    }
}

/// What both futures do beside waiting.
macro_rules! future {
    ($future:ty) => {
        impl FusedFuture for $future {
            fn is_terminated(&self) -> bool {
                self.turn.is_over()
            }
        }

        impl fmt::Debug for $future {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($future))
                    .field("permits", &self.permits)
                    .finish_non_exhaustive()
            }
        }
    };
}

future!(Acquire<'_>);
future!(AcquireOwned);
