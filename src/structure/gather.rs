//! `gather!`, `gather` and `gather_results`: asyncio's `gather` on every core, with no stray task in the end.
//!
//! asyncio's lets the siblings of an error run on; these cancel them and wait until they are gone, which is what its
//! users reach for `TaskGroup` to get. Otherwise the semantics are asyncio's: the children are scheduled at the call,
//! the outputs come in argument order, and dropping the gather (asyncio: cancelling it) cancels every child.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use filch_executor::{JoinError, leaf};
use futures_core::FusedFuture;

use super::attempt::Fate;
use super::waiter::{Children, Member};

/// Runs several futures as tasks of their own, on every core, and gives all their values or the first error.
///
/// Each argument is a `Send + 'static` future of a `Result` (or becomes one: [`IntoFuture`]), all with the same error
/// type; the values may differ in type, and any number of futures can be given. All arguments are evaluated, then all
/// are spawned, then the macro awaits (so it works in `async` code only):
///
/// - When all have succeeded it returns their values.
/// - The first `Err` or panic aborts all others. When the future of every one of them has been dropped, the error is
///   returned, or the panic resumed. Errors of the others meanwhile are dropped. A child that is itself waiting in a
///   gather is gone when that one's children are.
///
/// A [`JoinHandle`](crate::JoinHandle) is taken as a child, too: its task's panic or abort is a failure, and its task is
/// aborted, and waited for, as the others are.
///
/// For a number of futures known only at run time see [`gather()`](crate::gather()); for futures that borrow,
/// [`try_join!`](crate::try_join!).
///
/// # Returns
/// `Ok` with a tuple of the values in argument order; `Ok(())` without arguments.
///
/// # Errors
/// The error of the future that failed first in time.
///
/// # Panics
/// With the panic of the future that panicked first, if no error came before it; outside a runtime; and if the runtime
/// shuts down meanwhile.
///
/// # Cancel safety
/// Dropping the surrounding future aborts every child. A drop cannot wait for them, so the nearest that can does: a
/// timeout, a group, or the task, which has not ended before.
///
/// # Example
/// ```
/// # use std::num::ParseIntError;
/// async fn parse(text: &'static str) -> Result<u32, ParseIntError> {
///     text.parse()
/// }
///
/// # filch::run(async {
/// let (six, seven) = filch::gather!(parse("6"), parse("7"))?;
/// assert_eq!(six * seven, 42);
/// # Ok::<(), ParseIntError>(()) }).unwrap();
/// ```
#[macro_export]
macro_rules! gather {
    ($($futures:tt)*) => { $crate::__named! { __gather () [] $($futures)* } };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __gather {
    (()) => {{
        $crate::task::consume_budget().await;
        ::core::result::Result::Ok(())
    }};
    (() $(($name:ident $future:expr))+) => {{
        $( let $name = $future; )+
        let mut children = $crate::__private::Children::new();
        $( let $name = children.spawn(::core::future::IntoFuture::into_future($name)); )+
        let done = ::core::future::poll_fn(|cx| children.poll_done(cx)).await;
        match done {
            ::core::result::Result::Ok(()) => ::core::result::Result::Ok(($( $name.await, )+)),
            ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
        }
    }};
}

/// Runs every future of `futures` as a task of its own, on every core, and gives all their values or the first error.
///
/// As [`gather!`](crate::gather!), for any number of futures of one type. The tasks are spawned here, at the call, and
/// run whether or not the returned future is polled yet. A failure is acted on when the returned future is polled, so
/// await it.
///
/// [`JoinHandle`](crate::JoinHandle)s are taken as children, too. A panic or abort of a task is a failure, and the tasks
/// of all handles are aborted, and waited for, as other children are. What a task itself returns is a value, even an
/// `Err`.
///
/// ```
/// use std::future::pending;
///
/// # filch::run(async {
/// let endless = filch::spawn(pending::<()>());
/// let seen = endless.abort_handle();
/// let panics = filch::spawn(async { panic!("on purpose") });
/// assert!(filch::gather([endless, panics]).await.unwrap_err().is_panic());
/// assert!(seen.is_finished());
/// # });
/// ```
///
/// # Returns
/// `Ok` with the values in the order of `futures`; an empty `Vec` at once if there are none.
///
/// # Errors
/// The error of the future that failed first in time, after every other one was aborted and dropped.
///
/// # Panics
/// This call panics outside a runtime. The returned future panics with the panic of the future that panicked first, if
/// no error came before it; if the runtime shuts down meanwhile; and if it is polled again after its end.
///
/// # Cancel safety
/// Dropping the returned future aborts every child; the nearest timeout, group or task that can waits until they are
/// gone. Awaiting `&mut gather` may be dropped and taken up again.
///
/// # Example
/// ```
/// # filch::run(async {
/// let squares = filch::gather((0..4).map(|n| async move { Ok::<u32, std::io::Error>(n * n) })).await?;
/// assert_eq!(squares, [0, 1, 4, 9]);
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[track_caller]
pub fn gather<I, T, E>(futures: I) -> Gather<T, E>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let children = Children::new();
    let futures = futures.into_iter();
    let mut handles = Vec::with_capacity(futures.size_hint().0);
    for future in futures {
        handles.push(children.spawn(future));
    }
    let outputs = Outputs::of(handles);
    Gather { children, outputs }
}

