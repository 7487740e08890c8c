//! The tokio runtime beside this one, as users see it.

use crate::JoinHandle;
use crate::leaf;
use crate::runtime::handle::Handle;
use crate::runtime::tasks;
use std::future::Future;
use std::panic::resume_unwind;
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
/// When the handle is aborted, or this runtime ends, so is the future, on tokio's thread, soon after.
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
    tasks::spawn(OnTokio(handle().spawn(future)))
}

/// A task of tokio's, which is aborted when this is dropped.
struct OnTokio<T>(tokio::task::JoinHandle<T>);

impl<T> Future for OnTokio<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        ready!(leaf::poll_budget(cx));
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(output) => Poll::Ready(output),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                // Its runtime has ended, and with it this one: the task is about to be dropped.
                Err(_) => Poll::Pending,
            },
        }
    }
}

impl<T> Drop for OnTokio<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
