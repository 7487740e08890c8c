//! What the expansions of filch's macros call: `filch::__private`.
//!
//! Public because it is named from the user's crate, hidden because nobody writes these names by hand; nothing here is
//! covered by version numbers. `#[filch::main]` calls [`main`], [`main_reported`] or [`main_local`], `#[filch::test]`
//! calls [`test`], [`test_reported`] or [`test_local`]; the rest serves the structure macros.
//!
//! rustc shows the line of a bound that is not met, so the lines of such bounds say what to do.

use std::future::Future;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::process::{ExitCode, Termination, exit};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use filch_executor::{Builder, Handle, JoinError, Leftover, LocalRuntime, Runtime, TaskBuilder};

pub use crate::structure::expansion::*;
use crate::task::dump;

/// How long the threads of a test that hangs may take to stop.
const GRACE: Duration = Duration::from_secs(1);

/// How a test process ends that cannot go on: as the test harness itself does after a failure.
const FAILED: i32 = 101;

/// Runs `#[filch::main]`'s body as the root task of a new runtime; what is left in the end is cancelled and waited for,
/// at most for `limit`.
#[track_caller]
pub fn main<F>(builder: Builder, limit: Option<Duration>, body: F) -> F::Output
where
    F: Future + Send + 'static, // To run what is not `Send`: #[filch::main(local)], or Runtime::block_on(..).
    F::Output: Send + 'static,  // Only `main` itself may return what is not `Send`.
{
    let runtime = started(builder.build());
    match limit {
        None => runtime.run(body),
        Some(limit) => Ending::within(limit, runtime).output_of(body),
    }
}

/// As [`main`], for a body whose output ends the process: it is reported in the task, and need not be `Send`.
#[track_caller]
pub fn main_reported<F>(builder: Builder, limit: Option<Duration>, body: F) -> ExitCode
where
    F: Future + Send + 'static, // To run what is not `Send`: #[filch::main(local)], or Runtime::block_on(..).
    F::Output: Termination,
{
    main(builder, limit, async move { body.await.report() })
}

/// Ends `main`'s runtime when it is dropped, also by a panic of the body, and leaves behind what takes too long.
struct Ending<R: Ends> {
    /// There until it ends.
    runtime: Option<R>,
    limit: Duration,
}

/// A runtime whose end has a limit.
trait Ends {
    fn end_within(self, limit: Duration) -> Leftover;
}

impl Ends for Runtime {
    fn end_within(self, limit: Duration) -> Leftover {
        self.shutdown_timeout(limit)
    }
}

impl Ends for LocalRuntime {
    fn end_within(self, limit: Duration) -> Leftover {
        self.shutdown_timeout(limit)
    }
}

impl<R: Ends> Ending<R> {
    fn within(limit: Duration, runtime: R) -> Ending<R> {
        Ending {
            runtime: Some(runtime),
            limit,
        }
    }

    fn runtime(&self) -> &R {
        self.runtime.as_ref().expect("it has not ended")
    }
}

impl Ending<Runtime> {
    /// Runs the body on the workers. The calling thread is none of them, as it could not leave a task that goes on.
    #[track_caller]
    fn output_of<F>(&self, body: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.runtime().spawn(body).join_blocking(None) {
            Ok(output) => output_of("`main`", output),
            Err(_) => unreachable!("without a timeout it is waited for"),
        }
    }
}

impl<R: Ends> Drop for Ending<R> {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        let limit = self.limit;
        let leftover = runtime.end_within(limit);
        if !leftover.is_empty() {
            // If it cannot be said, nobody is there to be told.
            let _ = writeln!(
                io::stderr(),
                "filch: `main` has ended, but its runtime has not after {limit:?} more, and is left behind: {leftover}"
            );
        }
    }
}

/// Runs `#[filch::main(local)]`'s body on the calling thread; closures that are left in the end are waited for at most
/// for `limit`.
#[track_caller]
pub fn main_local<F: Future>(builder: Builder, limit: Option<Duration>, body: F) -> F::Output {
    let runtime = started(builder.build_local());
    match limit {
        None => runtime.block_on(body),
        Some(limit) => Ending::within(limit, runtime).runtime().block_on(body),
    }
}

/// Runs `#[filch::test]`'s body as a task, and fails with a dump of the tasks if it has not ended after `timeout`.
#[track_caller]
pub fn test<F>(name: &str, builder: Builder, timeout: Duration, body: F) -> F::Output
where
    F: Future + Send + 'static, // To test what is not `Send`: #[filch::test(local)].
    F::Output: Send + 'static,
{
    let runtime = started(builder.build());
    let handle = runtime.handle();
    let body = TaskBuilder::new().name(name).spawn_on(&handle, body);
    let Ok(output) = body.join_blocking(Some(timeout)) else {
        let tasks = dump(&handle.tasks());
        runtime.shutdown_timeout(GRACE);
        panic!("test `{name}` has not ended after {timeout:?}; {tasks}");
    };
    let leftover = runtime.shutdown_timeout(timeout);
    // A body that panicked says more than what it left behind.
    let output = output_of(&format!("test `{name}`"), output);
    assert!(
        leftover.is_empty(),
        "test `{name}` has ended, but its runtime has not after {timeout:?} more: {leftover}"
    );
    output
}

/// As [`test`], for a body whose output says how the test went: it is reported in the task, and need not be `Send`.
#[track_caller]
pub fn test_reported<F>(name: &str, builder: Builder, timeout: Duration, body: F) -> ExitCode
where
    F: Future + Send + 'static, // To test what is not `Send`: #[filch::test(local)].
    F::Output: Termination,
{
    test(name, builder, timeout, async move { body.await.report() })
}

/// Runs `#[filch::test(local)]`'s body as a task on the calling thread. Nothing can take that thread away from a body
/// that hangs, so a second thread ends the process after `timeout`.
#[track_caller]
pub fn test_local<F>(name: &str, builder: Builder, timeout: Duration, body: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    let runtime = started(builder.build_local());
    let handle = runtime.handle();
    let body = runtime.spawn_local(body);
    let (ended, watched) = channel::<()>();
    let output = thread::scope(|scope| {
        scope.spawn(move || watch(name, timeout, &watched, &handle));
        // The watching thread waits for the drop of this end, which comes after the runtime's.
        let _ended = ended;
        let runtime = runtime;
        runtime.block_on(body)
    });
    output_of(&format!("test `{name}`"), output)
}

/// Waits until the test has ended; if that takes too long, says what it is doing and ends the process.
fn watch(name: &str, timeout: Duration, ended: &Receiver<()>, handle: &Handle) {
    if ended.recv_timeout(timeout) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let tasks = dump(&handle.tasks());
    let text = format!(
        "test `{name}` has not ended after {timeout:?}; {tasks}\n\
         A `local` test runs on its own thread, which cannot be stopped: this ends the whole test process.\n"
    );
    // Written past the harness's capture, which would be lost with the process. If even that fails, the exit code still
    // tells.
    let _ = io::stderr().write_all(text.as_bytes());
    exit(FAILED);
}

/// What the body gave; its panic becomes the caller's.
#[track_caller]
fn output_of<T>(name: &str, output: Result<T, JoinError>) -> T {
    match output.map_err(JoinError::try_into_panic) {
        Ok(output) => output,
        Err(Ok(panic)) => resume_unwind(panic),
        Err(Err(error)) => panic!("{name} has no output: {error}"),
    }
}

#[track_caller]
fn started<R>(runtime: io::Result<R>) -> R {
    match runtime {
        Ok(runtime) => runtime,
        Err(error) => panic!("the filch runtime could not be started: {error}"),
    }
}
