//! What a clock shows that can be stopped: the system's time, moved by some distance, or a time that stands still.
//!
//! Most are never stopped, so that is what a reading asks first: one load of a word that nobody writes. Else the fields
//! are read as one, by a sequence lock: `changes` is odd while they change, and a reader that saw it odd, or saw it
//! move, reads again. Whoever changes them holds a mutex.
//!
//! No reading is before an earlier one. A clock is stopped at the system's time as it is read after `changes` became
//! odd; whoever read the fields as they were before had read the system's time before that. When it goes on, a reader
//! may come with a time that it had read while the clock stood: `base` keeps it from being shown.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::instant::Instant;

/// What `still` holds while the clock runs.
const RUNS: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Face {
    changes: AtomicU64,
    /// What it shows while it stands still, in nanoseconds.
    still: AtomicU64,
    /// What is added to the system's time, around the end of the numbers.
    shift: AtomicU64,
    /// It shows nothing before this.
    base: AtomicU64,
    changing: Mutex<()>,
}

/// The fields as one reading found them.
#[derive(Clone, Copy)]
struct Reading {
    still: u64,
    shift: u64,
    base: u64,
}

impl Face {
    /// Shows the system's time.
    pub(crate) fn running() -> Face {
        Face {
            changes: AtomicU64::new(0),
            still: AtomicU64::new(RUNS),
            shift: AtomicU64::new(0),
            base: AtomicU64::new(0),
            changing: Mutex::new(()),
        }
    }

    /// Stands still at `start`.
    pub(crate) fn still_at(start: Instant) -> Face {
        Face {
            changes: AtomicU64::new(2),
            still: AtomicU64::new(start.as_nanos()),
            ..Face::running()
        }
    }

    /// What it shows when the system's clock says `system`.
    #[inline]
    pub(crate) fn at(&self, system: Instant) -> Instant {
        // Orderings: relaxed. A first change that is not seen yet comes after this reading.
        if self.changes.load(Relaxed) == 0 {
            return system;
        }
        self.read().at(system)
    }

    /// When the system's clock will say that this one shows `shown`; a time long ago, if it shows that already.
    /// `None`: it stands still before that.
    #[inline]
    pub(crate) fn system_time_of(&self, shown: Instant) -> Option<Instant> {
        // Orderings: as in `at`.
        if self.changes.load(Relaxed) == 0 {
            return Some(shown);
        }
        let Reading { still, shift, .. } = self.read();
        match still {
            RUNS => Some(Instant::from_nanos(shown.as_nanos().wrapping_sub(shift))),
            still => (shown.as_nanos() <= still).then_some(Instant::from_nanos(0)),
        }
    }

    pub(crate) fn is_still(&self) -> bool {
        self.changes.load(Relaxed) != 0 && self.read().still != RUNS
    }

    /// Orderings: the Acquire load pairs with the Release store that ends a change, the fence with the one that begins
    /// it: a reader that saw anything of a change sees that `changes` has moved.
    #[cold]
    fn read(&self) -> Reading {
        loop {
            let before = self.changes.load(Acquire);
            let reading = Reading {
                still: self.still.load(Relaxed),
                shift: self.shift.load(Relaxed),
                base: self.base.load(Relaxed),
            };
            fence(Acquire); // [face-read], pairs with [face-change]
            if before % 2 == 0 && self.changes.load(Relaxed) == before {
                return reading;
            }
            std::hint::spin_loop();
        }
    }

    /// Stops it. `false`: it stood still already.
    pub(crate) fn stop(&self, system: impl FnOnce() -> Instant) -> bool {
        let changing = self.changing.lock();
        let reading = self.read();
        if reading.still != RUNS {
            return false;
        }
        self.change(&changing, || {
            let still = reading.at(system()).as_nanos();
            self.still.store(still, Relaxed);
        });
        true
    }

