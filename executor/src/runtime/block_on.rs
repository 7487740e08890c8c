//! Futures that run on the calling thread: `block_on`, and waiting for a root task as a worker.

use crate::leaf::{self, Drain};
use crate::registry::delay::Return;
use crate::seats::context::{self, Role};
use crate::seats::core::Core;
use crate::seats::guests::Guest;
use crate::seats::scope;
use crate::seats::shared::Shared;
use crate::sys::Prompt;
use crate::task::JoinError;
use crate::worker::Worker;
use filch_timer::system_now;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release, SeqCst};
use std::sync::atomic::{AtomicBool, fence};
use std::task::{Context, Poll, Wake, Waker};

/// Why a runtime is no more while somebody still runs a future on it.
pub(crate) const UNHANDLED: &str = "the filch runtime was shut down; an unhandled panic of a task \
    does that under the policy `UnhandledPanic::ShutdownRuntime`";

/// The future of a `block_on`, and what scopes in it have left behind. It is over when both are.
pub(super) struct Body<'a, F: Future> {
    future: Pin<&'a mut Option<F>>,
    output: Option<F::Output>,
    drain: Drain,
}

impl<'a, F: Future> Body<'a, F> {
    pub(super) fn new(future: Pin<&'a mut Option<F>>) -> Body<'a, F> {
        Body {
            future,
            output: None,
            drain: Drain::new(),
        }
    }

    /// A turn of its own, as a task's poll is one.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Body {
            future,
            output,
            drain,
        } = self;
        context::with(context::Context::begin_turn);
        if let Some(running) = future.as_mut().as_pin_mut() {
            if let Poll::Ready(value) = drain.catch(|| running.poll(cx)) {
                *output = Some(value);
                drain.catch(|| future.set(None));
            }
        }
        let fail = |failure| leaf::unreported(&failure);
        match output.take_if(|_| drain.poll_with(cx, fail).is_ready()) {
            Some(value) => Poll::Ready(value),
            None => Poll::Pending,
        }
    }
}

impl Shared {
    /// Polls a future on this thread until it is ready, and what scopes in it left behind is gone. What it spawns,
    /// workers run.
    ///
    /// # Panics
    /// Inside a task or another `block_on`, on a local runtime also inside `blocking` of one of its tasks, and when the
    /// runtime was shut down by an unhandled panic.
    #[track_caller]
    pub(crate) fn block_on<F: Future>(self: &Arc<Shared>, future: F) -> F::Output {
        context::assert_may_block("block_on");
        let own = Arc::as_ptr(self);
        assert!(
            !(self.config.local && context::with(|context| context.works_for(own))),
            "block_on was called inside a task of a LocalRuntime on that same runtime, whose one thread \
             it would block. Use `.await` there"
        );
        // A local runtime's thread takes tasks from nowhere but its own queue and the injector.
        let guest = if self.config.local {
            None
        } else {
            self.guests.enter()
        };
        let seat = guest.as_ref().and_then(Guest::seat);
        let _entered = scope::enter(self, Role::BlockOn, None, seat);
        self.poll_until_ready(pin!(Some(future)))
    }

    #[track_caller]
    fn poll_until_ready<F: Future>(&self, future: Pin<&mut Option<F>>) -> F::Output {
        let caller = self.callers.enter();
        let waker = Waker::from(Arc::clone(&caller.parker));
        let mut cx = Context::from_waker(&waker);
        let mut body = Body::new(future);
        loop {
            self.leave_rest();
            if let Poll::Ready(output) = body.poll(&mut cx) {
                return output;
            }
            if self.callers.has_failed() {
                panic!("block_on will not end: {UNHANDLED}");
            }
            self.callers.count_park();
            if self.clock.is_stopped() {
                self.wake_keeper();
            }
            caller.parker.park_until(None);
        }
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
        // Spawned by a worker, if this thread can be one at once: then nobody else need come for it.
        let at = std::panic::Location::caller();
        let seat = self.seats.try_take();
        let mut root = match &seat {
            Some(core) => {
                let _entered = scope::enter(self, Role::Worker, Some(core), None);
                self.spawn(future, None, at)
            }
            None => self.spawn(future, None, at),
        };
        let stop = Arc::new(Stop {
            done: AtomicBool::new(false),
            call: Return::new(),
            shared: Arc::clone(self),
        });
        let waker = Waker::from(Arc::clone(&stop));
        // Not polled as a future, which would be a matter of this thread's budget.
        let output = root.take_or_register(&waker);
        if output.is_some() {
            stop.done.store(true, Release);
        }
        self.work_until(&stop, seat);
        self.returns.end(&stop.call);
        let output = output.or_else(|| root.take_or_register(&waker));
        let output = output.expect("the root task's waker is called at its end");
        output.unwrap_or_else(|error| resume(error))
    }

    /// Works a seat until `done`: the one that it has, or the next that becomes vacant. Without a seat to
    /// be had, just waits.
    fn work_until(self: &Arc<Shared>, stop: &Stop, mut seat: Option<Core>) {
        let _prompt = Prompt::start();
        let done = &stop.done;
        let ask = || self.notify_poller();
        // A seat that it has is worked even if that is only to give it up in good order.
        while seat.is_some() || !done.load(Acquire) {
            let claim = || self.seats.claim(ask, || done.load(Acquire));
            let Some(core) = seat.take().or_else(claim) else {
                // Shutdown, or done: the workers see to the end of the root task.
                self.wait_for(done);
                return;
            };
            stop.call.set_seat(core.index);
            let entered = scope::enter(self, Role::Worker, Some(&core), None);
            Worker::new(self, &core, Some(done)).run();
            drop(entered);
            self.seats.vacate(core);
            // What is left is for others; perhaps for a thread that is still to be started. Whoever published a
            // task after this fence sees that a seat is vacant.
            fence(SeqCst); // [vacated], pairs with [idle-pub]
            if self.has_work() {
                self.notify_one();
            }
        }
    }

    fn wait_for(&self, done: &AtomicBool) {
        self.bell.wait_until(|| done.load(Acquire), None);
    }
}

/// The root task did not give an output: its panic goes on here.
fn resume(error: JoinError) -> ! {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => panic!("the root future was cancelled ({error}): {UNHANDLED}"),
    }
}

/// The root task's join waker: ends the loop of the worker that waits for it.
struct Stop {
    done: AtomicBool,
    /// What is said if that worker is inside another task's poll, and does not end.
    call: Arc<Return>,
    shared: Arc<Shared>,
}

impl Wake for Stop {
    fn wake(self: Arc<Stop>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Stop>) {
        self.shared.returns.begin(&self.call, system_now());
        self.done.store(true, Release);
        // The one that waits holds some seat, or waits for one, or for the shutdown.
        self.shared.unpark_all();
        self.shared.seats.wake_callers();
        self.shared.bell.ring();
    }
}
