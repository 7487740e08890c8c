//! Permits of the slow lane that change hands in the midst of a poll: none is lost or made, and whoever waits for one
//! comes.

use super::Queue;
use crate::primitive::atomic::Ordering::SeqCst;
use crate::primitive::atomic::fence;
use crate::queues::permits::{Kind, Permit, Permits, Standing};
use crate::rest::idle::Idle;
use crate::rest::parker::{Parker, Unpark};
use loom::thread;
use std::sync::Arc;

const KIND: Kind = Kind::Learned;

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
        let permits = Permits::new(1);
        assert!(permits.take());
        let permit = Permit::none();
        permit.hold(KIND, Standing::Held);
        Arc::new(Runtime {
            queue: Queue::new(),
            permits,
            permit,
            idle: Idle::new(1, 0),
            parker: Parker::new(),
        })
    }

    /// `Lanes::give_back`, at the end of the poll.
    fn give_back(&self) -> Option<Standing> {
        let (_, standing) = self.permit.take()?;
        self.permits.end(standing);
        Some(standing)
    }

    /// `Lanes::lend`.
    fn lend(&self) -> bool {
        let stands = self.permit.get();
        stands.is_some_and(|(kind, standing)| self.permits.lend(&self.permit, kind, standing))
    }

    /// `Lanes::settle` of a poll that is found to block, or to have gone on.
    fn settle(&self, is_blocked: bool) -> bool {
        match self.permit.get() {
            Some((kind, Standing::Blocked)) if !is_blocked => {
                self.permits.go_on(&self.permit, kind);
                false
            }
            Some((kind, standing)) if is_blocked => {
                self.permits.block(&self.permit, kind, standing)
            }
            _ => false,
        }
    }

    /// `Poll::make_way`.
    fn publish(&self) {
        // As if what waits there had just been published.
        fence(SeqCst); // [idle-pub], pairs with [idle-sub]
        if self.has_work() {
            self.notify();
        }
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

    /// `Worker::work`, of one that comes for a task of the lane and for nothing else.
    fn work(&self) {
        let mut is_searching = false;
        while !self.take() {
            let was_searching = std::mem::take(&mut is_searching);
            self.idle.start_sleeping(0, was_searching);
            if !self.has_work() {
                self.parker.park(None);
            }
            is_searching = self.idle.stop_sleeping(0);
        }
    }

    /// All polls have ended: there is the one permit again.
    fn end(&self) {
        assert!(self.permits.take() && !self.permits.any());
        assert!(!self.permits.any_blocked() && self.permits.overdrawn() == 0);
    }
}

/// The worker at the end of its poll and the monitor both give the permit back. Broken to see it fail: a load and a
/// store in place of the swap in `Permit::take`, or of the compare-exchange in `Permit::change`.
#[test]
fn a_permit_is_given_back_once() {
    for is_blocked in [true, false] {
        loom::model(move || {
            let runtime = Runtime::new();
            let theirs = Arc::clone(&runtime);
            let monitor = thread::spawn(move || match is_blocked {
                true => theirs.settle(true),
                false => theirs.permits.give_back_early(&theirs.permit, KIND),
            });
            let own = runtime.give_back();
            let was_given = monitor.join().unwrap();
            let expected = match (was_given, is_blocked) {
                (false, _) => Standing::Held,
                (true, true) => Standing::Blocked,
                (true, false) => Standing::Early,
            };
            assert_eq!(own, Some(expected));
            runtime.end();
        });
    }
}

/// The monitor finds that a poll blocks and that it goes on, and calls its permit in, while the poll says that it is
/// going to block, goes on, and ends: whatever comes first, there is one permit in the end.
///
/// Broken to see it fail: `take_back` not taking one; `go_on` not counting `blocked` off, or taking one in any case;
/// `lend` not asking how the poll stands; `end` giving one back for `Standing::Blocked`, or none for `Standing::Owed`.
#[test]
fn whoever_is_faster_permits_are_neither_lost_nor_made() {
    for (is_found_before, calls_in) in [(true, true), (true, false), (false, true), (false, false)]
    {
        loom::model(move || {
            let runtime = Runtime::new();
            if is_found_before {
                assert!(runtime.settle(true));
            }
            let theirs = Arc::clone(&runtime);
            let monitor = thread::spawn(move || {
                theirs.settle(!is_found_before);
                theirs.settle(is_found_before && !calls_in);
                let (permits, permit) = (&theirs.permits, &theirs.permit);
                if calls_in && permit.get() == Some((KIND, Standing::Owed)) {
                    permits.call_in(permit, KIND, Standing::Owed);
                }
            });
            // `Away`, and the end of the poll.
            if runtime.lend() {
                runtime.permits.take_back(&runtime.permit, KIND);
            }
            assert!(runtime.give_back().is_some());
            monitor.join().unwrap();
            runtime.end();
        });
    }
}

/// A task comes to the lane, and the worker that could run it goes to sleep, since there is no permit yet. Broken to
/// see it fail: no fence in the monitor; `give_away` giving none.
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
        let monitor = thread::spawn(move || {
            if theirs.settle(true) {
                theirs.publish();
            }
        });
        runtime.work();
        pusher.join().unwrap();
        monitor.join().unwrap();
    });
}

/// A blocked poll goes on, so that a permit is owed, and ends, while the worker that was woken for its permit comes for
/// a task: it gets one then or at the end.
///
/// Broken to see it fail: `go_on` taking the permit before the compare-exchange, and giving it back if that fails
/// without a word to anybody; the end of the poll without a look for work.
#[test]
fn who_comes_in_vain_while_a_permit_is_owed_comes_again_at_the_end() {
    loom::model(|| {
        let runtime = Runtime::new();
        runtime.queue.push();
        assert!(runtime.settle(true));
        let theirs = Arc::clone(&runtime);
        let monitor = thread::spawn(move || {
            theirs.settle(false);
        });
        let theirs = Arc::clone(&runtime);
        let poller = thread::spawn(move || {
            assert!(theirs.give_back().is_some());
            // This worker looks for its next task, and does not find it if the other one has come: as a publisher.
            theirs.publish();
        });
        runtime.work();
        poller.join().unwrap();
        monitor.join().unwrap();
    });
}
