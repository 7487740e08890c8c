//! Futures that run on the calling thread: `block_on`, and waiting for a root task as a worker.

use crate::context::{self, Role};
use crate::parker::ThreadParker;
use crate::shared::Shared;
use crate::task::JoinError;
use crate::worker::Worker;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::task::{Context, Poll, Wake, Waker};

impl Shared {
    /// Polls a future on this thread until it is ready. What it spawns, workers run.
    ///
    /// # Panics
    /// Inside a task or another `block_on`, and when the runtime was shut down by an unhandled
    /// panic.
    #[track_caller]
    pub(crate) fn block_on<F: Future>(self: &Arc<Shared>, future: F) -> F::Output {
        context::assert_may_block("block_on");
        let guest = self.guests.enter();
        let output = {
            let queue = guest.as_ref().map(|(_, queue)| queue);
            let _entered = context::enter(self, Role::BlockOn, None, queue);
            poll_until_ready(pin!(future))
        };
        if let Some((place, queue)) = guest {
            self.guests.leave(place, queue);
        }
        output
    }

    /// Runs a future as a task, while this thread is one of the workers.
    ///
    /// # Panics
    /// As `block_on`, and with the future's own panic.
    #[track_caller]
    pub(crate) fn run<F>(self: &Arc<Shared>, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        context::assert_may_block("run");
        let mut root = self.spawn(future, None, std::panic::Location::caller());
        let stop = Arc::new(Stop { done: AtomicBool::new(false), shared: Arc::clone(self) });
        let waker = Waker::from(Arc::clone(&stop));
        let cx = &mut Context::from_waker(&waker);
        let output = match Pin::new(&mut root).poll(cx) {
            Poll::Ready(output) => output,
            Poll::Pending => {
                self.work_until(&stop.done);
                match Pin::new(&mut root).poll(cx) {
                    Poll::Ready(output) => output,
                    Poll::Pending => unreachable!("the root task's waker was called before its end"),
                }
            }
        };
        output.unwrap_or_else(|error| resume(error))
    }

    /// Takes a seat and works it until `done`. Without a seat to be had, just waits.
    fn work_until(self: &Arc<Shared>, done: &AtomicBool) {
        let ask = || self.notify_poller();
        while !done.load(Acquire) {
            let Some(core) = self.seats.claim(ask, || done.load(Acquire)) else {
                // Shutdown, or done: the workers see to the end of the root task.
                self.wait_for(done);
                return;
            };
            let entered = context::enter(self, Role::Worker, Some(&core), None);
            Worker::new(self, &core, Some(done)).run();
            drop(entered);
            self.seats.vacate(core);
        }
    }

    fn wait_for(&self, done: &AtomicBool) {
        let mut guard = self.drained.0.lock();
        while !done.load(Acquire) {
            self.drained.1.wait(&mut guard);
        }
    }
}

fn poll_until_ready<F: Future>(mut future: Pin<&mut F>) -> F::Output {
    let parker = Arc::new(ThreadParker::new());
    let waker = Waker::from(Arc::clone(&parker));
    let mut cx = Context::from_waker(&waker);
    loop {
        context::with(context::Context::reset_budget);
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        parker.park_until(None);
    }
}

/// The root task did not give an output: its panic goes on here.
fn resume(error: JoinError) -> ! {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => panic!(
            "the root future was cancelled because its filch runtime was shut down ({error}); an \
             unhandled panic of a task may have done that, see `Builder::on_unhandled_panic`"
        ),
    }
}

/// The root task's join waker: ends the loop of the worker that waits for it.
struct Stop {
    done: AtomicBool,
    shared: Arc<Shared>,
}

impl Wake for Stop {
    fn wake(self: Arc<Stop>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Stop>) {
        self.done.store(true, Release);
        // The one that waits holds some seat, or waits for one, or for the shutdown.
        self.shared.unpark_all();
        self.shared.seats.wake_callers();
        drop(self.shared.drained.0.lock());
        self.shared.drained.1.notify_all();
    }
}
