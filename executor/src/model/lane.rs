//! A permit of the slow lane that is given back in the midst of a poll: it is given once, and whoever waits for it
//! comes.

use super::Queue;
use crate::primitive::atomic::Ordering::SeqCst;
use crate::primitive::atomic::fence;
use crate::queues::lane::{EARLY, LEARNED, Permit, Permits};
use crate::rest::idle::Idle;
use crate::rest::parker::{Parker, Unpark};
use loom::thread;
use std::sync::Arc;

/// A lane whose queue is reduced to its length, and a seat whose poll has the one permit.
struct Runtime {
    queue: Queue,
    permits: Permits,
    permit: Permit,
    idle: Idle,
    parker: Parker,
}

impl Runtime {
    fn new() -> Arc<Runtime> {
        let permit = Permit::none();
        permit.hold(LEARNED);
        Arc::new(Runtime {
            queue: Queue::new(),
            permits: Permits::new(0),
            permit,
            idle: Idle::new(1, 0),
            parker: Parker::new(),
        })
    }

    /// `Lanes::give_back`, at the end of the poll.
    fn give_back(&self) -> u8 {
        let permit = self.permit.take();
        if permit == LEARNED {
            self.permits.give();
        }
        permit
    }

    /// `Lanes::give_back_early`, by the monitor.
    fn give_back_early(&self) -> bool {
        let is_given = self.permit.end_early(LEARNED);
        if is_given {
            self.permits.give();
        }
        is_given
    }

    /// `Lane::has_work`.
    fn has_work(&self) -> bool {
        !self.queue.is_empty() && self.permits.any()
    }

    /// `Lane::take`.
    fn take(&self) -> bool {
        if self.queue.is_empty() || !self.permits.take() {
            return false;
        }
        let taken = self.queue.pop();
        if !taken {
            self.permits.give();
        }
        taken
    }

    fn notify(&self) {
        if self.idle.notify().is_some() {
            assert_eq!(self.parker.unpark(), Unpark::Done);
        }
    }
}

/// The worker at the end of its poll and the monitor both give the permit back. Broken to see it fail: a load and a
/// store in place of the swap in `Permit::take`, or of the compare-exchange in `Permit::end_early`.
#[test]
fn a_permit_is_given_back_once() {
    loom::model(|| {
        let runtime = Runtime::new();
        let theirs = Arc::clone(&runtime);
        let monitor = thread::spawn(move || theirs.give_back_early());
        let own = runtime.give_back();
        let was_early = monitor.join().unwrap();
        let expected = if was_early { LEARNED | EARLY } else { LEARNED };
        assert_eq!(own, expected);
        assert!(runtime.permits.take() && !runtime.permits.any());
    });
}

/// A task comes to the lane, and the worker that could run it goes to sleep, since there is no permit yet. Broken to
/// see it fail: no fence in the monitor.
#[test]
fn a_permit_that_is_given_back_early_wakes_a_worker() {
    loom::model(|| {
        let runtime = Runtime::new();
        let theirs = Arc::clone(&runtime);
        let pusher = thread::spawn(move || {
            theirs.queue.push();
            theirs.notify();
        });
        let theirs = Arc::clone(&runtime);
        // `Poll::make_way`.
        let monitor = thread::spawn(move || {
            if theirs.give_back_early() {
                fence(SeqCst); // [idle-pub], pairs with [idle-sub]
                if theirs.has_work() {
                    theirs.notify();
                }
            }
        });
        let mut is_searching = false;
        while !runtime.take() {
            let was_searching = std::mem::take(&mut is_searching);
            runtime.idle.start_sleeping(0, was_searching);
            if !runtime.has_work() {
                runtime.parker.park(None);
            }
            is_searching = runtime.idle.stop_sleeping(0);
        }
        pusher.join().unwrap();
        monitor.join().unwrap();
    });
}
