//! The paused clock: it does not move while somebody has something to do, and it is not forgotten.

use crate::primitive::Mutex;
use crate::primitive::atomic::Ordering::Relaxed;
use crate::primitive::atomic::{AtomicBool, AtomicUsize};
use crate::registry::callers::Callers;
use crate::rest::parker::{Parker, Unpark};
use crate::rest::pause::{Pause, look_at_rest};
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

/// A wheel reduced to its next deadline, which is changed under the lock and may be read without; 0: none.
struct Wheel {
    next: AtomicUsize,
    entries: Mutex<()>,
}

impl Wheel {
    fn new() -> Wheel {
        Wheel {
            next: AtomicUsize::new(0),
            entries: Mutex::new(()),
        }
    }

    fn insert(&self) {
        let _entries = self.entries.lock();
        self.next.store(1, Relaxed);
    }

    /// `Timers::next_deadline_locked`.
    fn has_deadline(&self) -> bool {
        let _entries = self.entries.lock();
        self.next.load(Relaxed) != 0
    }
}

/// A thread comes into `block_on` while everybody is at rest, with a deadline of its own and something to do: the clock
/// does not move there before it is at rest, too.
///
/// Broken to see it fail: `look_at_rest` with its look after the second round.
#[test]
fn the_deadline_of_a_newcomer_does_not_count_before_it_rests() {
    struct Hall {
        callers: Callers,
        wheel: Wheel,
        work: AtomicUsize,
    }

    loom::model(|| {
        let hall = Arc::new(Hall {
            callers: Callers::new(),
            wheel: Wheel::new(),
            work: AtomicUsize::new(0),
        });
        let theirs = Arc::clone(&hall);
        let now = system_now();
        let newcomer = thread::spawn(move || {
            // `Shared::poll_until_ready`.
            let caller = theirs.callers.enter();
            theirs.work.store(1, Relaxed);
            theirs.wheel.insert();
            theirs.work.store(0, Relaxed);
            theirs.callers.count_park();
            caller.parker.park_until(Some(now));
        });
        let look = || Some(hall.wheel.has_deadline());
        if look_at_rest(|| hall.callers.all_parked(), look) == Some(true) {
            assert_eq!(hall.work.load(Relaxed), 0);
        }
        newcomer.join().unwrap();
    });
}

/// A worker is woken between the rounds, has a deadline of its own, and something to do: likewise.
///
/// Broken to see it fail: `look_at_rest` with its look after the second round; `has_deadline` without the lock.
#[test]
fn the_deadline_of_one_who_is_woken_does_not_count_before_it_rests() {
    struct Place {
        seat: Seat,
        wheel: Wheel,
        work: AtomicUsize,
    }

    loom::model(|| {
        let place = Arc::new(Place {
            seat: Seat::new(),
            wheel: Wheel::new(),
            work: AtomicUsize::new(1),
        });
        let now = system_now();
        let worker = Arc::clone(&place);
        let worker = thread::spawn(move || {
            while !worker.seat.park(None) {}
            worker.wheel.insert();
            worker.work.store(0, Relaxed);
            worker.seat.park(Some(now));
        });
        let keeper = Arc::clone(&place);
        let keeper = thread::spawn(move || {
            let parks = || keeper.seat.parks.load(Relaxed) as u64;
            let round = || keeper.seat.parker.is_parked().then(parks);
            if look_at_rest(round, || Some(keeper.wheel.has_deadline())) == Some(true) {
                assert_eq!(keeper.work.load(Relaxed), 0);
            }
        });
        assert_eq!(place.seat.parker.unpark(), Unpark::Done);
        worker.join().unwrap();
        keeper.join().unwrap();
    });
}

/// Somebody else's deadline is due next, and a thread comes into `block_on`: the time that it has read stays as it is
/// until it rests.
///
/// Broken to see it fail: without `await_step`; with it before `enter`; `step` without its lock.
#[test]
fn the_clock_stands_while_a_newcomer_works() {
    struct Hall {
        pause: Pause,
        callers: Callers,
        clock: AtomicUsize,
    }

    loom::model(|| {
        let hall = Arc::new(Hall {
            pause: Pause::new(),
            callers: Callers::new(),
            clock: AtomicUsize::new(0),
        });
        let theirs = Arc::clone(&hall);
        let now = system_now();
        let newcomer = thread::spawn(move || {
            // `Shared::poll_until_ready`.
            let caller = theirs.callers.enter();
            theirs.pause.await_step();
            let begun = theirs.clock.load(Relaxed);
            thread::yield_now();
            assert_eq!(theirs.clock.load(Relaxed), begun);
            theirs.callers.count_park();
            caller.parker.park_until(Some(now));
        });
        // `step_time`.
        hall.pause.step(|| {
            if look_at_rest(|| hall.callers.all_parked(), || Some(())).is_some() {
                hall.clock.store(1, Relaxed);
            }
        });
        newcomer.join().unwrap();
    });
}

/// A task is spawned from outside, so that a worker is woken: likewise.
///
/// Broken to see it fail: without `await_step`; with it before the worker parks.
#[test]
fn the_clock_stands_while_one_who_was_woken_works() {
    struct Place {
        pause: Pause,
        seat: Seat,
        clock: AtomicUsize,
    }

    loom::model(|| {
        let place = Arc::new(Place {
            pause: Pause::new(),
            seat: Seat::new(),
            clock: AtomicUsize::new(0),
        });
        let now = system_now();
        let worker = Arc::clone(&place);
        let worker = thread::spawn(move || {
            while !worker.seat.park(None) {}
            worker.pause.await_step();
            let begun = worker.clock.load(Relaxed);
            thread::yield_now();
            assert_eq!(worker.clock.load(Relaxed), begun);
            worker.seat.park(Some(now));
        });
        let keeper = Arc::clone(&place);
        let keeper = thread::spawn(move || {
            let parks = || keeper.seat.parks.load(Relaxed) as u64;
            let round = || keeper.seat.parker.is_parked().then(parks);
            keeper.pause.step(|| {
                if look_at_rest(round, || Some(())).is_some() {
                    keeper.clock.store(1, Relaxed);
                }
            });
        });
        assert_eq!(place.seat.parker.unpark(), Unpark::Done);
        worker.join().unwrap();
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
