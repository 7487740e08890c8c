//! The `blocking_*` methods: a thread that is not async waits as a task would, with a waker of its own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// A thread that waits.
struct Sleeper {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Sleeper>) {
        self.wake_by_ref();
    }

    /// Orderings: Release brings what the waker's thread wrote to the waiter.
    fn wake_by_ref(self: &Arc<Sleeper>) {
        self.woken.store(true, Release);
        self.thread.unpark();
    }
}

impl Sleeper {
    /// Orderings: Acquire pairs with the Release above. The flag stays if somebody else uses up the thread's token, as
    /// the poll in between may.
    fn sleep(&self) {
        while !self.woken.swap(false, Acquire) {
            thread::park();
        }
    }
}

/// Polls until it is ready. On a worker, others go on meanwhile as with [`filch_executor::blocking`].
///
/// `poll` must not go through the budget of the task that is being blocked: there is no next poll that would renew it.
pub(super) fn wait<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let sleeper = Arc::new(Sleeper {
        thread: thread::current(),
        woken: AtomicBool::new(false),
    });
    let waker = Waker::from(sleeper.clone());
    let mut cx = Context::from_waker(&waker);
    if let Poll::Ready(done) = poll(&mut cx) {
        return done;
    }
    filch_executor::blocking(|| {
        loop {
            sleeper.sleep();
            if let Poll::Ready(done) = poll(&mut cx) {
                return done;
            }
        }
    })
}
