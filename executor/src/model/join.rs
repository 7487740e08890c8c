//! The join waker: stored, replaced and taken back against completion.

use super::{Unpark, current_thread};
use crate::testing::{CountDrop, World, poll_join};
use loom::thread;
use std::sync::atomic::{AtomicUsize as Counter, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

/// The task completes while its joiner polls twice with different wakers, then sleeps: the joiner is woken
/// and gets the output.
///
/// Broken to see it fail: `set_join_waker` setting the bit although COMPLETE came first; `complete` never
/// returning `WakeJoiner`; `unset_join_waker` clearing the bit after COMPLETE (the waker's cell is then used
/// by both); `complete` or `load` with Relaxed (the output is unordered).
#[test]
fn a_joiner_that_sleeps_is_woken_by_its_latest_waker() {
    loom::model(|| {
        let world = World::new();
        let (task, joined) = world.spawn(async { Box::new(5) });
        let their_world = Arc::clone(&world);
        let other = thread::spawn(move || their_world.run(task));
        let mut output = poll_join::<Box<i32>>(&joined, Waker::noop());
        let waker = current_thread();
        while output.is_none() {
            output = poll_join::<Box<i32>>(&joined, &waker);
            if output.is_none() {
                thread::park();
            }
        }
        assert!(output.is_some_and(|output| output.is_ok_and(|value| *value == 5)));
        joined.detach(true);
        other.join().unwrap();
        assert_eq!(world.freed(), 1);
    });
}

/// The same waker twice: the joiner compares it with the stored one while the other side may be moving that
/// out.
///
/// Broken to see it fail: `complete` returning `Done` in place of `WakeJoiner`. (That `store_join_waker` looks
/// at COMPLETE again after `will_wake` only saves a poll: without it the model holds too.)
#[test]
fn a_joiner_that_polls_again_is_still_woken() {
    loom::model(|| {
        let world = World::new();
        let (task, joined) = world.spawn(async {});
        let waker = current_thread();
        let their_world = Arc::clone(&world);
        let other = thread::spawn(move || their_world.run(task));
        let mut polls = 0;
        while poll_join::<()>(&joined, &waker).is_none() {
            polls += 1;
            if polls > 1 {
                thread::park();
            }
        }
        joined.detach(true);
        other.join().unwrap();
        assert_eq!(world.freed(), 1);
    });
}

/// The `JoinHandle` is dropped after it stored a waker, while the task completes: the waker and the output
/// are each dropped once.
///
/// Broken to see it fail: `detach` leaving JOIN and JOIN_WAKER set when it returns `DropWaker` (both sides take
/// the waker); `detach` returning `Done` after COMPLETE (the output leaks).
#[test]
fn a_handle_that_detaches_takes_its_waker_along() {
    loom::model(|| {
        let world = World::new();
        let outputs = Arc::new(Counter::new(0));
        let output = CountDrop(Arc::clone(&outputs));
        let (task, joined) = world.spawn(async move { output });
        let target = Arc::new(Unpark(thread::current()));
        let (target, waker) = (Arc::downgrade(&target), Waker::from(target));
        let their_world = Arc::clone(&world);
        let other = thread::spawn(move || their_world.run(task));
        let output = poll_join::<CountDrop>(&joined, &waker);
        joined.detach(output.is_some());
        drop(output);
        drop(waker);
        other.join().unwrap();
        assert_eq!((outputs.load(Ordering::Relaxed), world.freed()), (1, 1));
        assert_eq!(Weak::strong_count(&target), 0, "the waker leaked");
    });
}
