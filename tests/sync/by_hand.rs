//! A future that the test polls itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A future with a waker that remembers whether it was called.
pub(crate) struct ByHand<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
    woken: Arc<Flag>,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Flag>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<'a, T> ByHand<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'a) -> ByHand<'a, T> {
        ByHand {
            future: Box::pin(future),
            woken: Arc::default(),
        }
    }

    /// The same, and polled for the first time, which has to leave it waiting.
    #[track_caller]
    pub(crate) fn waiting(future: impl Future<Output = T> + Send + 'a) -> ByHand<'a, T> {
        let mut waiting = ByHand::new(future);
        assert!(waiting.poll().is_pending(), "it does not wait");
        waiting
    }

    pub(crate) fn poll(&mut self) -> Poll<T> {
        self.poll_with(&Waker::from(self.woken.clone()))
    }

    /// The same with another waker.
    pub(crate) fn poll_with(&mut self, waker: &Waker) -> Poll<T> {
        self.future.as_mut().poll(&mut Context::from_waker(waker))
    }

    /// Whether it was woken since the last question.
    pub(crate) fn woken(&self) -> bool {
        self.woken.0.swap(false, Ordering::SeqCst)
    }

    /// Its output; it has been woken for it.
    #[track_caller]
    pub(crate) fn ready(self) -> T {
        assert!(self.woken(), "it was not woken");
        self.output()
    }

    /// The same, woken or not.
    #[track_caller]
    pub(crate) fn output(mut self) -> T {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it is not ready"),
        }
    }
}

/// The output of a future that is ready at once.
#[track_caller]
pub(crate) fn now<T>(future: impl Future<Output = T> + Send) -> T {
    ByHand::new(future).output()
}
