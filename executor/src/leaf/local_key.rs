//! `task_local!`: values that belong to a task and are inherited by what it spawns.

use crate::seats::context;
use crate::task::locals::{Node, Value};
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Declares task-local keys, as Python's `contextvars`.
///
/// A value is bound for the extent of a future with [`LocalKey::scope`], and every task and blocking
/// closure that is spawned inside inherits it.
///
/// ```
/// # extern crate filch_executor as filch;
/// filch::task_local! {
///     /// Which request this task serves.
///     static REQUEST: String;
/// }
///
/// # let rt = filch::Runtime::new()?;
/// # rt.run(async {
/// REQUEST.scope("r1".to_owned(), async {
///     let child = filch::spawn(async { REQUEST.get() });
///     assert_eq!(child.await.unwrap(), "r1");
/// }).await;
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[macro_export]
macro_rules! task_local {
    () => {};
    ($(#[$attr:meta])* $vis:vis static $name:ident : $ty:ty $(; $($rest:tt)*)?) => {
        $(#[$attr])*
        $vis static $name: $crate::LocalKey<$ty> = $crate::LocalKey::declare(::core::stringify!($name));
        $($crate::task_local!($($rest)*);)?
    };
}

/// A key declared with [`task_local!`](crate::task_local).
pub struct LocalKey<T: 'static> {
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

/// The key has no value here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccessError {
    name: &'static str,
}

impl<T: Send + Sync + 'static> LocalKey<T> {
    /// For the macro only: a key is known by its address, so it has to be a static.
    #[doc(hidden)]
    #[must_use]
    pub const fn declare(name: &'static str) -> LocalKey<T> {
        LocalKey {
            name,
            value: PhantomData,
        }
    }

    /// Binds the key to `value` while `future` runs, for it and everything it spawns, and while it is dropped, whoever
    /// does that and when: at its end, in a timeout, in an abort, or when it was never polled.
    ///
    /// A task whose whole future is a scope has the value for the drop of its output too, if nobody takes that.
    ///
    /// Other keys keep the values that they have where the scope is first polled.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> Scope<F> {
        let value: Value = Box::new(value);
        Scope {
            binding: Binding::Unbound(self.address(), Some(value)),
            is_ready: false,
            future: ManuallyDrop::new(future),
        }
    }

    /// Binds the key to `value` while `f` runs.
    pub fn sync_scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        let node = bind(self.address(), Box::new(value));
        let _bound = Bound::new(&node);
        f()
    }

    /// A copy of the value.
    ///
    /// # Panics
    /// If the key has no value here.
    #[must_use]
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Runs `f` on the value.
    ///
    /// # Panics
    /// If the key has no value here.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs `f` on the value.
    ///
    /// # Errors
    /// If the key has no value here.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let node = context::with(context::Context::clone_locals);
        let value = node.as_deref().and_then(|node| node.find(self.address()));
        match value.and_then(|value| value.downcast_ref()) {
            Some(value) => Ok(f(value)),
            None => Err(AccessError { name: self.name }),
        }
    }

    fn address(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// A binding inside those that are in force on this thread now.
fn bind(key: usize, value: Value) -> Arc<Node> {
    Arc::new(Node::new(
        key,
        value,
        context::with(context::Context::clone_locals),
    ))
}

/// While it lives, a binding is the innermost one on this thread.
struct Bound<'a> {
    previous: *const Node,
    node: PhantomData<&'a Arc<Node>>,
}

impl<'a> Bound<'a> {
    fn new(node: &'a Arc<Node>) -> Bound<'a> {
        let previous = context::with(|context| context.swap_locals(Arc::as_ptr(node)));
        Bound {
            previous,
            node: PhantomData,
        }
    }
}

impl Drop for Bound<'_> {
    fn drop(&mut self) {
        context::with(|context| context.swap_locals(self.previous));
    }
}

/// The future of [`LocalKey::scope`].
#[must_use = "futures do nothing unless awaited"]
pub struct Scope<F> {
    binding: Binding,
    is_ready: bool,
    /// There until the scope is dropped. Pinned with it: it is never moved out.
    future: ManuallyDrop<F>,
}

/// A scope's value. It becomes a node at the first poll and not before, so that in
/// `A.scope(a, B.scope(b, future))` the inner scope finds the outer one in force.
enum Binding {
    /// The key, and the value until it is bound.
    Unbound(usize, Option<Value>),
    Bound(Arc<Node>),
}

impl Binding {
    fn node(&mut self) -> &Arc<Node> {
        if let Binding::Unbound(key, value) = self {
            let value = value.take().expect("a value is bound once");
            *self = Binding::Bound(bind(*key, value));
        }
        match self {
            Binding::Bound(node) => node,
            Binding::Unbound(..) => unreachable!("it was bound above"),
        }
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is pinned with its scope: it is never moved out, and dropped in place.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut *this.future) };
        let _bound = Bound::new(this.binding.node());
        let polled = future.poll(cx);
        this.is_ready |= polled.is_ready();
        polled
    }
}

impl<F> Drop for Scope<F> {
    fn drop(&mut self) {
        let node = self.binding.node();
        let bound = Bound::new(node);
        // SAFETY: it is dropped here once, where it is pinned, and not used any more.
        unsafe { ManuallyDrop::drop(&mut self.future) };
        drop(bound);
        if self.is_ready {
            // Scopes inside this one have done so before.
            context::with(|context| context.leave_to_output(node));
        }
    }
}

impl<F: FusedFuture> FusedFuture for Scope<F> {
    fn is_terminated(&self) -> bool {
        self.future.is_terminated()
    }
}

impl<F> fmt::Debug for Scope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalKey({})", self.name)
    }
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the task-local `{0}` has no value here: run the code inside `{0}.scope(value, ..)`",
            self.name
        )
    }
}

impl fmt::Debug for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessError({})", self.name)
    }
}

impl std::error::Error for AccessError {}
