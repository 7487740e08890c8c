//! Where the time comes from.
//!
//! This is the only file of the workspace that asks the operating system for the time (through `sys`). Whoever needs
//! the time takes a [`Clock`], so that it can be virtual; the executor has one per runtime.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::face::{self, Face};
use crate::instant::Instant;
use crate::sys;

/// How a thread's program sees a moment of the system's clock: what [`see_time_through`] was given. Nothing, as long
/// as no clock of this process was ever stopped.
static VIEW: OnceLock<fn(Instant) -> Instant> = OnceLock::new();

/// Has [`Instant::now`] show what `view` makes of the system's time: a runtime that can be stopped tells by it what
/// programs see on the thread that asks. The first caller decides, for the whole process.
///
/// Before, a reading costs nothing but a look whether there is a view.
pub fn see_time_through(view: fn(Instant) -> Instant) {
    // Whoever comes later comes with the same.
    let _ = VIEW.set(view);
}

/// What the operating system's monotonic clock says now: for what measures the machine, and not a program's time.
#[inline]
pub fn system_now() -> Instant {
    Instant::ORIGIN.saturating_add_nanos(sys::now())
}

impl Instant {
    /// What the time is now. It is the same for all threads of the process and never goes back: the operating system's
    /// monotonic clock, except on threads of a runtime whose clock was stopped, as tests do; there it is that clock.
    ///
    /// ```
    /// # mod filch { pub mod time { pub use filch_timer::Instant; } }
    /// use filch::time::Instant;
    /// let before = Instant::now();
    /// assert!(Instant::now() >= before);
    /// ```
    #[inline]
    pub fn now() -> Instant {
        match VIEW.get() {
            None => system_now(),
            Some(view) => view(system_now()),
        }
    }

    /// The same moment as an instant of the standard library's, for code that speaks in those. Where that clock ends
    /// sooner, it is the other clock's end.
    ///
    /// Converted back, it is the same instant again.
    ///
    /// ```
    /// # mod filch { pub mod time { pub use filch_timer::Instant; } }
    /// use filch::time::Instant;
    ///
    /// let deadline = Instant::now() + std::time::Duration::from_secs(1);
    /// assert_eq!(Instant::from_std(deadline.into_std()), deadline);
    /// ```
    pub fn into_std(self) -> std::time::Instant {
        let (anchor, here) = anchor();
        if self >= here {
            return latest(anchor, self - here, std::time::Instant::checked_add);
        }
        latest(anchor, here - self, std::time::Instant::checked_sub)
    }

    /// The same moment as an instant of this clock. One that this clock cannot express, which is centuries away, is
    /// [`FAR_FUTURE`](Instant::FAR_FUTURE) or this clock's beginning.
    pub fn from_std(instant: std::time::Instant) -> Instant {
        let (anchor, here) = anchor();
        match instant.checked_duration_since(anchor) {
            Some(later) => here.saturating_add(later),
            None => here
                .checked_sub(anchor.duration_since(instant))
                .unwrap_or(Instant::from_nanos(0)),
        }
    }
}

/// One moment by both clocks.
fn anchor() -> (std::time::Instant, Instant) {
    let anchor = sys::anchor();
    (
        anchor.std,
        Instant::ORIGIN.saturating_add_nanos(anchor.nanos),
    )
}

/// `from` moved by `distance`, or as far in that direction as std's clock goes, to within a second.
fn latest(
    from: std::time::Instant,
    distance: Duration,
    moved: fn(&std::time::Instant, Duration) -> Option<std::time::Instant>,
) -> std::time::Instant {
    moved(&from, distance).unwrap_or_else(|| {
        let (mut reached, mut step) = (from, distance / 2);
        while step > Duration::from_secs(1) {
            match moved(&reached, step) {
                Some(further) => reached = further,
                None => step /= 2,
            }
        }
        reached
    })
}

impl From<std::time::Instant> for Instant {
    /// The same as [`Instant::from_std`].
    fn from(instant: std::time::Instant) -> Instant {
        Instant::from_std(instant)
    }
}

impl From<Instant> for std::time::Instant {
    /// The same as [`Instant::into_std`].
    fn from(instant: Instant) -> std::time::Instant {
        instant.into_std()
    }
}

