//! Child tasks that are waited for together: how many still run, and what failed first.
//!
//! The children of one gather share a [`Shared`]: a count, the first failure, and the one waker of whoever waits. Each
//! child's future is wrapped so that it reports there, and the waiter is woken twice at most, by the first failure and
//! by the last child, however many there are; polling thousands of `JoinHandle`s at each wake would make the work
//! quadratic.
//!
//! What "gone" means here: a child's [`Guard`] is the last field of its wrapper, so it counts the child out after the
//! user's future was dropped, whether that future finished, panicked, was aborted, or never ran because the runtime
//! shut down.
//!
//! Not here: the handles. They differ in type in `gather!` and stand in a `Vec` in `gather`, so the waiter keeps them
//! and tells [`Children::poll_done`] how to abort them.
//!
//! Orderings: [`Guard`]'s `fetch_sub(Release)` pairs with the waiter's `load(Acquire)` of zero, so whatever the
//! children's destructors did is seen by the waiter. That no wake is lost is [`WakerCell`]'s contract: register, then
//! look; change, then wake.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::task::{Context, Poll, ready};

use filch_executor::foreign::{self, Payload, WakerCell, discard};
use filch_executor::leaf::{self, Wait, WaitKind};
use filch_executor::{JoinError, JoinHandle};
use parking_lot::Mutex;
use pin_project_lite::pin_project;

/// Why not all children gave an output.
enum Failure<E> {
    Error(E),
    Panic(Payload),
    /// The child was dropped by somebody else than its gather: the runtime it ran on shut down.
    Cancelled,
}

/// What the children of one gather and its waiter share.
struct Shared<E> {
    /// Children whose future still exists.
    running: AtomicUsize,
    /// The first failure, until the waiter takes it.
    failure: Mutex<Option<Failure<E>>>,
    waker: WakerCell,
}

impl<E> Shared<E> {
    /// Records the first failure and wakes the waiter, who cancels the siblings; a later one is given back.
    fn fail(&self, failure: Failure<E>) -> Result<(), Failure<E>> {
        let mut first = self.failure.lock();
        if first.is_some() {
            return Err(failure);
        }
        *first = Some(failure);
        drop(first);
        self.waker.wake();
        Ok(())
    }
}

impl<E> Drop for Shared<E> {
    /// Whoever comes last, which may be in the midst of a panic, drops a failure that nobody has taken.
    fn drop(&mut self) {
        discard(self.failure.get_mut().take());
    }
}

/// The waiter's side: spawns children and waits until all of them are gone.
#[doc(hidden)]
pub struct Children<E> {
    shared: Arc<Shared<E>>,
    /// The siblings of a failure were told to end.
    aborted: bool,
    wait: Wait,
}

impl<E> std::fmt::Debug for Children<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let running = self.shared.running.load(Relaxed);
        f.debug_struct("Children")
            .field("running", &running)
            .finish_non_exhaustive()
    }
}

impl<E: Send + 'static> Children<E> {
    /// No children yet; whoever waits for them is said to wait where this was called.
    #[track_caller]
    #[must_use]
    pub fn new() -> Children<E> {
        let shared = Shared {
            running: AtomicUsize::new(0),
            failure: Mutex::new(None),
            waker: WakerCell::new(),
        };
        Children {
            shared: Arc::new(shared),
            aborted: false,
            wait: Wait::here(WaitKind::Gather),
        }
    }

    /// Spawns a child whose `Err` or panic is a failure of all; it has an output unless there was a failure.
    #[track_caller]
    pub fn spawn<T, F>(&self, future: F) -> Child<Option<T>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        let guard = Guard::new(&self.shared, false);
        Child {
            handle: filch_executor::spawn(Attempt {
                future: Some(future),
                guard,
            }),
        }
    }

    /// Spawns a child that may end in any way.
    #[track_caller]
    pub(super) fn spawn_any<F>(&self, future: F) -> Child<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let guard = Guard::new(&self.shared, true);
        Child {
            handle: filch_executor::spawn(Counted { future, guard }),
        }
    }

    /// Waits until no child's future exists any more. At the first failure `abort` is called, once; it has to abort
    /// every child.
    ///
    /// # Errors
    /// The first child's error.
    ///
    /// # Panics
    /// With the first child's panic, if that came before any error.
    #[track_caller]
    pub fn poll_done(&mut self, cx: &mut Context<'_>, abort: impl FnOnce()) -> Poll<Result<(), E>> {
        self.shared.waker.register(cx.waker());
        if !self.aborted && self.shared.failure.lock().is_some() {
            self.aborted = true;
            abort();
        }
        if self.shared.running.load(Acquire) > 0 {
            leaf::record(self.wait);
            return Poll::Pending;
        }
        let failure = self.shared.failure.lock().take();
        Poll::Ready(failure.map_or(Ok(()), |failure| Err(self.raise(failure))))
    }

    /// The failure's error, if it is one; everything else is the caller's panic.
    #[track_caller]
    fn raise(&self, failure: Failure<E>) -> E {
        match failure {
            Failure::Error(error) => error,
            Failure::Panic(panic) => resume_unwind(panic),
            Failure::Cancelled => {
                panic!(
                    "the gather at {} cannot end: the runtime of its tasks shut down and cancelled one of them",
                    self.wait.at
                )
            }
        }
    }
}

