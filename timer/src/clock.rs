//! Where the time comes from.
//!
//! This is the only file of the workspace that asks the operating system for the time (through `sys`). Whoever needs
//! the time takes a [`Clock`], so that it can be virtual; the executor has one per runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::instant::Instant;
use crate::sys;

/// When the operating system's clock was first read; its instants count from here.
impl Instant {
    /// What the operating system's monotonic clock says now. It is the same for all threads of the process and never
    /// goes back.
    ///
    /// ```
    /// # mod filch { pub mod time { pub use filch_timer::Instant; } }
    /// use filch::time::Instant;
    /// let before = Instant::now();
    /// assert!(Instant::now() >= before);
    /// ```
    pub fn now() -> Instant {
        Instant::ORIGIN.saturating_add_nanos(sys::now())
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

/// A source of [`Instant`]s: the operating system's monotonic clock, or a virtual one that moves only by hand.
///
/// Clones of a virtual clock share its time.
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
    /// The virtual time in nanoseconds.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The operating system's monotonic clock.
    pub const fn os() -> Clock {
        Clock(Source::Os)
    }

    /// A virtual clock that shows `start` until somebody moves it.
    pub fn manual(start: Instant) -> Clock {
        Clock(Source::Manual(Arc::new(AtomicU64::new(start.as_nanos()))))
    }

    /// Whether this clock is virtual.
    pub const fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// The time by this clock.
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::Os => Instant::now(),
            // Orderings: Acquire pairs with the Release of `advance_to`: whoever sees the new time also sees what was
            // done before the clock was moved.
            Source::Manual(time) => Instant::from_nanos(time.load(Ordering::Acquire)),
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
        match &self.0 {
            Source::Os => Instant::ORIGIN.saturating_add_nanos(sys::at_last_tick()),
            Source::Manual(_) => self.now(),
        }
    }

    /// Moves a virtual clock forward by `duration`, at most to [`Instant::FAR_FUTURE`]. Only one thread may move a
    /// clock by distances; [`advance_to`](Clock::advance_to) has no such condition.
    ///
    /// # Panics
    ///
    /// If this is the operating system's clock.
    #[track_caller]
    pub fn advance(&self, duration: Duration) {
        self.advance_to(self.now().saturating_add(duration));
    }

    /// Moves a virtual clock forward to `when`. A clock that is already there or past it stays as it is: time never
    /// goes back.
    ///
    /// # Panics
    ///
    /// If this is the operating system's clock.
    #[track_caller]
    pub fn advance_to(&self, when: Instant) {
        match &self.0 {
            Source::Os => {
                panic!("the operating system's clock cannot be moved; use `Clock::manual`")
            }
            // Orderings: Release, for the Acquire in `now`.
            Source::Manual(time) => time.fetch_max(when.as_nanos(), Ordering::Release),
        };
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
        assert!(clock.is_manual());
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
    #[should_panic(expected = "cannot be moved")]
    fn the_system_clock_cannot_be_moved() {
        Clock::default().advance(Duration::ZERO);
    }
}
