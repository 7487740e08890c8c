//! `CancelToken`: telling several tasks to end, from anywhere, without holding their handles.

use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Weak};

use filch_executor::Cancelled;
use filch_executor::leaf;
use parking_lot::Mutex;

use super::run_until::{RunUntil, RunUntilCancelled};
use super::until::{Signal, UntilCancelled};
use crate::sync::Notify;

/// Weak links to children are looked through when there are so many, and again when those left have doubled.
const FORGET_FROM: usize = 16;

/// Tells tasks to end, once and for all: whoever holds a clone can cancel, and whoever holds one can wait for that.
///
/// A token's children are cancelled with it, and can be cancelled by themselves.
///
/// The names of tokio-util's `CancellationToken` are there as well.
///
/// # Examples
/// ```
/// use filch::CancelToken;
///
/// # filch::run(async {
/// let token = CancelToken::new();
/// let theirs = token.child();
/// let server = filch::spawn(async move {
///     theirs.cancelled().await;
///     theirs.reason().unwrap()
/// });
/// token.cancel_because("the service ends");
/// assert_eq!(&*server.await.unwrap(), "the service ends");
/// # });
/// ```
#[derive(Clone)]
pub struct CancelToken {
    node: Arc<Node>,
}

struct Node {
    /// What `state` says of it, for who asks nothing else. Set once, under the lock.
    cancelled: AtomicBool,
    state: Mutex<State>,
    notify: Arc<Notify>,
    /// Keeps those that lead down to this one.
    parent: Option<Arc<Node>>,
}

// A panic leaves nothing half changed: no code of others runs while the lock is held.
impl UnwindSafe for Node {}
impl RefUnwindSafe for Node {}

#[derive(Default)]
struct State {
    cancelled: Option<Cancelled>,
    children: Vec<Weak<Node>>,
    forget_at: usize,
}

impl Node {
    fn new(parent: Option<Arc<Node>>, cancelled: Option<Cancelled>) -> Arc<Node> {
        let is_cancelled = cancelled.is_some();
        let state = State {
            cancelled,
            ..State::default()
        };
        Arc::new(Node {
            cancelled: AtomicBool::new(is_cancelled),
            state: Mutex::new(state),
            notify: Arc::default(),
            parent,
        })
    }

    /// Its children, if it was not cancelled before.
    ///
    /// Orderings: Release pairs with the Acquire in `is_cancelled`: who sees it there sees what came before the cancel.
    /// Nobody misses it who waits, as waiters queue up, and are called, under the lock of `notify`. Who has queued up
    /// before the call is called, and who does so after it looks at the flag later, and sees it set.
    fn cancel(&self, by: &Cancelled) -> Vec<Weak<Node>> {
        let mut state = self.state.lock();
        if state.cancelled.is_some() {
            return Vec::new();
        }
        state.cancelled = Some(by.clone());
        self.cancelled.store(true, Release);
        let children = std::mem::take(&mut state.children);
        drop(state);
        self.notify.notify_waiters();
        children
    }
}

impl Drop for Node {
    /// Link by link: a long line of tokens, dropped recursively, would overflow the stack.
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(mut node) = parent.and_then(Arc::into_inner) {
            parent = node.parent.take();
        }
    }
}

impl State {
    fn adopt(&mut self, child: &Arc<Node>) {
        self.children.push(Arc::downgrade(child));
        if self.children.len() >= self.forget_at.max(FORGET_FROM) {
            self.children.retain(|child| child.strong_count() > 0);
            self.forget_at = 2 * self.children.len();
        }
    }
}

impl CancelToken {
    /// A token that nobody has cancelled.
    #[must_use]
    pub fn new() -> CancelToken {
        CancelToken {
            node: Node::new(None, None),
        }
    }

    /// A token that is cancelled with this one, and can be cancelled without it.
    #[must_use]
    pub fn child(&self) -> CancelToken {
        let mut state = self.node.state.lock();
        let node = Node::new(Some(Arc::clone(&self.node)), state.cancelled.clone());
        if state.cancelled.is_none() {
            state.adopt(&node);
        }
        CancelToken { node }
    }