/// A source of [`Instant`]s: the operating system's monotonic clock, or one of its own that can be stopped, moved by
/// hand while it stands, and started again.
///
/// Clones share their time.
///
/// # Examples
///
/// ```
/// # use filch_timer::{Clock, Instant};
/// use std::time::Duration;
///
/// let clock = Clock::manual(Instant::now());
/// let start = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now() - start, Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Os,
    Own(Arc<Face>),
}

impl Clock {
    /// The operating system's monotonic clock.
    pub const fn os() -> Clock {
        Clock(Source::Os)
    }

    /// A clock that shows the system's time until it is stopped.
    pub fn stoppable() -> Clock {
        Clock(Source::Own(Arc::new(Face::running())))
    }

    /// A clock that stands still, and shows `start` until somebody moves it.
    pub fn manual(start: Instant) -> Clock {
        Clock(Source::Own(Arc::new(Face::still_at(start))))
    }

    /// Whether this clock stands still.
    pub fn is_stopped(&self) -> bool {
        match &self.0 {
            Source::Os => false,
            Source::Own(face) => face.is_still(),
        }
    }

    /// Stops it where it is. `false`: it stood still already.
    ///
    /// # Panics
    ///
    /// If this is the operating system's clock.
    #[track_caller]
    pub fn stop(&self) -> bool {
        self.face().stop(system_now)
    }

    /// Lets it go on from where it stands, at the pace of the system's. `false`: it did not stand still.
    ///
    /// # Panics
    ///
    /// If this is the operating system's clock.
    #[track_caller]
    pub fn go_on(&self) -> bool {
        self.face().go_on(system_now)
    }

    /// The time by this clock.
    pub fn now(&self) -> Instant {
        self.shown_at(system_now())
    }

    /// What this clock shows when the system's says `system`, which was read some time ago or just now.
    #[inline]
    pub fn shown_at(&self, system: Instant) -> Instant {
        match &self.0 {
            Source::Os => system,
            Source::Own(face) => face.at(system),
        }
    }

    /// When the system's clock will say that this one shows `shown`; if it shows that already, some time before.
    /// `None`: it stands still before that.
    #[inline]
    pub fn system_time_of(&self, shown: Instant) -> Option<Instant> {
        match &self.0 {
            Source::Os => Some(shown),
            Source::Own(face) => face.system_time_of(shown),
        }
    }

    /// What this clock has shown at most some milliseconds ago: for whoever asks often whether time has passed, at a
    /// seventh of the price where the system keeps such a time (Linux: of its last tick), and else the same as
    /// [`now`](Clock::now). It never goes back, and is never ahead of `now`.
    ///
    /// ```
    /// # use filch_timer::Clock;
    /// let clock = Clock::os();
    /// let coarse = clock.coarse();
    /// assert!(coarse <= clock.now());
    /// ```
    pub fn coarse(&self) -> Instant {
        self.shown_at(Instant::ORIGIN.saturating_add_nanos(sys::at_last_tick()))
    }

    /// Moves a clock that stands still forward by `duration`, at most to [`Instant::FAR_FUTURE`].
    ///
    /// # Panics
    ///
    /// If this clock runs.
    #[track_caller]
    pub fn advance(&self, duration: Duration) {
        let is_still = self.face().move_to(face::later(duration));
        assert!(is_still, "a clock that runs cannot be moved; stop it first");
    }

    /// Moves a clock that stands still forward to `when`. One that is already there or past it stays as it is: time
    /// never goes back.
    ///
    /// # Panics
    ///
    /// If this clock runs.
    #[track_caller]
    pub fn advance_to(&self, when: Instant) {
        let is_still = self.face().move_to(|_| when);
        assert!(is_still, "a clock that runs cannot be moved; stop it first");
    }

    /// As [`advance`](Clock::advance). `false`: it runs.
    pub fn try_advance(&self, duration: Duration) -> bool {
        match &self.0 {
            Source::Os => false,
            Source::Own(face) => face.move_to(face::later(duration)),
        }
    }

