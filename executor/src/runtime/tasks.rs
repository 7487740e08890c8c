//! What a task can do and ask about itself: spawn others, yield, share its turn.

use crate::foreign;
use crate::leaf::join::JoinHandle;
use crate::leaf::{self, Wait, WaitKind};
use crate::runtime::handle::{Handle, NoRuntime};
use crate::seats::context;
use crate::task::TaskInfo;
use futures_core::FusedFuture;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Spawns a future as a task of the current runtime.
///
/// It starts on some worker, perhaps at once, and goes on whether or not the handle is awaited.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// # extern crate filch_executor as filch;
/// # let rt = filch::Runtime::new()?;
/// # rt.run(async {
/// let half = filch::spawn(async { 21 });
/// // .. other work, while the task runs beside it ..
/// assert_eq!(half.await? * 2, 42);
/// # Ok::<(), filch::JoinError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
#[inline]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static, // It moves between threads; one that cannot: `filch::spawn_local`.
    F::Output: Send + 'static,
{
    spawn_here(future, None, Location::caller())
}

/// As [`spawn`], for who spawns in the name of a line elsewhere.
///
/// # Panics
/// Outside a runtime.
#[doc(hidden)]
#[inline]
pub fn spawn_at<F>(future: F, at: &'static Location<'static>) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_here(future, None, at)
}

#[inline]
fn spawn_here<F>(
    future: F,
    name: Option<Box<str>>,
    at: &'static Location<'static>,
) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut future = ManuallyDrop::new(future);
    // SAFETY: it is used in this call only.
    let Some(shared) = (unsafe { context::lend_current() }) else {
        let _unwound = ManuallyDrop::into_inner(future);
        panic!("{}", NoRuntime(()));
    };
    // SAFETY: the future is Send, and goes nowhere else.
    JoinHandle::new(unsafe { shared.spawn_from(&mut future, name, at) })
}

/// Runs a closure that may block on a thread kept for such, so that no worker waits with it.
///
/// At most [`Builder::max_blocking_threads`](crate::Builder::max_blocking_threads) run at a time, 512 if it is not said;
/// the rest waits in the order of the calls. So a closure must not wait for another one unless it is sure of a thread.
///
/// Nothing in it yields by itself: if it drives a future with another library's `block_on`, there is no cooperative
/// budget that would interrupt a loop over what is always ready. With [`Handle::block_on`] there is.
///
/// Task-locals are inherited. Aborting the handle cancels a closure that has not begun; one that
/// has runs to its end, and the end of the runtime waits for it. So it does for a closure that has not begun, if a
/// thread was free for it when the end came.
///
/// # Panics
/// Outside a runtime. A panic of the closure is the handle's error.
///
/// # Examples
/// ```
/// # extern crate filch_executor as filch;
/// # let rt = filch::Runtime::new()?;
/// # rt.run(async {
/// let listing = filch::spawn_blocking(|| std::fs::read_dir(".").map(Iterator::count));
/// assert!(listing.await?? > 0);
/// # std::io::Result::Ok(())
/// # })?;
/// # std::io::Result::Ok(())
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Handle::current().spawn_blocking(f)
}

/// Runs a closure that computes for long on the workers, so that the I/O beside it goes on.
///
/// At most as many such closures run at a time as the runtime has workers; the rest waits in the order of the calls.
/// One that blocks, by [`blocking`](crate::blocking) or because it was found to, makes way for the next. Meanwhile a
/// further thread, if need be, serves the other tasks, and the operating system divides the cores between all of them.
/// So computing gets what I/O leaves, and at least its fair share, while I/O waits for a core about as long as beside
/// another process. (With [`spawn_blocking`] there would be up to 512 computing threads instead.)
///
/// Task-locals are inherited. Aborting the handle cancels a closure that has not begun; one that has runs to
/// its end, and a shutdown waits for it. Nothing in it yields by itself: there is no cooperative budget. On a
/// [`LocalRuntime`](crate::LocalRuntime) it is run in its turn and the other tasks wait.
///
/// # Panics
/// Outside a runtime. A panic of the closure is the handle's error.
///
/// # Cancel safety
/// Dropping the handle detaches the closure.
///
/// # Examples
/// ```
/// # extern crate filch_executor as filch;
/// # let rt = filch::Runtime::new()?;
/// # rt.run(async {
/// let sum = filch::cpu(|| (0..1_000_000_u64).sum::<u64>()).await?;
/// assert_eq!(sum, 499_999_500_000);
/// # Ok::<(), filch::JoinError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn cpu<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Handle::current().cpu(f)
}

/// Spawns a future that need not be Send as a task of the current [`LocalRuntime`].
///
/// [`LocalRuntime`]: crate::LocalRuntime
///
/// # Panics
/// Unless called inside a `LocalRuntime`, on its thread.
///
/// # Examples
/// ```
/// # extern crate filch_executor as filch;
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// let visits = Rc::new(Cell::new(0));
/// filch::LocalRuntime::new()?.block_on(async {
///     let theirs = Rc::clone(&visits);
///     let visit = filch::spawn_local(async move { theirs.set(theirs.get() + 1) });
///     visit.await
/// })?;
/// assert_eq!(visits.get(), 1);
/// # std::io::Result::Ok(())
/// ```
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    spawn_local_named(future, None)
}

