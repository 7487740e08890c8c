//! The tokio runtime beside this one, as users see it.

use crate::foreign;
use crate::leaf::{self, Remains, Wait, WaitKind};
use crate::runtime::handle::Handle;
use crate::runtime::tasks;
use crate::{CleanupError, JoinHandle};
use std::fmt::{self, Write};
use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The handle of the tokio runtime beside this one, for what tokio's own functions take.
///
/// In a task it is also what `tokio::runtime::Handle::current()` gives.
///
/// ```
/// # extern crate filch_executor as filch;
/// let rt = filch::Runtime::builder().tokio(true).build()?;
/// let sum = rt.block_on(async { filch::guest::handle().spawn(async { 1 + 2 }).await });
/// assert_eq!(sum.unwrap(), 3);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
/// Outside of a runtime, and in one that was built without [`tokio`](crate::Builder::tokio).
#[must_use]
#[track_caller]
pub fn handle() -> tokio::runtime::Handle {
    let runtime = Handle::current();
    match runtime.tokio() {
        Some(handle) => handle.clone(),
        None => panic!(
            "this runtime has no tokio runtime beside it: start it by #[filch::main(tokio)], or with \
             Builder::tokio(true)"
        ),
    }
}

/// Runs a whole future on the tokio runtime beside this one, as `tokio::spawn` does. The handle is this runtime's.
///
/// For jobs that do many operations on tokio's sockets: on its own thread each takes as many switches between threads
/// as with tokio alone, and one at a time from a task here takes two more. That thread is watched by nobody: do not
/// compute in it.
///
/// When the handle is aborted, or this runtime ends, so is the future, on tokio's thread. Whoever awaits the handle
/// sees it cancelled when the future is gone. A dump says that the task waits for one of tokio's, and where that was
/// spawned.
///
/// ```
/// # extern crate filch_executor as filch;
/// let rt = filch::Runtime::builder().tokio(true).build()?;
/// let name = rt.block_on(async {
///     filch::guest::spawn(async {
///         tokio::time::sleep(std::time::Duration::from_millis(1)).await;
///         std::thread::current().name().map(str::to_owned)
///     })
///     .await
/// });
/// assert_eq!(name.unwrap().as_deref(), Some("filch-tokio"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
/// As [`handle`]. A panic of the future is in the handle's `JoinError`.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tasks::spawn(Awaited(Some(OnTokio {
        task: handle().spawn(future),
        number: 0,
        at: Location::caller(),
    })))
}

/// A task of tokio's, and what to tell of who waits for it.
struct OnTokio<T> {
    task: tokio::task::JoinHandle<T>,
    /// What tokio calls it, from the first wait on.
    number: u64,
    at: &'static Location<'static>,
}

impl<T> OnTokio<T> {
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, tokio::task::JoinError>> {
        let polled = Pin::new(&mut self.task).poll(cx);
        if polled.is_pending() {
            if self.number == 0 {
                self.number = number(self.task.id());
            }
            leaf::record(Wait {
                kind: WaitKind::Guest,
                resource: self.number,
                at: self.at,
            });
        }
        polled
    }
}

/// tokio shows it, and has no method that gives it.
fn number(id: tokio::task::Id) -> u64 {
    struct Digits(u64);
    impl fmt::Write for Digits {
        fn write_str(&mut self, digits: &str) -> fmt::Result {
            let value = |number: u64, digit: u8| {
                number.wrapping_mul(10).wrapping_add((digit - b'0').into())
            };
            self.0 = digits
                .bytes()
                .filter(u8::is_ascii_digit)
                .fold(self.0, value);
            Ok(())
        }
    }
    let mut digits = Digits(0);
    let _ = write!(digits, "{id}");
    digits.0
}

/// The task here that stands for one of tokio's. Dropped before that has ended, it aborts it, and is not complete
/// before it is gone.
struct Awaited<T: Send + 'static>(Option<OnTokio<T>>);

impl<T: Send + 'static> Future for Awaited<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        ready!(leaf::poll_budget(cx));
        let Some(there) = &mut self.0 else {
            return Poll::Pending;
        };
        let end = ready!(there.poll_end(cx));
        self.0 = None;
        match end {
            Ok(output) => Poll::Ready(output),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                // Its runtime has ended, and with it this one: the task is about to be dropped.
                Err(_) => Poll::Pending,
            },
        }
    }
}

impl<T: Send + 'static> Drop for Awaited<T> {
    fn drop(&mut self) {
        if let Some(there) = self.0.take() {
            there.task.abort();
            leaf::hand_over(Box::new(there));
        }
    }
}

impl<T: Send> Remains for OnTokio<T> {
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Option<CleanupError>> {
        // It may have been faster than the abort: an output that nobody wants, or a panic, of which tokio's thread has
        // told.
        foreign::discard(ready!(self.poll_end(cx)));
        Poll::Ready(None)
    }

    fn is_gone(&self) -> bool {
        self.task.is_finished()
    }
}
