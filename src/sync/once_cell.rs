//! A value that is made by whoever first needs it, and awaited by the others.
//!
//! One permit and room for the value. Who has the permit may fill it; when it is filled, the permits are closed, so
//! whoever waits for its turn learns that there is a value. If making it fails, panics or is given up, the permit goes
//! to the next.

use super::Closed;
use super::error::{SetError, TryAcquireError};
use super::once::Once;
use super::permits::{HasPermits, Permits, Turn};
use super::primitive::const_fn;
use filch_executor::leaf::{self, Wait, WaitKind};
use futures_core::FusedFuture;
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A value that is made once, by an async function, when it is first needed.
///
/// If several tasks need it at a time, one of them makes it and the others wait. Should that one fail or be dropped,
/// the next one tries. Reading it afterwards takes no lock.
///
/// ```
/// use filch::sync::OnceCell;
///
/// static ADDRESS: OnceCell<String> = OnceCell::const_new();
///
/// async fn address() -> &'static str {
///     ADDRESS.get_or_init(|| async { String::from("127.0.0.1") }).await
/// }
///
/// # filch::run(async {
/// assert_eq!(address().await, "127.0.0.1");
/// assert_eq!(ADDRESS.get().map(String::as_str), Some("127.0.0.1"));
/// # });
/// ```
pub struct OnceCell<T> {
    /// Invariant: one permit, which its holder may fill `value` with; closed when that is filled.
    permits: Permits,
    value: Once<T>,
}

impl<T> HasPermits for OnceCell<T> {
    #[inline]
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

impl<T> OnceCell<T> {
    const_fn! {
        /// Without a value.
        #[must_use]
        pub const fn new() -> OnceCell<T> {
            OnceCell {
                permits: Permits::new(1),
                value: Once::new(),
            }
        }
    }

    const_fn! {
        /// As [`new`](OnceCell::new): tokio's name for where a constant is wanted.
        #[must_use]
        pub const fn const_new() -> OnceCell<T> {
            OnceCell::new()
        }
    }

    const_fn! {
        /// With a value.
        #[must_use]
        pub const fn const_new_with(value: T) -> OnceCell<T> {
            OnceCell {
                permits: Permits::closed(),
                value: Once::with(value),
            }
        }
    }

    /// With a value, if there is one.
    #[must_use]
    pub fn new_with(value: Option<T>) -> OnceCell<T> {
        value.map_or_else(OnceCell::new, OnceCell::const_new_with)
    }

    /// The value, if it is there.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, if it is there.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Whether it is there.
    #[must_use]
    pub fn initialized(&self) -> bool {
        self.get().is_some()
    }

    /// Sets the value, if there is none.
    ///
    /// # Errors
    /// [`SetError`] with the value, if there is one, or somebody is making it.
    ///
    /// ```
    /// let cell = filch::sync::OnceCell::new();
    /// cell.set(1).unwrap();
    /// assert!(cell.set(2).unwrap_err().is_already_init_err());
    /// ```
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        match self.permits.try_take(1) {
            Ok(()) => {
                Making(self).fill(value);
                Ok(())
            }
            Err(TryAcquireError::NoPermits) => Err(SetError::InitializingError(value)),
            Err(TryAcquireError::Closed) => Err(SetError::AlreadyInitializedError(value)),
        }
    }

    /// The value. If there is none, it is what the future is ready with that `make` returns. That one runs in the
    /// caller's task; whoever else comes meanwhile waits for it.
    ///
    /// # Cancel safety
    /// Dropping the future drops what makes the value, if this one did, and the next one who waits begins anew.
    #[track_caller]
    #[inline]
    pub fn get_or_init<F, Fut>(&self, make: F) -> GetOrInit<'_, T, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        GetOrInit {
            init: Init::new(self, make, Wait::here(WaitKind::Once)),
        }
    }

    /// As [`get_or_init`](OnceCell::get_or_init), of a future that may fail.
    ///
    /// # Errors
    /// That of the future, if it fails. The next one who waits begins anew.
    ///
    /// ```
    /// # filch::run(async {
    /// let cell = filch::sync::OnceCell::new();
    /// assert_eq!(cell.get_or_try_init(|| async { Err("no") }).await, Err("no"));
    /// assert_eq!(cell.get_or_try_init(|| async { Ok::<_, &str>(1) }).await, Ok(&1));
    /// # });
    /// ```
    #[track_caller]
    pub fn get_or_try_init<E, F, Fut>(&self, make: F) -> GetOrTryInit<'_, T, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        GetOrTryInit {
            init: Init::new(self, make, Wait::here(WaitKind::Once)),
        }
    }

    /// The value, when nobody shares the cell any more.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out, and leaves the cell as a new one.
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }
}

/// The right to fill the cell, which goes to the next if this is dropped.
struct Making<'a, T>(&'a OnceCell<T>);