    /// As [`advance_to`](Clock::advance_to). `false`: it runs.
    pub fn try_advance_to(&self, when: Instant) -> bool {
        match &self.0 {
            Source::Os => false,
            Source::Own(face) => face.move_to(|_| when),
        }
    }

    #[track_caller]
    fn face(&self) -> &Face {
        match &self.0 {
            Source::Os => {
                panic!("the operating system's clock cannot be moved; use `Clock::manual`")
            }
            Source::Own(face) => face,
        }
    }
}

impl Default for Clock {
    /// The operating system's clock.
    fn default() -> Clock {
        Clock::os()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

    #[test]
    fn the_system_clock_never_goes_back() {
        let clock = Clock::os();
        let mut last = clock.now();
        for _ in 0..if cfg!(miri) { 100 } else { 10_000 } {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "under Miri this clock is slower than std's")]
    fn an_instant_and_std_s_name_the_same_moment() {
        let before = std::time::Instant::now();
        let between = Instant::now();
        let after = std::time::Instant::now();
        // The readings that tie the clocks together may be apart as long as this thread was kept from running between
        // them; std's came first.
        assert!(between.into_std() <= after);
        assert!(Instant::from_std(before) + (after - before) >= between);
        for instant in [between, between + YEAR, between - YEAR] {
            assert_eq!(Instant::from_std(instant.into_std()), instant);
            assert_eq!(Instant::from(std::time::Instant::from(instant)), instant);
        }
    }

    #[test]
    fn distances_are_the_same_by_either_clock() {
        let now = Instant::now();
        assert_eq!((now + YEAR).into_std() - now.into_std(), YEAR);
        let std = std::time::Instant::now();
        assert_eq!(Instant::from_std(std + YEAR) - Instant::from_std(std), YEAR);
    }

    #[test]
    fn what_a_clock_cannot_express_is_its_end() {
        let ends = [Instant::FAR_FUTURE, Instant::from_nanos(0)].map(Instant::into_std);
        assert!(ends[0] > std::time::Instant::now() && ends[1] < std::time::Instant::now());
        let far = ends[0] + 200 * YEAR;
        assert_eq!(Instant::from_std(far), Instant::FAR_FUTURE);
    }

    #[test]
    fn the_coarse_clock_follows_the_exact_one() {
        let clock = Clock::os();
        let (start, mut last) = (clock.now(), clock.coarse());
        while last <= start {
            let coarse = clock.coarse();
            assert!(last <= coarse && coarse <= clock.now());
            last = coarse;
        }
        let manual = Clock::manual(start);
        manual.advance(Duration::from_nanos(1));
        assert_eq!(manual.coarse(), manual.now());
    }

    #[test]
    fn threads_agree_on_the_system_clock() {
        let before = Instant::now();
        let seen = std::thread::spawn(Instant::now).join().unwrap();
        assert!(before <= seen);
        assert!(seen <= Instant::now());
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let start = Instant::now();
        let clock = Clock::manual(start);
        assert!(clock.is_stopped());
        assert_eq!(clock.now(), start);
        clock.clone().advance(Duration::from_secs(5));
        assert_eq!(clock.now(), start + Duration::from_secs(5));
    }

    #[test]
    fn a_manual_clock_never_goes_back() {
        let start = Instant::now();
        let clock = Clock::manual(start);
        clock.advance_to(start - Duration::from_secs(1));
        assert_eq!(clock.now(), start);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Instant::FAR_FUTURE);
    }

    #[test]
    fn a_clock_that_was_stopped_goes_on_from_there() {
        let clock = Clock::stoppable();
        let before = system_now();
        assert!(!clock.is_stopped() && clock.now() >= before);
        assert!(clock.stop());
        let stopped = clock.now();
        assert_eq!(clock.coarse(), stopped);
        clock.advance(YEAR);
        assert!(clock.go_on());
        assert!(clock.now() >= stopped + YEAR && !clock.is_stopped());
    }

    #[test]
    #[should_panic(expected = "stop it first")]
    fn a_clock_that_runs_cannot_be_moved() {
        Clock::stoppable().advance(YEAR);
    }

    #[test]
    #[should_panic(expected = "cannot be moved")]
    fn the_system_clock_cannot_be_moved() {
        Clock::default().advance(Duration::ZERO);
    }
}
