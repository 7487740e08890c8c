//! `filch::run`: a runtime for one future.

use filch_executor::Runtime;
use std::future::Future;

/// Runs a future to its end on a runtime with defaults, as Python's `asyncio.run`.
///
/// The future runs as a task, and the calling thread is one of the workers meanwhile. When it is ready,
/// the tasks that are left are cancelled and waited for. `#[filch::main]` is this.
///
/// # Panics
/// If the runtime cannot be started (the message says why; [`Runtime::new`] returns it instead), inside
/// another runtime's task, and with the future's own panic.
///
/// ```
/// let answer = filch::run(async {
///     let half = filch::spawn(async { 21 });
///     half.await.unwrap() * 2
/// });
/// assert_eq!(answer, 42);
/// ```
#[track_caller]
pub fn run<F>(future: F) -> F::Output
where
    F: Future + Send + 'static, // To run what is not `Send`: `Runtime::block_on` or `LocalRuntime`.
    F::Output: Send + 'static,
{
    crate::__private::main(Runtime::builder(), None, future)
}
