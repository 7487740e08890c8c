//! The poller's hand-over: nobody stays asleep beside a free poller.

use crate::primitive::atomic::AtomicBool;
use crate::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::rest::idle::Idle;
use crate::rest::parker::{Parker, Unpark};
use loom::thread;
use std::sync::Arc;

/// The reactor's lock as far as orderings go: loom's own would show an unlock to everybody at once.
struct Turn(AtomicBool);

impl Turn {
    fn try_lock(&self) -> bool {
        !self.0.load(Relaxed)
            && self
                .0
                .compare_exchange(false, true, Acquire, Relaxed)
                .is_ok()
    }

    fn unlock(&self) {
        self.0.store(false, Release);
    }
}

/// One worker and the backstop.
struct Runtime {
    turn: Turn,
    idle: Idle,
    parker: Parker,
}

/// A worker falls asleep while the backstop has the poller and gives it up: the worker gets it.
///
/// Broken to see it fail: the fence [turn-free], or [idle-sub] in `start_sleeping`; the backstop leaving out
/// `notify_any`, as it once did after a token that came early.
#[test]
fn a_worker_that_found_the_poller_taken_gets_it_later() {
    loom::model(|| {
        let runtime = Arc::new(Runtime {
            turn: Turn(AtomicBool::new(false)),
            idle: Idle::new(1, 0),
            parker: Parker::new(),
        });
        let theirs = Arc::clone(&runtime);
        let worker = thread::spawn(move || {
            let mut searching = false;
            loop {
                theirs.idle.start_sleeping(0, searching);
                if theirs.turn.try_lock() {
                    // It would sleep in the poller from here on.
                    return;
                }
                theirs.parker.park(None);
                searching = theirs.idle.stop_sleeping(0);
            }
        });
        if runtime.turn.try_lock() {
            runtime.turn.unlock();
            if let Some(worker) = runtime.idle.notify_any() {
                assert_eq!((worker, runtime.parker.unpark()), (0, Unpark::Done));
            }
        }
        worker.join().unwrap();
    });
}
