//! The parker: a wake-up is never lost, wherever the thread sleeps, and brings what was written before it.

use crate::primitive::UnsafeCell;
use crate::primitive::atomic::AtomicBool;
use crate::primitive::atomic::Ordering::{Relaxed, SeqCst};
use crate::rest::parker::{Parker, Unpark};
use loom::thread;
use std::sync::Arc;

/// A thread parks while another wakes it.
///
/// Broken to see it fail: `unpark`, or the swap at the end of `park`, with Relaxed (the cell is then
/// unordered); `park` storing PARKED whatever was there.
#[test]
fn park_returns_and_sees_what_the_waker_wrote() {
    struct Shared(Parker, UnsafeCell<u8>);

    loom::model(|| {
        let shared = loom::sync::Arc::new(Shared(Parker::new(), UnsafeCell::new(0)));
        let theirs = loom::sync::Arc::clone(&shared);
        let waker = thread::spawn(move || {
            theirs.1.with_mut(|_| ());
            assert_eq!(theirs.0.unpark(), Unpark::Done);
        });
        while !shared.0.park(None) {}
        shared.1.with(|_| ());
        waker.join().unwrap();
    });
}

/// A reactor that knows nothing but notifications. It hides no ordering that the real one gives: see
/// `signal.rs` of the reactor's crate.
struct Bed {
    parker: Parker,
    notified: AtomicBool,
    news: [AtomicBool; 2],
}

impl Bed {
    fn new() -> Arc<Bed> {
        Arc::new(Bed {
            parker: Parker::new(),
            notified: AtomicBool::new(false),
            news: [AtomicBool::new(false), AtomicBool::new(false)],
        })
    }

    /// Sleeps once in the poller, as workers and the backstop do.
    fn sleep_in_poller(&self) {
        if self.parker.start_polling() {
            while !self.notified.swap(false, SeqCst) {
                thread::yield_now();
            }
            self.parker.stop_polling();
        }
    }

    fn wake_with_news(&self, who: usize) {
        self.news[who].store(true, Relaxed);
        if self.parker.unpark() == Unpark::NotifyReactor {
            self.notified.swap(true, SeqCst);
        }
    }

    fn has(&self, who: usize) -> bool {
        self.news[who].load(Relaxed)
    }
}

/// Two threads wake one that goes to sleep in the poller, and on its word after that: both pieces of news
/// arrive.
///
/// Broken to see it fail: `start_polling` replacing the token by a store in place of a swap (the news that
/// came with the second of two tokens may stay unseen); `stop_polling` likewise; `unpark` returning `Done` for POLLING.
#[test]
fn wakes_reach_a_thread_that_sleeps_in_the_poller() {
    loom::model(|| {
        let bed = Bed::new();
        let wakers = [0, 1].map(|who| {
            let bed = Arc::clone(&bed);
            thread::spawn(move || bed.wake_with_news(who))
        });
        while !(bed.has(0) && bed.has(1)) {
            bed.sleep_in_poller();
            if !(bed.has(0) && bed.has(1)) {
                bed.parker.park(None);
            }
        }
        wakers.into_iter().for_each(|waker| waker.join().unwrap());
    });
}
