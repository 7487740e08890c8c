//! Where the time comes from.
//!
//! This is the only file of the workspace that asks the operating system for the time, through
//! [`std::time::Instant`]. Whoever needs the time takes a [`Clock`], so that it can be virtual; the executor has one per runtime.

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

    /// Moves a virtual clock forward to `when`. A clock that is already there or past it stays as it is: time never goes back.
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

    #[test]
    fn the_system_clock_never_goes_back() {
        let clock = Clock::os();
        let mut last = clock.now();
        for _ in 0..10_000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
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
