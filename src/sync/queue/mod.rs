//! Queues that everybody shares: of things to do, with an end to wait for.
//!
//! An `mpsc` channel has two ends and is over when either is gone. A queue here is one thing that is shared, by an
//! `Arc`, and closed by whoever decides so; and [`join`](Queue::join) waits until the work on all that was put is done.
//! They differ in the order in which things come out.
//!
//! `core.rs` says how they work; `PriorityQueue` compares things of users under the lock, so the lock is one that a
//! thread may sleep on.

mod core;
mod order;

use self::core::{Core, Full, Get, Join, NotThere, Put};
use self::order::{Fifo, Lifo, Order, Priority};
use super::error::{Closed, SendError, TryRecvError, TrySendError};
use super::waiting::future;
use filch_executor::leaf::{Wait, WaitKind};
use std::fmt;

/// The methods of all three, and their futures in a module of each.
macro_rules! queue {
    (
        $(#[$meta:meta])*
        $name:ident<T $(: $bound:ident)?> as $order:ident
    ) => {
        $(#[$meta])*
        pub struct $name<T $(: $bound)?> {
            core: Core<$order<T>>,
        }

        impl<T $(: $bound)?> $name<T> {
            /// A queue in which up to `capacity` things wait. Whoever puts more waits for room.
            ///
            /// # Panics
            /// If `capacity` is 0.
            #[track_caller]
            #[must_use]
            pub fn bounded(capacity: usize) -> Self {
                assert!(capacity > 0, "a queue needs room for at least one thing");
                Self {
                    core: Core::new(capacity),
                }
            }

            /// A queue in which any number of things wait.
            ///
            /// Nothing holds back who puts faster than others get: what is in between grows without bound.
            #[must_use]
            pub fn unbounded() -> Self {
                Self {
                    core: Core::new(usize::MAX),
                }
            }

            /// Puts something in, waiting for room. Each thing that was put has its [`task_done`](Self::task_done).
            ///
            /// # Errors
            /// [`SendError`] with the thing, if the queue is or gets closed.
            ///
            /// # Cancel safety
            /// If the future is dropped before it is ready, nothing was put, and the thing is dropped too.
            #[track_caller]
            pub fn put(&self, thing: T) -> PutInto<'_, $order<T>> {
                PutInto::of(Put::new(&self.core, thing), Wait::here(WaitKind::Queue))
            }

            /// Puts something in, if there is room.
            ///
            /// # Errors
            /// [`TrySendError`] with the thing, if there is none, or others wait for it, or the queue is closed.
            pub fn try_put(&self, thing: T) -> Result<(), TrySendError<T>> {
                self.core.try_put(thing).map_err(|full| match full {
                    Full::Full(thing) => TrySendError::Full(thing),
                    Full::Closed(thing) => TrySendError::Closed(thing),
                })
            }

            /// As [`put`](Self::put), on a thread that is not async. In a task it blocks that task and whatever is
            /// joined with it.
            ///
            /// # Errors
            /// As [`put`](Self::put).
            #[track_caller]
            pub fn blocking_put(&self, thing: T) -> Result<(), SendError<T>> {
                self.put(thing).waiting.block()
            }

            /// Takes the next thing out, waiting for one.
            ///
            /// # Errors
            /// [`Closed`], if the queue is empty and closed.
            ///
            /// # Cancel safety
            /// A future that is dropped before it is ready has taken nothing. A thing that was meant for it goes to the
            /// next.
            #[track_caller]
            pub fn get(&self) -> GetFrom<'_, $order<T>> {
                GetFrom::of(Get(&self.core), Wait::here(WaitKind::Queue))
            }

            /// Takes the next thing out, if there is one.
            ///
            /// # Errors
            /// [`TryRecvError`], if there is none, or others wait for those that are, or the queue is empty and closed.
            pub fn try_get(&self) -> Result<T, TryRecvError> {
                self.core.try_get().map_err(|none| match none {
                    NotThere::Empty => TryRecvError::Empty,
                    NotThere::Closed => TryRecvError::Closed,
                })
            }

            /// As [`get`](Self::get), on a thread that is not async. In a task it blocks that task and whatever is
            /// joined with it.
            ///
            /// # Errors
            /// As [`get`](Self::get).
            #[track_caller]
            pub fn blocking_get(&self) -> Result<T, Closed> {
                self.get().waiting.block()
            }

            /// The work on something that was taken out is done.
            ///
            /// # Panics
            /// If it was called for everything that was put already.
            #[track_caller]
            pub fn task_done(&self) {
                self.core.task_done();
            }

            /// Waits until the work on all that was put is done.
            ///
            /// # Cancel safety
            /// It holds nothing.
            #[track_caller]
            pub fn join(&self) -> JoinWork<'_, $order<T>> {
                JoinWork::of(Join(&self.core), Wait::here(WaitKind::Queue))
            }

            /// As [`join`](Self::join), on a thread that is not async. In a task it blocks that task and whatever is
            /// joined with it.
            #[track_caller]
            pub fn blocking_join(&self) {
                self.join().waiting.block();
            }

            /// Nothing more can be put: whoever tries, or waits for room, has it back. What is in the queue can still
            /// be taken out; then comes [`Closed`].
            pub fn close(&self) {
                self.core.close();
            }

            /// As [`close`](Self::close), and drops what is in the queue. The work on that counts as done.
            pub fn close_now(&self) {
                self.core.close();
                self.core.clear();
            }

            /// Whether it was closed. There may still be something to take out.
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.core.is_closed()
            }

            /// How many things are in the queue.
            #[must_use]
            pub fn len(&self) -> usize {
                self.core.len()
            }

            /// Whether nothing is in the queue.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether there is no room.
            #[must_use]
            pub fn is_full(&self) -> bool {
                self.len() >= self.core.capacity
            }

            /// How many things can wait in the queue. `None`: any number.
            #[must_use]
            pub fn capacity(&self) -> Option<usize> {
                Some(self.core.capacity).filter(|capacity| *capacity < usize::MAX)
            }
        }

        impl<T $(: $bound)?> fmt::Debug for $name<T> {
            /// With how many things are in it, and on how many the work is not done.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.core.fmt_as(stringify!($name), f)
            }
        }
    };
}

