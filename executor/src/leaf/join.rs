//! The two handles on a task: the one that gets its output, and the one that can only abort it.

use crate::leaf;
use crate::rest::parker::ThreadParker;
use crate::seats::context;
use crate::task::wait::{Wait, WaitKind};
use crate::task::{Cancelled, Header, JoinError, TaskId, TaskRef};
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A spawned task's output to come.
///
/// Await it for the output. Dropping it detaches the task, which goes on running; a panic that then
/// nobody can observe is reported on standard error.
///
/// # Cancel safety
/// Awaiting `&mut handle` may be dropped at any time and awaited again.
pub struct JoinHandle<T> {
    /// There until the handle is dropped.
    task: ManuallyDrop<TaskRef>,
    /// The output was taken.
    taken: bool,
    /// Whoever polled it was last told to wait.
    waits: bool,
    output: PhantomData<T>,
}

// SAFETY: the handle can move a T to the thread that holds it, and nothing else of the task.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: `&JoinHandle` gives no access to the output.
unsafe impl<T: Send> Sync for JoinHandle<T> {}
// The output is never pinned inside the handle.
impl<T> Unpin for JoinHandle<T> {}
// A panic cannot leave the task half changed: users' code runs at no point between two of its states.
impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// # Safety (of use, kept by `spawn`)
    /// `task` is the handle's reference of a task whose output is a `T`, made once per task.
    pub(crate) fn new(task: TaskRef) -> JoinHandle<T> {
        JoinHandle {
            task: ManuallyDrop::new(task),
            taken: false,
            waits: false,
            output: PhantomData,
        }
    }

    /// Cancels the task: its future is dropped at its next scheduling, and awaiting the handle
    /// gives a [`JoinError`] that says cancelled. A task that ends first, or never returns from
    /// its poll, is not affected.
    ///
    /// The error tells who called this, and where ([`JoinError::cancelled`]). What gathers and groups in the future
    /// hold is cancelled too, and the task has not ended before that is gone.
    #[track_caller]
    pub fn abort(&self) {
        abort(&self.task, None);
    }

    /// As [`abort`](JoinHandle::abort), and the error says why.
    #[track_caller]
    pub fn abort_because(&self, reason: impl Into<Arc<str>>) {
        abort(&self.task, Some(reason.into()));
    }

    /// As [`abort`](JoinHandle::abort), by somebody.
    #[doc(hidden)]
    pub fn abort_by(&self, cancelled: Cancelled) {
        self.task.abort_by(cancelled);
    }

    /// The handle, for whoever waits for the task in the place of this one, which is of no use any more.
    #[doc(hidden)]
    #[must_use]
    pub fn leave(&mut self) -> JoinHandle<T> {
        self.take_back();
        let heir = JoinHandle {
            task: ManuallyDrop::new(TaskRef::clone(&self.task)),
            taken: self.taken,
            waits: false,
            output: PhantomData,
        };
        self.taken = true;
        heir
    }

    /// Nobody waits through this handle any more.
    fn take_back(&mut self) {
        if std::mem::take(&mut self.waits) && !self.taken {
            leaf::take_back(|| wait_for(self.task.header()));
        }
    }

    /// The output of a task that has finished. `None`: it has not, or the output was taken.
    #[doc(hidden)]
    pub fn take_finished(&mut self) -> Option<Result<T, JoinError>> {
        if self.taken || !self.is_finished() {
            return None;
        }
        self.take_or_register(Waker::noop())
    }

    /// Where the task was spawned.
    #[doc(hidden)]
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.task.header().spawned_at
    }

    /// An error of this task, for a group that knows better than the task why it has no output.
    #[doc(hidden)]
    #[must_use]
    pub fn error_of_cancel(&self, cancelled: Option<Cancelled>) -> JoinError {
        self.task.error_of_cancel(cancelled)
    }

    /// The same of a child whose panic its group has, with a copy of what it said.
    #[doc(hidden)]
    #[must_use]
    pub fn error_of_panic(&self, message: Option<String>) -> JoinError {
        self.task.error_of_panic(message)
    }

    /// Whether the task has ended: awaiting the handle then does not wait.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.header().state.load().is_complete()
    }

    /// The task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.header().id
    }

    /// The task's name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.task.header().name()
    }

    /// A handle that can abort the task and outlive this one.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle {
            task: TaskRef::clone(&self.task),
        }
    }

    /// Waits for the task on this thread, for code that is not async.
    ///
    /// # Errors
    /// The handle itself, when `timeout` passes first; `None` waits for ever.
    ///
    /// # Panics
    /// Inside a task, where waiting would keep a worker from running the very task that is waited
    /// for: await the handle there. Also if the output was already taken by awaiting.
    #[track_caller]
    pub fn join_blocking(
        mut self,
        timeout: Option<Duration>,
    ) -> Result<Result<T, JoinError>, JoinHandle<T>> {
        context::assert_may_block("JoinHandle::join_blocking");
        let parker = Arc::new(ThreadParker::new());
        let waker = Waker::from(Arc::clone(&parker));
        let deadline = timeout.map(|timeout| filch_timer::system_now().saturating_add(timeout));
        loop {
            if let Some(output) = self.take_or_register(&waker) {
                return Ok(output);
            }
            if !parker.park_until(deadline) {
                // One last look: it may have ended together with the time.
                return self.take_or_register(&waker).ok_or(self);
            }
        }
    }

    /// There is no output any more.
    #[cold]
    #[track_caller]
    fn refuse(&self) -> ! {
        let task = self.task.header();
        let name = task.name().map(|name| format!(" '{name}'"));
        panic!(
            "the JoinHandle of task {}{}, spawned at {}, was used after its output was taken",
            task.id,
            name.unwrap_or_default(),
            task.spawned_at
        );
    }

    /// The output, or else `waker` is called once it is there.
    ///
    /// # Panics
    /// If the output was already taken.
    #[track_caller]
    pub(crate) fn take_or_register(&mut self, waker: &Waker) -> Option<Result<T, JoinError>> {
        if self.taken {
            self.refuse();
        }
        let mut output = MaybeUninit::<Result<T, JoinError>>::uninit();
        // SAFETY: this is the task's one JoinHandle, its output is a T, and it has not been taken before. On
        // true, `output` was written.
        unsafe {
            self.taken = self.task.poll_join(waker, output.as_mut_ptr().cast());
            self.taken.then(|| output.assume_init())
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if leaf::poll_budget_of(&*self, cx).is_pending() {
            return Poll::Pending;
        }
        match self.take_or_register(cx.waker()) {
            Some(output) => Poll::Ready(output),
            None => {
                let task = self.task.header();
                if is_running(task) {
                    refuse_itself(task);
                }
                leaf::record(wait_for(task));
                self.waits = true;
                Poll::Pending
            }
        }
    }
}

