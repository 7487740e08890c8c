//! A value that somebody sets, and that all others wait for: an [`Event`] and room for the value.

use super::error::SetOnceError;
use super::event::{Event, WaitSet};
use super::once::Once;
use super::primitive::const_fn;
use filch_executor::leaf::{Wait, WaitKind};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A value that is set once, and that any number of tasks wait for.
///
/// A [`OnceCell`](super::OnceCell) is filled by whoever first needs it; this is filled by somebody else.
///
/// ```
/// use filch::sync::SetOnce;
/// use std::sync::Arc;
///
/// # filch::run(async {
/// let address = Arc::new(SetOnce::new());
/// let theirs = address.clone();
/// let task = filch::spawn(async move { *theirs.wait().await });
/// address.set(7).unwrap();
/// assert_eq!(task.await.unwrap(), 7);
/// assert!(address.set(8).is_err());
/// # });
/// ```
pub struct SetOnce<T> {
    /// Set when `value` is filled, under its lock.
    event: Event,
    value: Once<T>,
}

impl<T> SetOnce<T> {
    const_fn! {
        /// Without a value.
        #[must_use]
        pub const fn new() -> SetOnce<T> {
            SetOnce {
                event: Event::new(),
                value: Once::new(),
            }
        }
    }

    const_fn! {
        /// As [`new`](SetOnce::new): tokio's name for where a constant is wanted.
        #[must_use]
        pub const fn const_new() -> SetOnce<T> {
            SetOnce::new()
        }
    }

    /// With a value, if there is one.
    #[must_use]
    pub fn new_with(value: Option<T>) -> SetOnce<T> {
        value.map_or_else(SetOnce::new, SetOnce::from)
    }

    /// Sets the value, and lets all go on that wait for it.
    ///
    /// # Errors
    /// The value, if there is one already.
    pub fn set(&self, value: T) -> Result<(), SetOnceError<T>> {
        let mut value = Some(value);
        self.event.set_with(|| {
            if let Some(value) = value.take() {
                // SAFETY: under the event's lock, once: the event is set only with the value.
                unsafe { self.value.fill(value) };
            }
        });
        value.map_or(Ok(()), |value| Err(SetOnceError(value)))
    }

    /// The value, if it is set.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Whether it is set.
    #[must_use]
    pub fn initialized(&self) -> bool {
        self.get().is_some()
    }

    /// The value, if it was set and nobody shares this any more.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Waits for the value.
    ///
    /// # Cancel safety
    /// It holds nothing.
    #[track_caller]
    pub fn wait(&self) -> WaitValue<'_, T> {
        WaitValue {
            of: self,
            set: self.event.wait_as(Wait::here(WaitKind::Once)),
        }
    }

    /// Waits for the value on a thread that is not async. In a task it blocks that task and whatever is joined with it.
    #[track_caller]
    pub fn blocking_wait(&self) -> &T {
        self.event.wait_as(Wait::here(WaitKind::Once)).block();
        self.get().expect("it is set")
    }
}

impl<T> Default for SetOnce<T> {
    fn default() -> SetOnce<T> {
        SetOnce::new()
    }
}

impl<T> From<T> for SetOnce<T> {
    fn from(value: T) -> SetOnce<T> {
        let event = Event::new();
        event.set();
        SetOnce {
            event,
            value: Once::with(value),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for SetOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetOnce")
            .field("value", &self.get())
            .finish()
    }
}

impl<T: Clone> Clone for SetOnce<T> {
    fn clone(&self) -> SetOnce<T> {
        SetOnce::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for SetOnce<T> {
    fn eq(&self, other: &SetOnce<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for SetOnce<T> {}

pin_project! {
    /// The future of [`SetOnce::wait`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct WaitValue<'a, T> {
        of: &'a SetOnce<T>,
        #[pin]
        set: WaitSet<'a>,
    }
}

impl<'a, T> Future for WaitValue<'a, T> {
    type Output = &'a T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'a T> {
        let this = self.project();
        let value = |()| this.of.get().expect("it is set");
        this.set.poll(cx).map(value)
    }
}

impl<T> FusedFuture for WaitValue<'_, T> {
    fn is_terminated(&self) -> bool {
        self.set.is_terminated()
    }
}

impl<T> fmt::Debug for WaitValue<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitValue").finish_non_exhaustive()
    }
}
