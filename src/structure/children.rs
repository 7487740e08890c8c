//! Child tasks that are waited for together: which of them are not gone yet, what failed, and who cancelled them.
//!
//! The children of one scope (a gather, a group) share a [`Scope`]. Each child's future is wrapped so that it reports
//! there, and whoever waits is woken by a failure and by the last child, however many there are: polling thousands of
//! `JoinHandle`s at each wake would make the work quadratic.
//!
//! What *gone* means: a child's [`Guard`] is the last field of its wrapper, and is dropped when the child's future was
//! and all that this left behind is gone, too (`leaf::at_end_of_task`), whether the future finished, panicked, was
//! aborted, or never ran because the runtime shut down.
//!
//! A scope that is dropped unfinished is *abandoned*: its children are aborted, and who waits until they are gone is
//! the nearest drain, to which [`abandon`](Scope::abandon) hands [`Gone`].
//!
//! Everything lies behind one lock, which is never held while code of others runs. That no wake is lost is
//! [`WakerCell`]'s contract: register, then look; change, then wake.

use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use filch_executor::foreign::{Payload, WakerCell, discard};
use filch_executor::leaf::{self, AtEnd, Wait, WaitKind};
use filch_executor::{AbortHandle, Cancelled, CleanupError};
use parking_lot::Mutex;

use super::gone::{Gone, hand_over_failures};
use super::members::{Ended, Members};
use crate::sync::{Notify, OwnedSemaphorePermit};

/// Why a child gave no output.
pub(super) enum Failure<E> {
    Error(E),
    Panic(Payload),
    /// The child was dropped by somebody else than its scope.
    Cancelled,
}

/// Which failures a scope keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// The first, of whatever kind: others are their own tasks' matter.
    First,
    /// All errors, and the first panic. A child that was cancelled alone is no failure.
    All,
    /// None, but which children have ended, in which order.
    Ends,
    /// None: each child's end is its own task's matter.
    #[cfg(feature = "net")]
    Nothing,
}

/// What the children of one scope, and who waits for them, share.
pub(super) struct Scope<E> {
    state: Mutex<State<E>>,
    waker: WakerCell,
    keep: Keep,
    /// Where the scope was made.
    pub(super) at: &'static Location<'static>,
    /// For those that wait until it is cancelled, once there are any.
    cancels: OnceLock<Arc<Notify>>,
}

// A panic leaves nothing half changed: no code of others runs while the lock is held.
impl<E> UnwindSafe for Scope<E> {}
impl<E> RefUnwindSafe for Scope<E> {}

struct State<E> {
    members: Members,
    ended: Ended,
    kept: Kept<E>,
    cancelled: Option<Cancelled>,
    /// Nobody will ask for failures any more, but for those of cleanups.
    abandoned: bool,
    /// Nor for those.
    unheard: bool,
    /// No child can come any more.
    closed: bool,
}

/// The failures of a scope.
pub(super) struct Kept<E> {
    pub(super) errors: Vec<E>,
    pub(super) panic: Option<Payload>,
    /// The first failure was that a child had been dropped.
    pub(super) lost: bool,
    pub(super) cleanups: Vec<CleanupError>,
}

impl<E> Default for Kept<E> {
    fn default() -> Kept<E> {
        Kept {
            errors: Vec::new(),
            panic: None,
            lost: false,
            cleanups: Vec::new(),
        }
    }
}

impl<E> Kept<E> {
    fn has_failure(&self) -> bool {
        self.lost || self.panic.is_some() || !self.errors.is_empty()
    }
}

impl<E> Drop for Kept<E> {
    /// Whoever comes last, which may be in the midst of a panic, drops failures that nobody has taken.
    fn drop(&mut self) {
        self.errors.drain(..).for_each(discard);
        discard(self.panic.take());
    }
}

/// The scope has ended, and takes no child.
#[derive(Debug)]
pub(super) struct Closed;

impl<E> Scope<E> {
    pub(super) fn new(keep: Keep, at: &'static Location<'static>) -> Arc<Scope<E>> {
        let state = State {
            members: Members::default(),
            ended: Ended::default(),
            kept: Kept::default(),
            cancelled: None,
            abandoned: false,
            unheard: false,
            closed: false,
        };
        Arc::new(Scope {
            state: Mutex::new(state),
            waker: WakerCell::new(),
            keep,
            at,
            cancels: OnceLock::new(),
        })
    }

