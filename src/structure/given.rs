//! What a gather was given to run: a future, or the handle of a task, which from then on is the gather's own.
//!
//! A handle that is dropped detaches its task. So a child that only awaited a handle would, when it is cancelled, leave
//! the task running. No bound of `gather` tells a handle from other futures, so `Any` does.

use std::any::{Any, TypeId};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use filch_executor::JoinHandle;
use pin_project_lite::pin_project;

use super::abort_on_drop::abort_and_hand_over;

pin_project! {
    /// A child's future. Dropped unfinished, it takes the task along whose handle it is.
    #[project = Pinned]
    pub(super) enum Given<F, T>
    where
        T: Send,
        T: 'static,
    {
        Future {
            #[pin]
            future: F,
        },
        Handle {
            handle: Owned<T>,
        },
    }
}

impl<F, T, E> Given<F, T>
where
    F: Future<Output = Result<T, E>> + 'static,
    T: Send + 'static,
{
    pub(super) fn new(future: F) -> Given<F, T> {
        match cast::<F, JoinHandle<T>>(future) {
            Ok(handle) => Given::Handle {
                handle: Owned(handle),
            },
            Err(future) => Given::Future { future },
        }
    }
}

impl<F, T, E> Future for Given<F, T>
where
    F: Future<Output = Result<T, E>> + 'static,
    T: Send + 'static,
    E: 'static,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        match self.project() {
            Pinned::Future { future } => future.poll(cx),
            Pinned::Handle { handle } => Pin::new(&mut handle.0).poll(cx).map_err(|error| {
                let error = cast::<_, E>(error);
                error.unwrap_or_else(|_| unreachable!("the error of a handle is a JoinError"))
            }),
        }
    }
}

/// A handle whose task ends with the gather that it was given to.
pub(super) struct Owned<T: Send + 'static>(JoinHandle<T>);

impl<T: Send + 'static> Drop for Owned<T> {
    fn drop(&mut self) {
        let reason = "the gather that it was given to has failed or was dropped";
        abort_and_hand_over(&mut self.0, reason, |_, _| None);
    }
}

/// The same value by its other name, if `A` and `B` are one type.
fn cast<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    // Known when this is compiled, and so nothing is moved in vain.
    if TypeId::of::<A>() != TypeId::of::<B>() {
        return Err(value);
    }
    let mut slot = Some(value);
    let taken = (&mut slot as &mut dyn Any)
        .downcast_mut::<Option<B>>()
        .and_then(Option::take);
    taken.ok_or_else(|| slot.take().expect("nobody took it"))
}
