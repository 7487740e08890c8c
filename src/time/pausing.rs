//! A clock that stands still, for tests. The clock itself, and when it moves, are the executor's.

pub use filch_executor::{Advance, Hold};
use std::time::Duration;

/// Stops this runtime's clock, so that a test need not wait.
///
/// From now on [`Instant::now`](super::Instant::now) shows the same time on all threads of the runtime. Sleeps, timeouts
/// and intervals wait until the clock is moved: by [`advance`], or by itself. It moves by itself to the next deadline
/// when *everybody is at rest*: every task waits, no closure of [`spawn_blocking`](crate::spawn_blocking) is out, no
/// event has come for a socket, and nobody [holds](hold) the clock. So a program that only sleeps runs through at once,
/// in the order of its deadlines. `#[filch::test(paused)]` starts like this.
///
/// What measures the machine goes on by the system's clock: time slices, warnings of long polls, `join_blocking`, the
/// patience of a runtime's end, a test's own limit.
///
/// What the runtime cannot see does not keep the clock from moving: a peer in another process, or a thread of one's own
/// that is about to send something. [Hold](hold) the clock meanwhile.
///
/// Pausing a clock that is paused does nothing.
///
/// # Panics
///
/// Outside a runtime.
///
/// # Examples
///
/// ```
/// use filch::time::{self, Duration, Instant};
///
/// filch::run(async {
///     time::pause();
///     let start = Instant::now();
///     time::sleep(Duration::from_secs(3600)).await;
///     assert_eq!(start.elapsed(), Duration::from_secs(3600));
/// });
/// ```
#[track_caller]
pub fn pause() {
    filch_executor::pause();
}

/// Lets a paused clock go on from where it stands, at the pace of the system's. Does nothing if it is not paused.
///
/// # Panics
///
/// Outside a runtime.
///
/// # Examples
///
/// ```
/// use filch::time::{self, Duration, Instant};
///
/// filch::run(async {
///     time::pause();
///     let start = Instant::now();
///     time::advance(Duration::from_secs(60)).await;
///     time::resume();
///     time::sleep(Duration::from_millis(1)).await;
///     assert!(start.elapsed() >= Duration::from_millis(60_001));
/// });
/// ```
#[track_caller]
pub fn resume() {
    filch_executor::resume();
}

/// Moves a paused clock on by `duration`, and waits until everybody is at rest again: what became due by that has then
/// been done, as far as it can be. Nothing happens before the future is polled.
///
/// The deadlines that are passed are not seen one after the other: when a task runs for one, the clock is at its new
/// place already. To stop at each, sleep.
///
/// Holds and closures that are out do not keep it from moving the clock, nor from returning.
///
/// If a task is never at rest, as one that yields again and again until this one goes on, it waits for ever.
///
/// # Panics
///
/// Outside a runtime; and at its first poll, if the clock is not paused.
///
/// # Cancel safety
///
/// Once it was polled the clock has moved. Dropping it then gives up the wait only.
///
/// # Examples
///
/// ```
/// use filch::time::{self, Duration};
///
/// filch::run(async {
///     time::pause();
///     let hold = time::hold();
///     let job = filch::spawn(time::sleep(Duration::from_secs(60)));
///     time::advance(Duration::from_secs(59)).await;
///     assert!(!job.is_finished());
///     time::advance(Duration::from_secs(1)).await;
///     assert!(job.is_finished());
///     drop(hold);
/// });
/// ```
#[track_caller]
pub fn advance(duration: Duration) -> Advance {
    filch_executor::advance(duration)
}

/// Keeps this runtime's clock from moving by itself while it is paused, until the guard is dropped: for what the
/// runtime cannot see, as a peer outside or a thread of one's own. [`advance`] still moves it. Elsewhere, a
/// [`Handle::hold_clock`](crate::Handle::hold_clock) does the same.
///
/// Lookups of host names hold it themselves, and so do closures of [`spawn_blocking`](crate::spawn_blocking).
///
/// # Panics
///
/// Outside a runtime.
///
/// # Examples
///
/// ```
/// use filch::time::{self, Duration};
///
/// filch::run(async {
///     time::pause();
///     let (sender, receiver) = filch::sync::oneshot::channel();
///     let hold = time::hold();
///     let thread = std::thread::spawn(move || {
///         sender.send("from outside").unwrap();
///         drop(hold);
///     });
///     // Without the hold, this would be over at once.
///     let answer = time::timeout(Duration::from_secs(5), receiver).await;
///     assert_eq!(answer, Ok(Ok("from outside")));
///     thread.join().unwrap();
/// });
/// ```
#[track_caller]
pub fn hold() -> Hold {
    filch_executor::hold()
}
