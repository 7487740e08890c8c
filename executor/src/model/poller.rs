//! The poller's hand-over: nobody stays asleep beside a free poller.

use crate::idle::Idle;
use crate::parker::{Parker, Unpark};
use crate::primitive::Mutex;
use loom::thread;
use std::sync::Arc;

/// The reactor's lock, one worker and the backstop.
struct Runtime {
    turn: Mutex<()>,
    idle: Idle,
    parker: Parker,
}

/// A worker falls asleep while the backstop has the poller and gives it up: the worker gets it.
///
/// Broken to see it fail: the fence [turn-free], or the one in `start_sleeping`; the backstop leaving out
/// `notify_any`, as it once did after an early token.
#[test]
fn a_worker_that_found_the_poller_taken_gets_it_later() {
    loom::model(|| {
        let runtime = Arc::new(Runtime {
            turn: Mutex::new(()),
            idle: Idle::new(1),
            parker: Parker::new(),
        });
        let theirs = Arc::clone(&runtime);
        let worker = thread::spawn(move || {
            let mut searching = false;
            loop {
                theirs.idle.start_sleeping(0, searching);
                if theirs.turn.try_lock().is_some() {
                    // It would sleep in the poller from here on.
                    return;
                }
                theirs.parker.park(None);
                searching = theirs.idle.stop_sleeping(0);
            }
        });
        if let Some(turn) = runtime.turn.try_lock() {
            drop(turn);
            if let Some(worker) = runtime.idle.notify_any() {
                assert_eq!((worker, runtime.parker.unpark()), (0, Unpark::Done));
            }
        }
        worker.join().unwrap();
    });
}