    /// The child with that place was spawned. If the scope was cancelled meanwhile, so is the child.
    pub(super) fn adopt(&self, place: usize, child: AbortHandle) {
        let mut state = self.state.lock();
        let cancelled = state.cancelled.clone();
        let aborted = cancelled.map(|cancelled| (child.clone(), cancelled));
        let gone = state.members.fill(place, child);
        drop(state);
        if let Some((child, cancelled)) = aborted {
            child.abort_by(cancelled);
        }
        discard(gone);
    }

    /// Keeps a failure, and cancels the others; or gives it back, if it is not wanted.
    pub(super) fn fail(&self, failure: Failure<E>, by: Cancelled) -> Result<(), Failure<E>> {
        let mut state = self.state.lock();
        let full = self.keep == Keep::First && state.kept.has_failure();
        if state.abandoned || full {
            return Err(failure);
        }
        match failure {
            Failure::Error(error) => state.kept.errors.push(error),
            Failure::Panic(panic) if state.kept.panic.is_none() => state.kept.panic = Some(panic),
            Failure::Panic(_) => return Err(failure),
            Failure::Cancelled if self.keep == Keep::First => state.kept.lost = true,
            Failure::Cancelled => return Ok(()),
        }
        drop(state);
        self.cancel(by);
        Ok(())
    }

    /// Cancels all children, unless that was done before.
    pub(super) fn cancel(&self, by: Cancelled) {
        let mut state = self.state.lock();
        if state.closed || state.cancelled.is_some() {
            return;
        }
        state.cancelled = Some(by.clone());
        let children = state.members.handles();
        drop(state);
        for child in children {
            child.abort_by(by.clone());
        }
        self.waker.wake();
        if let Some(waiting) = self.cancels.get() {
            waiting.notify_waiters();
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.state.lock().cancelled.is_some()
    }

    /// Who waits for the cancel. Whoever registers there looks whether it has come, afterwards.
    pub(super) fn cancels(&self) -> Arc<Notify> {
        Arc::clone(self.cancels.get_or_init(Arc::default))
    }

    /// Whoever polls is woken by a cancel, a failure, the last child, and in a scope of ends by each.
    pub(super) fn register(&self, cx: &Context<'_>) {
        self.waker.register(cx.waker());
    }

    /// The children are nobody's any more.
    pub(super) fn release(&self) {
        self.state.lock().closed = true;
    }

    /// The tag of the child that has ended first of those that nobody asked for.
    pub(super) fn take_ended(&self) -> Option<u64> {
        self.state.lock().ended.pop()
    }

    /// How many children are not gone.
    pub(super) fn len(&self) -> usize {
        self.state.lock().members.len()
    }

    /// As `take_ended`, or else waits for the next one, and says so by `wait`.
    pub(super) fn poll_ended(&self, wait: Wait, cx: &mut Context<'_>) -> Poll<u64> {
        let ended = self.take_ended().or_else(|| {
            self.waker.register(cx.waker());
            self.take_ended()
        });
        if ended.is_none() {
            leaf::record(wait);
        }
        ended.map_or(Poll::Pending, Poll::Ready)
    }

    /// Waits until every child is gone, or until whatever else wakes it.
    pub(super) fn poll_gone(&self, kind: WaitKind, cx: &mut Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        let state = self.state.lock();
        if state.members.len() == 0 {
            return Poll::Ready(());
        }
        let first = state.members.first();
        let first = first.filter(|_| kind != WaitKind::Gather);
        let resource = first.map_or(0, |child| child.id().as_u64());
        drop(state);
        leaf::record(self.wait(kind).with_resource(resource));
        Poll::Pending
    }

    /// What is said of whoever waits for its children.
    pub(super) fn wait(&self, kind: WaitKind) -> Wait {
        let (resource, at) = (0, self.at);
        Wait { kind, resource, at }
    }

    pub(super) fn keep_cleanup(&self, failure: CleanupError) -> Result<(), CleanupError> {
        let mut state = self.state.lock();
        if state.unheard || self.keep != Keep::All {
            return Err(failure);
        }
        state.kept.cleanups.push(failure);
        Ok(())
    }

    /// Failures of cleanups of an abandoned scope, and there will be no others: they are their own tasks' matter.
    pub(super) fn take_cleanups(&self) -> Vec<CleanupError> {
        let mut state = self.state.lock();
        state.unheard = true;
        std::mem::take(&mut state.kept.cleanups)
    }

    /// Ends the scope, if no child has come meanwhile: there will be none any more.
    pub(super) fn close(&self) -> Option<(Kept<E>, Option<Cancelled>)> {
        let mut state = self.state.lock();
        if state.members.len() > 0 {
            return None;
        }
        state.closed = true;
        let kept = std::mem::take(&mut state.kept);
        Some((kept, state.cancelled.clone()))
    }
}

impl<E: Send + 'static> Scope<E> {
    /// A place for a child, which is spawned with this guard in it.
    pub(super) fn enter(
        self: &Arc<Self>,
        at: &'static Location<'static>,
    ) -> Result<Guard<E>, Closed> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Closed);
        }
        let place = state.members.reserve();
        let refused = state.cancelled.clone();
        drop(state);
        Ok(Guard {
            scope: Some(Arc::clone(self)),
            place,
            at,
            refused,
            ended: false,
            tag: 0,
            permit: None,
        })
    }

    /// The scope is dropped: cancels the children that are left, and hands them to the nearest drain.
    pub(super) fn abandon(self: Arc<Self>, reason: &str) {
        let mut state = self.state.lock();
        if state.closed {
            return;
        }
        if self.keep == Keep::Ends && state.members.len() == 0 {
            // Nobody else knows of the scope.
            state.closed = true;
            drop(state);
            return leaf::take_back(|| self.wait(WaitKind::Gather));
        }
        state.abandoned = true;
        let mut kept = std::mem::take(&mut state.kept);
        state.kept.cleanups = std::mem::take(&mut kept.cleanups);
        let has_children = state.members.len() > 0;
        drop(state);
        for kind in [WaitKind::Gather, WaitKind::Group, WaitKind::Drain] {
            leaf::take_back(|| self.wait(kind));
        }
        self.cancel(leaf::cancelled_by_current(self.at, Some(reason.into())));
        if has_children {
            leaf::hand_over(Box::new(Gone(self)));
        } else {
            hand_over_failures(self.take_cleanups());
        }
        drop(kept);
    }
}