fn wait_for(task: &Header) -> Wait {
    Wait {
        kind: WaitKind::Join,
        resource: task.id.as_u64(),
        at: task.spawned_at,
    }
}

/// Is it this task that is being polled here? Ids tell nothing: every runtime counts its own.
fn is_running(task: &Header) -> bool {
    context::with(|context| context.task().is_some_and(|running| ptr::eq(running, task)))
}

/// Nobody would ever wake it.
#[cold]
fn refuse_itself(task: &Header) -> ! {
    panic!(
        "task {}, spawned at {}, awaits itself: it would never end",
        task.id, task.spawned_at
    );
}

impl<T> FusedFuture for JoinHandle<T> {
    /// Whether the output was taken.
    fn is_terminated(&self) -> bool {
        self.taken
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        self.take_back();
        // SAFETY: the handle ends here, and nobody uses the reference again.
        let task = unsafe { ManuallyDrop::take(&mut self.task) };
        task.detach(self.taken);
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_handle("JoinHandle", &self.task, f)
    }
}

/// Aborts a task from anywhere. Holding one does not keep the task running or its output alive.
#[derive(Clone)]
pub struct AbortHandle {
    task: TaskRef,
}

impl AbortHandle {
    /// As [`JoinHandle::abort`].
    #[track_caller]
    pub fn abort(&self) {
        abort(&self.task, None);
    }

    /// As [`JoinHandle::abort_because`].
    #[track_caller]
    pub fn abort_because(&self, reason: impl Into<Arc<str>>) {
        abort(&self.task, Some(reason.into()));
    }

    /// As [`JoinHandle::abort`], by somebody.
    #[doc(hidden)]
    pub fn abort_by(&self, cancelled: Cancelled) {
        self.task.abort_by(cancelled);
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.header().state.load().is_complete()
    }

    /// The task's number.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.header().id
    }
}

// As for `JoinHandle`.
impl UnwindSafe for AbortHandle {}
impl RefUnwindSafe for AbortHandle {}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_handle("AbortHandle", &self.task, f)
    }
}

#[track_caller]
fn abort(task: &TaskRef, reason: Option<Arc<str>>) {
    task.abort_by(leaf::cancelled_by_current(Location::caller(), reason));
}

/// `JoinHandle { id: 12, name: "resizer", finished: false }`.
fn fmt_handle(kind: &str, task: &TaskRef, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let task = task.header();
    let mut handle = f.debug_struct(kind);
    handle.field("id", &format_args!("{}", task.id));
    if let Some(name) = task.name() {
        handle.field("name", &name);
    }
    handle
        .field("finished", &task.state.load().is_complete())
        .finish()
}
