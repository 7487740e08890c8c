//! A child's future, wrapped so that its end reaches its scope.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use filch_executor::{Cancelled, foreign};
use pin_project_lite::pin_project;

use super::children::{Failure, Guard};

/// Why a child has no output. What else is known of it, its scope has.
#[doc(hidden)]
#[derive(Debug)]
pub enum Fate {
    /// Its future gave an error.
    Error,
    /// It panicked, and said this.
    Panic(Option<String>),
    /// It came after the cancel, and never ran.
    Refused(Cancelled),
}

pin_project! {
    /// A child that may end in any way.
    pub(super) struct Counted<F, E>
    where
        E: Send,
        E: 'static,
    {
        #[pin]
        future: F,
        // Last: dropped after the future.
        guard: Guard<E>,
    }
}

impl<F, E: Send + 'static> Counted<F, E> {
    pub(super) fn new(future: F, mut guard: Guard<E>) -> Counted<F, E> {
        guard.ended = true;
        Counted { future, guard }
    }
}

impl<F: Future, E: Send + 'static> Future for Counted<F, E> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

pin_project! {
    /// A child that reports its error or panic to its scope, and then has no output.
    pub(super) struct Attempt<F, E>
    where
        E: Send,
        E: 'static,
    {
        // Gone after its panic, in which it is dropped, as its destructors may want to know.
        #[pin]
        future: Option<F>,
        // Last: dropped after the future.
        guard: Guard<E>,
    }
}

impl<F, E: Send + 'static> Attempt<F, E> {
    pub(super) fn new(future: F, guard: Guard<E>) -> Attempt<F, E> {
        Attempt {
            future: Some(future),
            guard,
        }
    }
}

impl<T, E, F> Future for Attempt<F, E>
where
    E: Send + 'static,
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Fate>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(cancelled) = this.guard.refused.take() {
            this.guard.ended = true;
            this.future.set(None);
            return Poll::Ready(Err(Fate::Refused(cancelled)));
        }
        let polled = foreign::attempt(|| poll_or_drop(this.future, cx));
        this.guard.ended = !matches!(polled, Ok(Poll::Pending));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(report(output, this.guard)),
            Err(panic) => Poll::Ready(Err(report_panic(panic, this.guard))),
        }
    }
}

/// Tells the scope of an error. It is dropped here if the scope has no use for it.
pub(super) fn report<T, E: Send + 'static>(
    output: Result<T, E>,
    guard: &Guard<E>,
) -> Result<T, Fate> {
    output.map_err(|error| {
        if let Err(Failure::Error(unwanted)) = guard.fail(Failure::Error(error)) {
            drop(unwanted);
        }
        Fate::Error
    })
}

/// Tells the scope of a panic. One that it has no use for stays this task's own, and is reported as any that nobody
/// joins.
pub(super) fn report_panic<E: Send + 'static>(panic: foreign::Payload, guard: &Guard<E>) -> Fate {
    let message = foreign::panic_message(&*panic).map(String::from);
    match guard.fail(Failure::Panic(panic)) {
        Err(Failure::Panic(panic)) => resume_unwind(panic),
        _ => Fate::Panic(message),
    }
}

/// Polls a future that is there, and drops it while a panic goes through.
pub(super) fn poll_or_drop<F: Future>(
    future: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
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
