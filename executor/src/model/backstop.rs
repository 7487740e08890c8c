//! The backstop's deep sleep: never while a worker is busy.

use crate::rest::deep::DeepSleep;
use crate::rest::idle::Idle;
use crate::rest::parker::{Parker, Unpark};
use loom::thread;
use std::sync::Arc;

/// The backstop goes to sleep while the one worker leaves idleness, by itself or because somebody woke it:
/// the backstop does not sleep, or is woken.
///
/// Broken to see it fail: the fence [deep-sleep] or [deep-busy]; `disturb` before `stop_sleeping`.
#[test]
fn the_backstop_does_not_sleep_deeply_beside_a_busy_worker() {
    struct Runtime {
        idle: Idle,
        deep: DeepSleep,
        backstop: Parker,
    }

    loom::model(|| {
        let runtime = Arc::new(Runtime {
            idle: Idle::new(1, 0),
            deep: DeepSleep::new(),
            backstop: Parker::new(),
        });
        runtime.idle.start_sleeping(0, false);
        let theirs = Arc::clone(&runtime);
        let backstop = thread::spawn(move || {
            while theirs.idle.is_idle(0) {
                theirs.deep.announce();
                if theirs.idle.is_idle(0) {
                    theirs.backstop.park(None);
                }
                theirs.deep.end();
            }
        });
        runtime.idle.stop_sleeping(0);
        if runtime.deep.disturb() {
            assert_eq!(runtime.backstop.unpark(), Unpark::Done);
        }
        backstop.join().unwrap();
    });
}