queue! {
    /// First in, first out: `asyncio.Queue`, from all threads.
    ///
    /// ```
    /// use filch::sync::Queue;
    /// use std::sync::Arc;
    ///
    /// # filch::run(async {
    /// let jobs = Arc::new(Queue::bounded(16));
    /// for _ in 0..3 {
    ///     let jobs = jobs.clone();
    ///     filch::spawn(async move {
    ///         while let Ok(job) = jobs.get().await {
    ///             println!("job {job}");
    ///             jobs.task_done();
    ///         }
    ///     });
    /// }
    /// for job in 0..10 {
    ///     jobs.put(job).await.unwrap();
    /// }
    /// jobs.join().await; // All ten are done.
    /// jobs.close(); // The three tasks end.
    /// # });
    /// ```
    Queue<T> as Fifo
}

queue! {
    /// Last in, first out; otherwise a [`Queue`].
    ///
    /// ```
    /// let queue = filch::sync::LifoQueue::unbounded();
    /// queue.try_put(1).unwrap();
    /// queue.try_put(2).unwrap();
    /// assert_eq!(queue.try_get(), Ok(2));
    /// ```
    LifoQueue<T> as Lifo
}

queue! {
    /// The lowest first, and among equals the one that was put first; otherwise a [`Queue`]. Pairs of a priority and
    /// something that is [`Ord`] will do; for the highest first there is [`std::cmp::Reverse`].
    ///
    /// Things are compared with the queue locked: their [`Ord`] must not use it.
    ///
    /// ```
    /// let queue = filch::sync::PriorityQueue::unbounded();
    /// queue.try_put((2, "later")).unwrap();
    /// queue.try_put((1, "first")).unwrap();
    /// assert_eq!(queue.try_get(), Ok((1, "first")));
    /// ```
    PriorityQueue<T: Ord> as Priority
}

future! {
    /// The future of a queue's `put`.
    PutInto ['a, O: Order] ['a, O] of Put<'a, O> => Result<(), SendError<O::Item>>
}
future! {
    /// The future of a queue's `get`.
    GetFrom ['a, O: Order] ['a, O] of Get<'a, O> => Result<O::Item, Closed>
}
future! {
    /// The future of a queue's `join`.
    JoinWork ['a, O: Order] ['a, O] of Join<'a, O> => ()
}