#[track_caller]
fn spawn_local_named<F>(future: F, name: Option<Box<str>>) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let shared = context::current().filter(|shared| {
        shared.config.local
            && context::with(|context| context.core_of(std::sync::Arc::as_ptr(shared)).is_some())
    });
    let Some(shared) = shared else {
        panic!(
            "spawn_local was called outside a LocalRuntime: run the code with \
             `filch::LocalRuntime::new()?.block_on(..)` or `#[filch::main(local)]`, or use \
             `filch::spawn` for a future that is Send"
        );
    };
    // SAFETY: the runtime is a local one and this thread holds its one seat.
    unsafe { shared.spawn_unchecked(future, name, Location::caller()) }
}

/// Spawns tasks with a name.
///
/// ```
/// # mod filch {
/// #     pub use filch_executor::*;
/// #     pub mod task {
/// #         pub use filch_executor::TaskBuilder as Builder;
/// #     }
/// # }
/// # let rt = filch::Runtime::new()?;
/// # rt.run(async {
/// let task = filch::task::Builder::new().name("heartbeat").spawn(async { 1 });
/// assert_eq!(task.name(), Some("heartbeat"));
/// assert_eq!(task.await?, 1);
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a Builder does nothing until `spawn` is called"]
pub struct TaskBuilder {
    name: Option<Box<str>>,
}

impl TaskBuilder {
    /// A task without a name.
    pub fn new() -> TaskBuilder {
        TaskBuilder::default()
    }

    /// The task's name, for people: in dumps and messages.
    pub fn name(mut self, name: impl Into<String>) -> TaskBuilder {
        self.name = Some(name.into().into_boxed_str());
        self
    }

    /// As [`spawn`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn_here(future, self.name, Location::caller())
    }

    /// As [`spawn`], on the given runtime.
    #[track_caller]
    pub fn spawn_on<F>(self, handle: &Handle, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        handle.spawn_named(future, self.name)
    }

    /// As [`spawn_local`].
    ///
    /// # Panics
    /// As `spawn_local`.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        spawn_local_named(future, self.name)
    }

    /// As [`spawn_blocking`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Handle::current().spawn_blocking_named(f, self.name)
    }

    /// As [`cpu`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn cpu<F, T>(self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Handle::current().cpu_named(f, self.name)
    }
}

/// What is known of the task that the calling code runs in; `None` outside a task.
#[must_use]
pub fn current() -> Option<TaskInfo> {
    context::with(context::Context::task_info)
}

/// What every task of the current runtime that has not ended is doing, by id. Empty outside one.
#[must_use]
pub fn all() -> Vec<TaskInfo> {
    Handle::try_current()
        .map(|handle| handle.tasks())
        .unwrap_or_default()
}

/// Lets the other tasks of this worker run once: the current task goes to the tail of the queue.
///
/// # Cancel safety
/// It holds nothing.
#[track_caller]
pub fn yield_now() -> YieldNow {
    YieldNow {
        turn: Turn::Mine,
        at: Location::caller(),
    }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    turn: Turn,
    at: &'static Location<'static>,
}

/// Whose turn it is, in a future that yields once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Mine,
    Others,
    Over,
}

impl Future for YieldNow {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.turn != Turn::Mine {
            self.turn = Turn::Over;
            return Poll::Ready(());
        }
        self.turn = Turn::Others;
        self.give_way(cx);
        Poll::Pending
    }
}

impl YieldNow {
    fn give_way(&self, cx: &mut Context<'_>) {
        let wait = Wait {
            kind: WaitKind::Yield,
            resource: 0,
            at: self.at,
        };
        let own_task = context::with(|context| {
            leaf::record_in(context, wait);
            // The poll itself puts the task at the tail; waking it would cost more. That works
            // only if the waker is the task's own, not a combinator's that wants to hear of it.
            let own = context.task().is_some_and(|task| task.is_waker(cx.waker()));
            if own {
                context.yielded.set(true);
            }
            own
        });
        if !own_task {
            foreign::wake_by_ref(cx.waker());
        }
    }

    /// Where it was made.
    #[doc(hidden)]
    #[must_use]
    pub fn at(&self) -> &'static Location<'static> {
        self.at
    }
}

impl FusedFuture for YieldNow {
    fn is_terminated(&self) -> bool {
        self.turn == Turn::Over
    }
}

/// Spends one unit of the task's cooperative budget, and yields when it is used up: for loops that
/// do work of their own and never wait.
///
/// The budget is that of polls of a task and of a `block_on` future: 128 operations, of which one on a socket counts as
/// four, or 250 µs. Closures (`spawn_blocking`, `blocking`, `cpu`) and threads outside a runtime have none: there it is
/// ready at once.
///
/// # Cancel safety
/// It holds nothing.
#[track_caller]
pub fn consume_budget() -> ConsumeBudget {
    ConsumeBudget { spent: false }
}

/// The future of [`consume_budget`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ConsumeBudget {
    /// Also a place: each lies somewhere else, and so can be told from the others.
    spent: bool,
}

impl Future for ConsumeBudget {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled = leaf::poll_budget_of(&*self, cx);
        self.spent = polled.is_ready();
        polled
    }
}

impl FusedFuture for ConsumeBudget {
    fn is_terminated(&self) -> bool {
        self.spent
    }
}

/// Whether the current poll has gone on for so long (250 µs since it first asked) that a loop that
/// computes should yield: `if need_preempt() { yield_now().await }`.
///
/// Reads the clock, which costs some 30 ns; always false outside a runtime.
#[must_use]
pub fn need_preempt() -> bool {
    context::with(|context| context.shared().is_some() && context.turn.slice_is_over())
}