/// The future of [`gather()`].
#[must_use = "dropping a Gather cancels its tasks; await it"]
pub struct Gather<T, E> {
    children: Children<E>,
    outputs: Outputs<Result<T, Fate>, T>,
}

impl<T, E> Future for Gather<T, E> {
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Err(error) = ready!(this.children.poll_done(cx)) {
            // The siblings' outputs, if they had any, go before the caller goes on.
            this.outputs.end();
            return Poll::Ready(Err(error));
        }
        this.outputs
            .poll_all(cx, |child, cx| Pin::new(child).poll(cx))
            .map(Ok)
    }
}

impl<T, E> FusedFuture for Gather<T, E> {
    fn is_terminated(&self) -> bool {
        self.outputs.done
    }
}

impl<T, E> fmt::Debug for Gather<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather")
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}

/// Runs every future of `futures` as a task of its own, on every core, and gives what became of each.
///
/// Nothing that happens to one child affects another: this is asyncio's `gather(.., return_exceptions=True)`. A
/// future's own `Err` is an output like any other; the [`JoinError`] around it tells of a panic, or of a runtime that
/// shut down. The tasks are spawned here, at the call.
///
/// A [`JoinHandle`](crate::JoinHandle) is a future like any other here: if this is dropped, its task runs on. (asyncio
/// cancels it, and so does [`gather`](gather()), whose bounds tell a handle from other futures. Here any output will
/// do, and nothing tells them apart.) Give [`AbortOnDrop(handle)`](crate::AbortOnDrop) for one that is to end along.
///
/// # Returns
/// One `Result` per future, in the order of `futures`, when the last has ended.
///
/// # Panics
/// This call panics outside a runtime; the returned future if it is polled again after its end.
///
/// # Cancel safety
/// Dropping the returned future aborts every child; the nearest timeout, group or task that can waits until they are
/// gone. Awaiting `&mut gather` may be dropped and taken up again.
///
/// # Example
/// ```
/// # filch::run(async {
/// let halves = filch::gather_results([2, 0].map(|n| async move { 4 / n })).await;
/// assert_eq!(*halves[0].as_ref().unwrap(), 2);
/// assert!(halves[1].as_ref().unwrap_err().is_panic());
/// # });
/// ```
#[track_caller]
pub fn gather_results<I>(futures: I) -> GatherResults<<I::Item as Future>::Output>
where
    I: IntoIterator,
    I::Item: Future + Send + 'static,
    <I::Item as Future>::Output: Send + 'static,
{
    let children = Children::new();
    let futures = futures.into_iter();
    let mut handles = Vec::with_capacity(futures.size_hint().0);
    for future in futures {
        handles.push(children.spawn_any(future));
    }
    let outputs = Outputs::of(handles);
    GatherResults { children, outputs }
}

/// The future of [`gather_results`].
#[must_use = "dropping a GatherResults cancels its tasks; await it"]
pub struct GatherResults<T> {
    /// Its children cannot fail.
    children: Children<Infallible>,
    outputs: Outputs<T, Result<T, JoinError>>,
}

impl<T> Future for GatherResults<T> {
    type Output = Vec<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Ok(()) = ready!(this.children.poll_done(cx));
        this.outputs.poll_all(cx, Member::poll_join)
    }
}

impl<T> FusedFuture for GatherResults<T> {
    fn is_terminated(&self) -> bool {
        self.outputs.done
    }
}

impl<T> fmt::Debug for GatherResults<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatherResults")
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}

/// The handles of children in argument order, and what was taken from those at the front.
struct Outputs<T, O> {
    handles: Vec<Member<T>>,
    taken: Vec<O>,
    done: bool,
}

// Nothing in a `Vec` is pinned.
impl<T, O> Unpin for Outputs<T, O> {}

impl<T, O> Outputs<T, O> {
    fn of(handles: Vec<Member<T>>) -> Outputs<T, O> {
        Outputs {
            handles,
            taken: Vec::new(),
            done: false,
        }
    }

    /// Takes the outputs one after the other, going on where it stopped. The children are gone by now, so a handle is
    /// pending at most for the moment until its task has stored its output, or because the caller's budget is used up.
    fn poll_all(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Member<T>, &mut Context<'_>) -> Poll<O>,
    ) -> Poll<Vec<O>> {
        assert!(!self.done, "a gather was polled after its end");
        if self.handles.is_empty() {
            // A gather of nothing counts: a loop over it has to yield.
            ready!(leaf::poll_budget_of(self, cx));
        }
        self.taken
            .reserve_exact(self.handles.len() - self.taken.len());
        while let Some(handle) = self.handles.get_mut(self.taken.len()) {
            self.taken.push(ready!(poll(handle, cx)));
        }
        let outputs = std::mem::take(&mut self.taken);
        self.end();
        Poll::Ready(outputs)
    }

    fn end(&mut self) {
        self.done = true;
        self.handles = Vec::new();
    }
}