    /// Lets it go on from where it stands. `false`: it ran already.
    pub(crate) fn go_on(&self, system: impl FnOnce() -> Instant) -> bool {
        let changing = self.changing.lock();
        let still = self.read().still;
        if still == RUNS {
            return false;
        }
        self.change(&changing, || {
            let shift = still.wrapping_sub(system().as_nanos());
            self.shift.store(shift, Relaxed);
            self.base.store(still, Relaxed);
            self.still.store(RUNS, Relaxed);
        });
        true
    }

    /// Moves a clock that stands still on to `when`, if that is ahead. `false`: it runs.
    pub(crate) fn move_to(&self, when: impl FnOnce(Instant) -> Instant) -> bool {
        let changing = self.changing.lock();
        let still = self.read().still;
        if still == RUNS {
            return false;
        }
        let when = when(Instant::from_nanos(still)).as_nanos();
        if when > still {
            self.change(&changing, || self.still.store(when, Relaxed));
        }
        true
    }

    fn change(&self, _changing: &MutexGuard<'_, ()>, change: impl FnOnce()) {
        let before = self.changes.load(Relaxed);
        self.changes.store(before + 1, Relaxed);
        fence(Release); // [face-change], pairs with [face-read]
        change();
        self.changes.store(before + 2, Release);
    }
}

impl Reading {
    fn at(self, system: Instant) -> Instant {
        match self.still {
            RUNS => {
                let shown = system.as_nanos().wrapping_add(self.shift);
                Instant::from_nanos(shown.max(self.base))
            }
            still => Instant::from_nanos(still),
        }
    }
}

/// `from` and so much more.
pub(crate) fn later(duration: Duration) -> impl FnOnce(Instant) -> Instant {
    move |from| from.saturating_add(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const START: Instant = Instant::ORIGIN;

    #[test]
    fn a_face_that_was_never_stopped_shows_the_system_s_time() {
        let face = Face::running();
        assert_eq!(face.at(START), START);
        assert_eq!(face.system_time_of(START), Some(START));
        assert!(!face.is_still() && !face.move_to(later(SECOND)));
    }

    #[test]
    fn it_goes_on_from_where_it_was_moved_to() {
        let face = Face::running();
        assert!(face.stop(|| START) && !face.stop(|| START + SECOND));
        assert_eq!(face.at(START + 9 * SECOND), START);
        assert!(face.move_to(later(100 * SECOND)));
        assert_eq!(face.at(START), START + 100 * SECOND);
        assert!(face.go_on(|| START + 5 * SECOND) && !face.go_on(|| START));
        assert_eq!(face.at(START + 6 * SECOND), START + 101 * SECOND);
        let deadline = START + 103 * SECOND;
        assert_eq!(face.system_time_of(deadline), Some(START + 8 * SECOND));
    }

    #[test]
    fn it_shows_nothing_before_what_it_showed_while_it_stood() {
        let face = Face::running();
        face.stop(|| START);
        face.go_on(|| START + 5 * SECOND);
        assert_eq!(face.at(START + SECOND), START);
        assert_eq!(face.at(START + 7 * SECOND), START + 2 * SECOND);
    }

    #[test]
    fn while_it_stands_only_what_it_shows_already_will_ever_come() {
        let face = Face::still_at(START);
        assert_eq!(face.system_time_of(START + SECOND), None);
        assert!(face.system_time_of(START).is_some_and(|when| when < START));
    }

    #[test]
    fn readers_see_no_time_twice_while_it_is_stopped_and_started() {
        let face = Face::running();
        let system = AtomicU64::new(START.as_nanos());
        let tick = || Instant::from_nanos(system.fetch_add(1, Relaxed));
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut last = START;
                for _ in 0..if cfg!(miri) { 100 } else { 10_000 } {
                    let shown = face.at(tick());
                    assert!(shown >= last, "{shown:?} after {last:?}");
                    last = shown;
                }
            });
            while !reader.is_finished() {
                face.stop(tick);
                face.go_on(tick);
            }
        });
    }
}
