//! Sleeping, ticking and giving up: on a runtime, in tasks and outside, and on a local runtime.
//!
//! "Never early" is asserted to the nanosecond. That something is not too late is asserted only by its happening at
//! all, within a limit that no machine is too busy for.

mod deadline;
mod interval;
mod paused;
mod sleep;
mod timeout;

use std::future::{Future, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use filch::time::{
    Elapsed, FutureExt, Instant, Interval, MissedTick, Sleep, Timeout, interval, interval_at,
    sleep, sleep_until, timeout, timeout_at,
};
use filch::{LocalRuntime, Runtime};

/// How long anything may take before it counts as hung.
const LIMIT: Duration = Duration::from_secs(60);

/// Longer than any test runs.
const HOUR: Duration = Duration::from_secs(3600);

const MILLI: Duration = Duration::from_millis(1);

fn runtime() -> Runtime {
    Runtime::builder().workers(2).build().unwrap()
}

/// Runs `test` on a thread of its own and fails if it hangs.
fn limited<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waiting) = mpsc::channel();
    let thread = std::thread::spawn(move || drop(done.send(test())));
    match waiting.recv_timeout(LIMIT) {
        Ok(output) => output,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the test hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().unwrap_err())
        }
    }
}

/// Runs a future in a task, in `block_on` and on a local runtime.
fn everywhere<F: Future<Output = ()> + Send + 'static>(
    future: impl Fn() -> F + Send + Sync + 'static,
) {
    limited(move || {
        let runtime = runtime();
        runtime
            .spawn(future())
            .join_blocking(Some(LIMIT))
            .unwrap()
            .unwrap();
        runtime.block_on(future());
        drop(runtime);
        LocalRuntime::new().unwrap().block_on(future());
    });
}

/// Polls a future once, with the waker of the task that this runs in.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn is_pending<F: Future + Unpin>(future: &mut F, waker: &Waker) -> bool {
    Pin::new(future)
        .poll(&mut Context::from_waker(waker))
        .is_pending()
}

#[test]
fn the_futures_may_go_to_any_thread() {
    fn may_go<T: Send + Sync>() {}
    may_go::<Sleep>();
    may_go::<Interval>();
    may_go::<filch::time::future::Tick<'_>>();
    may_go::<Timeout<Sleep>>();
    may_go::<Elapsed>();
}
