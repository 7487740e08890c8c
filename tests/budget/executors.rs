//! Other libraries' executors, as far as filch can tell: somebody who polls, again and again, wherever it is.

use filch::Handle;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// What is driven.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Somebody who drives a future to its end on the calling thread.
pub(crate) type Drive = fn(Work);

/// All that are at hand here, each with its name; those of other crates are tried in the member `works-with`.
pub(crate) const FOREIGN: &[(&str, Drive)] = &[
    ("one that parks its thread", |work| park(work)),
    ("one that polls without being woken", spin),
    ("one that goes on within one poll", within_one_poll),
    ("one that polls what was woken, of several", unordered),
];

/// filch's own, where a thread may block.
pub(crate) fn own(handle: &Handle) -> impl Fn(Work) + use<> {
    let handle = handle.clone();
    move |work| handle.block_on(work)
}

struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// What `futures`, `pollster` and `futures-lite` do.
pub(crate) fn park<F: Future>(work: F) -> F::Output {
    let unpark = Arc::new(Unpark {
        thread: thread::current(),
        woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&unpark));
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(output) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        while !unpark.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

fn spin(mut work: Work) {
    let mut cx = Context::from_waker(Waker::noop());
    while work.as_mut().poll(&mut cx).is_pending() {
        thread::yield_now();
    }
}

fn within_one_poll(mut work: Work) {
    park(poll_fn(|cx| {
        while work.as_mut().poll(cx).is_pending() {
            thread::yield_now();
        }
        Poll::Ready(())
    }));
}

fn unordered(work: Work) {
    let mut all: FuturesUnordered<Work> = (0..40)
        .map(|_| Box::pin(filch::task::yield_now()) as Work)
        .collect();
    all.push(work);
    park(async { while all.next().await.is_some() {} });
}
