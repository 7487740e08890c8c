//! The paused clock: it does not move while somebody has something to do, and it is not forgotten.

use crate::primitive::atomic::Ordering::Relaxed;
use crate::primitive::atomic::{AtomicBool, AtomicUsize};
use crate::rest::parker::{Parker, Unpark};
use crate::rest::pause::Pause;
use filch_timer::{Instant, system_now};
use loom::thread;
use std::sync::Arc;

/// A thread that works, and counts before it parks, as workers do.
struct Seat {
    parker: Parker,
    parks: AtomicUsize,
}

impl Seat {
    fn new() -> Seat {
        Seat {
            parker: Parker::new(),
            parks: AtomicUsize::new(0),
        }
    }

    fn park(&self, deadline: Option<Instant>) -> bool {
        self.parks.store(self.parks.load(Relaxed) + 1, Relaxed);
        self.parker.park(deadline)
    }
}

/// Two seats, and a piece of work that goes from the second to the first, which is looked at before.
struct Crew {
    seats: [Seat; 2],
    work: AtomicUsize,
}

impl Crew {
    /// `Shared::all_parked`.
    fn all_parked(&self) -> Option<usize> {
        let mut parks = 0;
        for seat in &self.seats {
            if !seat.parker.is_parked() {
                return None;
            }
            parks += seat.parks.load(Relaxed);
        }
        Some(parks)
    }
}

/// The keeper finds both at rest only when the work is done, which the second hands to the first before it parks. Who
/// has nothing more to do parks for no time, which ends the model.
///
/// Broken to see it fail: one round; `is_parked` with Relaxed.
#[test]
fn who_is_found_at_rest_has_nothing_left_to_do() {
    loom::model(|| {
        let crew = Arc::new(Crew {
            seats: [Seat::new(), Seat::new()],
            work: AtomicUsize::new(1),
        });
        let now = system_now();
        let first = Arc::clone(&crew);
        let first = thread::spawn(move || {
            while !first.seats[0].park(None) {}
            first.work.store(0, Relaxed);
            first.seats[0].park(Some(now));
        });
        let keeper = Arc::clone(&crew);
        let keeper = thread::spawn(move || {
            let (one, other) = (keeper.all_parked(), keeper.all_parked());
            if one.is_some() && one == other {
                assert_eq!(keeper.work.load(Relaxed), 0);
            }
        });
        assert_eq!(crew.seats[0].parker.unpark(), Unpark::Done);
        crew.seats[1].park(Some(now));
        first.join().unwrap();
        keeper.join().unwrap();
    });
}

/// A hold is given up while the clock is stopped: the keeper, who goes to sleep if it is held, is told.
///
/// Broken to see it fail: without either fence of `rest/pause.rs`.
#[test]
fn a_hold_that_ends_as_the_clock_stops_is_heard_of() {
    struct Shared {
        pause: Pause,
        stopped: AtomicBool,
        keeper: Parker,
    }

    loom::model(|| {
        let shared = Arc::new(Shared {
            pause: Pause::new(),
            stopped: AtomicBool::new(false),
            keeper: Parker::new(),
        });
        shared.pause.hold();
        let holder = Arc::clone(&shared);
        let holder = thread::spawn(move || {
            // `Shared::release_clock`.
            if holder.pause.release() && holder.stopped.load(Relaxed) {
                assert_eq!(holder.keeper.unpark(), Unpark::Done);
            }
        });
        // `Shared::pause_clock`, and the keeper that it wakes.
        shared.stopped.store(true, Relaxed);
        shared.pause.announce();
        while shared.pause.is_held() {
            shared.keeper.park(None);
        }
        holder.join().unwrap();
    });
}