/// A child's place in its scope, until it is dropped at the child's end.
pub(super) struct Guard<E: Send + 'static> {
    /// There until this is dropped.
    scope: Option<Arc<Scope<E>>>,
    place: usize,
    /// Where the child was spawned.
    pub(super) at: &'static Location<'static>,
    /// The scope had been cancelled when the child came: it never runs.
    pub(super) refused: Option<Cancelled>,
    /// The child ended in a way that needs no report.
    pub(super) ended: bool,
    /// How the child is known to who waits for its end.
    pub(super) tag: u64,
    /// What it may run by.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

impl<E: Send + 'static> Guard<E> {
    pub(super) fn place(&self) -> usize {
        self.place
    }

    pub(super) fn fail(&self, failure: Failure<E>) -> Result<(), Failure<E>> {
        let Some(scope) = &self.scope else {
            return Err(failure);
        };
        let reason = match &failure {
            Failure::Error(_) => "a task of the same group failed",
            Failure::Panic(_) => "a task of the same group panicked",
            Failure::Cancelled => "a task of the same group was cancelled",
        };
        let by = leaf::cancelled_by_current(self.at, Some(reason.into()));
        scope.fail(failure, by)
    }
}

impl<E: Send + 'static> Drop for Guard<E> {
    fn drop(&mut self) {
        if !self.ended {
            // Refused if this child was cancelled because of an earlier failure, as most are.
            let _ = self.fail(Failure::Cancelled);
        }
        if let Some(scope) = self.scope.take() {
            leaf::at_end_of_task(Leaving {
                scope,
                place: self.place,
                tag: self.tag,
                _permit: self.permit.take(),
            });
        }
    }
}

/// A child whose future is gone, until what that left behind is gone, too.
struct Leaving<E: Send + 'static> {
    scope: Arc<Scope<E>>,
    place: usize,
    tag: u64,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<E: Send + 'static> AtEnd for Leaving<E> {
    fn take_failure(&mut self, failure: CleanupError) -> Result<(), CleanupError> {
        self.scope.keep_cleanup(failure)
    }
}

impl<E: Send + 'static> Drop for Leaving<E> {
    fn drop(&mut self) {
        let mut state = self.scope.state.lock();
        let child = state.members.remove(self.place);
        let is_last = state.members.len() == 0;
        let is_counted = self.scope.keep == Keep::Ends;
        if is_counted {
            state.ended.push(self.tag);
        }
        drop(state);
        discard(child);
        if is_last || is_counted {
            self.scope.waker.wake();
        }
    }
}