impl<E: Send + 'static> Default for Children<E> {
    #[track_caller]
    fn default() -> Children<E> {
        Children::new()
    }
}

/// Counts its child out when it is dropped.
struct Guard<E> {
    shared: Arc<Shared<E>>,
    /// The child ended in a way that needs no report.
    ended: bool,
}

impl<E> Guard<E> {
    fn new(shared: &Arc<Shared<E>>, ended: bool) -> Guard<E> {
        // Relaxed: only the waiter adds, before it first looks at the count.
        shared.running.fetch_add(1, Relaxed);
        Guard {
            shared: Arc::clone(shared),
            ended,
        }
    }
}

impl<E> Drop for Guard<E> {
    fn drop(&mut self) {
        if !self.ended {
            // Refused if this child was cancelled because of an earlier failure, as most are.
            let _ = self.shared.fail(Failure::Cancelled);
        }
        if self.shared.running.fetch_sub(1, Release) == 1 {
            self.shared.waker.wake();
        }
    }
}

pin_project! {
    /// A child of `gather_results`.
    struct Counted<F, E> {
        #[pin]
        future: F,
        // Last: dropped after the future.
        guard: Guard<E>,
    }
}

impl<F: Future, E> Future for Counted<F, E> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

pin_project! {
    /// A child of `gather`: reports its error or panic, and then has no output.
    struct Attempt<F, E> {
        // Gone after its panic, in which it is dropped, as its destructors may want to know.
        #[pin]
        future: Option<F>,
        // Last: dropped after the future.
        guard: Guard<E>,
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> Future for Attempt<F, E> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.project();
        let polled = foreign::attempt(|| poll_or_drop(this.future, cx));
        this.guard.ended = !matches!(polled, Ok(Poll::Pending));
        let failure = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(output))) => return Poll::Ready(Some(output)),
            Ok(Poll::Ready(Err(error))) => Failure::Error(error),
            Err(panic) => Failure::Panic(panic),
        };
        // A second panic has no caller to be resumed in: it stays this task's own, and is reported as any that nobody
        // joins.
        if let Err(Failure::Panic(panic)) = this.guard.shared.fail(failure) {
            resume_unwind(panic);
        }
        Poll::Ready(None)
    }
}

/// Polls a future that is there, and drops it while a panic goes through.
fn poll_or_drop<F: Future>(future: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<F::Output> {
    struct Unwinding<'a, F>(Pin<&'a mut Option<F>>);
    impl<F> Drop for Unwinding<'_, F> {
        fn drop(&mut self) {
            foreign::quietly(|| self.0.set(None));
        }
    }
    let mut unwinding = Unwinding(future);
    let future = unwinding.0.as_mut().as_pin_mut();
    let polled = future.expect("it has not panicked before").poll(cx);
    std::mem::forget(unwinding);
    polled
}

/// A child's handle: aborts the child when it is dropped.
#[doc(hidden)]
#[derive(Debug)]
pub struct Child<T> {
    handle: JoinHandle<T>,
}

impl<T> Child<T> {
    /// Tells the child to end.
    pub fn abort(&self) {
        self.handle.abort();
    }

    pub(super) fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        Pin::new(&mut self.handle).poll(cx)
    }
}

/// The output of a child of a gather that had no failure.
impl<T> Future for Child<Option<T>> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.poll_join(cx)) {
            Ok(output) => {
                Poll::Ready(output.expect("a child without an output has reported a failure"))
            }
            // The future's destructor panicked, after its output.
            Err(error) => resume_unwind(error.into_panic()),
        }
    }
}

impl<T> Drop for Child<T> {
    fn drop(&mut self) {
        self.handle.abort();
    }
}