    /// As [`child`](CancelToken::child), by tokio-util's name.
    #[must_use]
    pub fn child_token(&self) -> CancelToken {
        self.child()
    }

    /// Cancels this token and its children. Only the first time counts.
    #[track_caller]
    pub fn cancel(&self) {
        self.cancel_by(&leaf::cancelled_by_current(Location::caller(), None));
    }

    /// As [`cancel`](CancelToken::cancel), and says why.
    #[track_caller]
    pub fn cancel_because(&self, reason: impl Into<Arc<str>>) {
        let reason = Some(reason.into());
        self.cancel_by(&leaf::cancelled_by_current(Location::caller(), reason));
    }

    fn cancel_by(&self, by: &Cancelled) {
        let mut links = self.node.cancel(by);
        while let Some(link) = links.pop() {
            if let Some(child) = link.upgrade() {
                links.append(&mut child.cancel(by));
            }
        }
    }

    /// Whether it was cancelled.
    #[must_use]
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.node.cancelled.load(Acquire)
    }

    /// Who cancelled it, where, and why.
    #[must_use]
    pub fn cause(&self) -> Option<Cancelled> {
        self.node.state.lock().cancelled.clone()
    }

    /// Why it was cancelled, if it was and somebody said so.
    #[must_use]
    pub fn reason(&self) -> Option<Arc<str>> {
        self.cause()?.reason
    }

    /// Waits until it is cancelled. Ready at once if it was.
    #[track_caller]
    pub fn cancelled(&self) -> UntilCancelled<CancelToken> {
        let notified = Arc::clone(&self.node.notify).notified_owned();
        UntilCancelled::new(self.clone(), notified)
    }

    /// As [`cancelled`](CancelToken::cancelled), by tokio-util's name.
    #[track_caller]
    pub fn cancelled_owned(self) -> UntilCancelled<CancelToken> {
        self.cancelled()
    }

    /// Runs a future until it is ready or this token is cancelled. Then the future is dropped, and what that leaves
    /// behind, in gathers and groups, is gone before this returns.
    ///
    /// A token that was cancelled before wins over a future that is ready.
    ///
    /// # Errors
    /// Who cancelled the token, where, and why.
    ///
    /// # Cancel safety
    /// As cancel safe as the future.
    #[track_caller]
    pub fn run<F: IntoFuture>(&self, future: F) -> RunUntil<F::IntoFuture> {
        RunUntil::new(future.into_future(), self.cancelled())
    }

    /// As [`run`](CancelToken::run), by tokio-util's name and with its output: `None` if the token was cancelled.
    #[track_caller]
    pub fn run_until_cancelled<F: IntoFuture>(
        &self,
        future: F,
    ) -> RunUntilCancelled<F::IntoFuture> {
        RunUntilCancelled::new(self.run(future))
    }

    /// As [`run_until_cancelled`](CancelToken::run_until_cancelled), with the token by value.
    #[track_caller]
    pub fn run_until_cancelled_owned<F: IntoFuture>(
        self,
        future: F,
    ) -> RunUntilCancelled<F::IntoFuture> {
        self.run_until_cancelled(future)
    }

    /// A guard that cancels the token when it is dropped.
    pub fn drop_guard(self) -> DropGuard {
        DropGuard { token: Some(self) }
    }
}

impl Signal for CancelToken {
    fn is_cancelled(&self) -> bool {
        CancelToken::is_cancelled(self)
    }
}

impl Default for CancelToken {
    fn default() -> CancelToken {
        CancelToken::new()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("cancelled", &self.cause())
            .finish()
    }
}

/// Cancels its token when it is dropped: [`CancelToken::drop_guard`].
#[derive(Debug)]
#[must_use = "it cancels the token when it is dropped, which is at once"]
pub struct DropGuard {
    /// There until it is disarmed.
    token: Option<CancelToken>,
}

impl DropGuard {
    /// Gives the token back, which this cancels no more.
    pub fn disarm(mut self) -> CancelToken {
        self.token.take().expect("it is taken once")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            token.cancel_because("its guard was dropped");
        }
    }
}
