//! A future whose awaits are counted, and that is no longer polled from one of them on.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use filch_executor::foreign;
use filch_executor::leaf::{self, Wait};
use pin_project_lite::pin_project;

use super::cut::{Cut, CutBy, End};
use super::report::Await;

/// Where a run is to be cancelled, and how far it has come.
pub(super) struct Run {
    by: CutBy,
    number: usize,
    /// Not before it is woken at that await.
    woken: bool,
    /// So often it has returned Pending.
    pub(super) awaits: Cell<usize>,
    wait: Cell<Option<Wait>>,
    end: Cell<Option<End>>,
    /// It would wait for ever.
    is_stalled: Cell<bool>,
    /// What it has left behind does.
    pub(super) is_stuck: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Run {
    pub(super) fn new(by: CutBy, number: usize, woken: bool) -> Rc<Run> {
        Rc::new(Run {
            by,
            number,
            woken,
            awaits: Cell::new(0),
            wait: Cell::new(None),
            end: Cell::new(None),
            is_stalled: Cell::new(false),
            is_stuck: Cell::new(false),
            waker: RefCell::new(None),
        })
    }

    /// How it has ended, or stands.
    pub(super) fn cut(&self) -> Cut {
        Cut {
            place: Await::new(self.awaits.get(), self.wait.get()),
            by: self.by,
            woken: self.woken,
            end: self.end.get().unwrap_or(End::Cut),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.get().is_some()
    }

    /// Whether the future is to be polled no more, now that it is to be polled.
    fn ends_before_poll(&self) -> bool {
        let is_there = self.awaits.get() == self.number && (self.woken || self.number == 0);
        if self.end.get().is_none() && (is_there || self.is_stalled.get()) {
            self.end_here();
        }
        self.has_ended()
    }

    fn end_here(&self) {
        let end = match self.is_stalled.get() {
            true => End::Stalled,
            false => End::Cut,
        };
        self.end.set(Some(end));
        if self.by == CutBy::Abort {
            let by = leaf::cancelled_by_current(std::panic::Location::caller(), None);
            assert!(leaf::cancel_nearest(by), "it runs as a task");
        }
    }

    /// Nobody is left who could wake it: it is cancelled where it waits.
    pub(super) fn stall(&self) {
        self.is_stalled.set(true);
        if let Some(waker) = self.waker.take() {
            foreign::wake(waker);
        }
    }
}

pin_project! {
    pub(super) struct Watched<F> {
        #[pin]
        future: F,
        run: Rc<Run>,
    }
}

impl<F> Watched<F> {
    pub(super) fn new(future: F, run: Rc<Run>) -> Watched<F> {
        Watched { future, run }
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let run = &**this.run;
        if run.ends_before_poll() {
            return Poll::Pending;
        }
        let polled = this.future.poll(cx);
        if polled.is_ready() {
            run.end.set(Some(End::Finished));
            return polled;
        }
        run.awaits.set(run.awaits.get() + 1);
        run.wait.set(leaf::last_wait());
        // The task's own, which is ours.
        run.waker.replace(Some(cx.waker().clone()));
        if run.awaits.get() == run.number && !run.woken {
            run.end_here();
        }
        Poll::Pending
    }
}
