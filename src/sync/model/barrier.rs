//! The barrier: those who have come go on together, whoever leaves has not come, and a break lets nobody wait.

use super::{block_on, try_once};
use crate::sync::primitive::UnsafeCell;
use crate::sync::{Barrier, BarrierWaitResult, BrokenBarrier};
use loom::thread;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// A barrier, and what each of two has done before it came.
struct Meeting(Barrier, [UnsafeCell<u8>; 2]);

// SAFETY: a cell is written by one thread before the barrier, and read by the other after it; loom checks that.
unsafe impl Sync for Meeting {}

impl Meeting {
    /// Comes, and then looks at what the other one has done. Whether it leads.
    fn meet(&self, own: usize) -> bool {
        let Meeting(barrier, done) = self;
        done[own].with_mut(|_| ());
        let passed = block_on(barrier.wait());
        done[1 - own].with(|_| ());
        passed.is_leader()
    }
}

/// Two meet: both go on, see what the other did before, and one leads.
///
/// Broken to see it fail: `send_away` without `let_out` behind it.
#[test]
fn those_who_meet_see_each_other_and_one_leads() {
    loom::model(|| {
        let meeting = Meeting(Barrier::new(2), [UnsafeCell::new(0), UnsafeCell::new(0)]);
        let meeting = Arc::new(meeting);
        let theirs = meeting.clone();
        let thread = thread::spawn(move || theirs.meet(1));
        let leads = meeting.meet(0);
        assert_ne!(leads, thread.join().unwrap());
    });
}

/// Whoever gives up, in the midst of whatever the other does, is not counted: the next two meet.
///
/// Broken to see it fail: `leave` without taking the arrival back, or taking it back of one that was released.
#[test]
fn whoever_leaves_is_not_counted() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let leads = |passed: Option<BarrierWaitResult>| passed.is_some_and(|it| it.is_leader());
        assert!(try_once(barrier.wait()).is_none());
        assert_eq!(barrier.waiting(), 0);
        let theirs = barrier.clone();
        let thread = thread::spawn(move || try_once(theirs.wait()));
        let mine = try_once(barrier.wait());
        let theirs = thread.join().unwrap();
        assert!(!(leads(mine) && leads(theirs)), "there are two leaders");
        assert_eq!(barrier.waiting(), 0);
        let mut cx = Context::from_waker(Waker::noop());
        let mut first = pin!(barrier.wait());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(leads(try_once(barrier.wait())));
        let first = first.poll(&mut cx);
        assert!(matches!(first, Poll::Ready(it) if !it.is_leader()));
    });
}

/// One waits; the other comes for a moment, and breaks the barrier when it has led or left. Who was released before
/// goes on, and who was not learns of the break.
///
/// Broken to see it fail: `abort` without `let_out`, or without setting `is_broken`.
#[test]
fn a_break_reaches_who_was_not_released() {
    loom::model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let theirs = barrier.clone();
        let thread = thread::spawn(move || block_on(theirs.wait_unless_broken()));
        let mine = try_once(barrier.wait_unless_broken());
        barrier.abort();
        match (mine, thread.join().unwrap()) {
            (Some(Ok(mine)), Ok(theirs)) => assert!(mine.is_leader() && !theirs.is_leader()),
            // It came while this one was about to leave.
            (None, Ok(theirs)) => assert!(theirs.is_leader()),
            (None, Err(BrokenBarrier)) => {}
            (mine, theirs) => panic!("{mine:?} and {theirs:?}"),
        }
        assert_eq!(barrier.waiting(), 0);
    });
}

/// A break by a third meets two who come: either both go on together, or both learn of it. One preemption, as three
/// that spin for the lock have too many ways.
///
/// Broken to see it fail: as before.
#[test]
fn a_break_reaches_all_or_comes_too_late_for_all() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(1);
    model.check(|| {
        let barrier = Arc::new(Barrier::new(2));
        let come = || {
            let barrier = barrier.clone();
            thread::spawn(move || block_on(barrier.wait_unless_broken()))
        };
        let (one, other) = (come(), come());
        barrier.abort();
        match (one.join().unwrap(), other.join().unwrap()) {
            (Ok(one), Ok(other)) => assert_ne!(one.is_leader(), other.is_leader()),
            (Err(BrokenBarrier), Err(BrokenBarrier)) => {}
            (one, other) => panic!("{one:?} and {other:?}"),
        }
        assert!(barrier.is_broken());
        assert_eq!(barrier.waiting(), 0);
    });
}