impl<'a, T> Making<'a, T> {
    fn fill(self, value: T) -> &'a T {
        let cell = self.0;
        std::mem::forget(self);
        // SAFETY: the permit says that it may be filled, and by nobody else; it does not come back.
        unsafe { cell.value.fill(value) };
        cell.permits.close();
        cell.get().expect("it is filled")
    }
}

impl<T> Drop for Making<'_, T> {
    fn drop(&mut self) {
        self.0.permits.give_one();
    }
}

pin_project! {
    /// What both futures do. The future that makes the value is dropped before the right to do so goes on.
    struct Init<'a, T, F, Fut> {
        cell: &'a OnceCell<T>,
        make: Option<F>,
        over: bool,
        wait: Wait,
        // Made when there is something to wait for.
        #[pin]
        turn: Option<Turn<&'a OnceCell<T>>>,
        #[pin]
        running: Option<Fut>,
        making: Option<Making<'a, T>>,
    }
}

impl<'a, T, F, Fut> Init<'a, T, F, Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future,
{
    fn new(cell: &'a OnceCell<T>, make: F, wait: Wait) -> Init<'a, T, F, Fut> {
        Init {
            cell,
            make: Some(make),
            over: false,
            wait,
            turn: None,
            running: None,
            making: None,
        }
    }

    #[inline]
    fn poll_value<E>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        made: impl FnOnce(Fut::Output) -> Result<T, E>,
    ) -> Poll<Result<&'a T, E>> {
        if self.making.is_none() {
            ready!(leaf::poll_budget_of(&*self, cx));
            if let (Some(value), false) = (self.cell.get(), self.over) {
                *self.project().over = true;
                return Poll::Ready(Ok(value));
            }
        }
        self.poll_made(cx, made)
    }

    fn poll_made<E>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        made: impl FnOnce(Fut::Output) -> Result<T, E>,
    ) -> Poll<Result<&'a T, E>> {
        if self.making.is_none() {
            if let Some(value) = ready!(self.as_mut().poll_begin(cx)) {
                *self.project().over = true;
                return Poll::Ready(Ok(value));
            }
        }
        let mut this = self.project();
        let running = this.running.as_mut().as_pin_mut();
        let output = ready!(running.expect("somebody makes the value").poll(cx));
        *this.over = true;
        this.running.set(None);
        let making = this.making.take().expect("this is who makes the value");
        Poll::Ready(made(output).map(|value| making.fill(value)))
    }

    /// The value, or the turn to make it, which has begun then.
    fn poll_begin(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<&'a T>> {
        let mut this = self.project();
        let cell: &'a OnceCell<T> = this.cell;
        if this.turn.is_none() {
            this.turn.set(Some(Turn::new(cell, 1, *this.wait)));
        }
        let turn = this.turn.as_mut().as_pin_mut();
        match ready!(turn.expect("it was just made").poll_unbudgeted(cx)) {
            Ok(_) => {
                *this.making = Some(Making(cell));
                let make = this.make.take().expect("it begins once");
                this.running.set(Some(make()));
                Poll::Ready(None)
            }
            Err(Closed) => Poll::Ready(cell.get()),
        }
    }
}

/// The two futures, which differ in what they make of an error.
macro_rules! init {
    ($(#[$meta:meta])* $name:ident [$($error:ident)?] $made:ty => $output:ty, $map:expr, $end:expr) => {
        pin_project! {
            $(#[$meta])*
            #[must_use = "futures do nothing unless awaited"]
            pub struct $name<'a, T, F, Fut> {
                #[pin]
                init: Init<'a, T, F, Fut>,
            }
        }

        impl<'a, T, F, Fut $(, $error)?> Future for $name<'a, T, F, Fut>
        where
            F: FnOnce() -> Fut,
            Fut: Future<Output = $made>,
        {
            type Output = $output;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<$output> {
                self.project().init.poll_value(cx, $map).map($end)
            }
        }

        impl<T, F, Fut $(, $error)?> FusedFuture for $name<'_, T, F, Fut>
        where
            F: FnOnce() -> Fut,
            Fut: Future<Output = $made>,
        {
            fn is_terminated(&self) -> bool {
                self.init.over
            }
        }

        impl<T, F, Fut> fmt::Debug for $name<'_, T, F, Fut> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

init! {
    /// The future of [`OnceCell::get_or_init`].
    GetOrInit [] T => &'a T, Ok::<T, Infallible>, |made| made.unwrap_or_else(|never| match never {})
}
init! {
    /// The future of [`OnceCell::get_or_try_init`].
    GetOrTryInit [E] Result<T, E> => Result<&'a T, E>, |made| made, |made| made
}

impl<T> Default for OnceCell<T> {
    fn default() -> OnceCell<T> {
        OnceCell::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> OnceCell<T> {
        OnceCell::const_new_with(value)
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    fn clone(&self) -> OnceCell<T> {
        OnceCell::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &OnceCell<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell")
            .field("value", &self.get())
            .finish()
    }
}
