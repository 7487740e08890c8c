//! A point in time as a number of nanoseconds.
//!
//! [`Instant`] is the runtime's own type, and not a wrapper of [`std::time::Instant`], so that a virtual clock can make
//! one, an atomic can hold one and a wheel can take one apart digit by digit. What the time is now is no business
//! of this file: [`Clock`](crate::Clock) tells it.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

/// The operating system's clock starts at this many nanoseconds (146 years), so that a program may subtract years
/// from an instant that it got right after its start. 438 years are left for the future.
const ORIGIN: u64 = 1 << 62;

/// A measurement of a monotonic clock, in nanoseconds.
///
/// It has the interface of [`std::time::Instant`]. Two instants can be compared and subtracted if they come
/// from the same clock; an instant says nothing about the time of day. All of `filch::time` speaks in this type, so
/// that a program's time can be virtual in tests and simulations.
///
/// # Examples
///
/// ```
/// # mod filch { pub mod time { pub use filch_timer::Instant; } }
/// use filch::time::Instant;
/// use std::time::Duration;
///
/// let start = Instant::now();
/// let deadline = start + Duration::from_millis(20);
/// assert_eq!(deadline - start, Duration::from_millis(20));
/// assert!(start.elapsed() < Duration::from_secs(3600));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The latest instant there is: centuries away, as good as never. Sums that would lie behind it saturate to it in
    /// [`saturating_add`](Instant::saturating_add), and so does a sleep of any length.
    ///
    /// ```
    /// # mod filch { pub mod time { pub use filch_timer::Instant; } }
    /// use filch::time::Instant;
    /// use std::time::Duration;
    ///
    /// assert_eq!(Instant::now().saturating_add(Duration::MAX), Instant::FAR_FUTURE);
    /// ```
    // One less than the largest number, which is free to mean "no deadline" wherever an atomic holds an instant.
    pub const FAR_FUTURE: Instant = Instant(u64::MAX - 1);

    /// Where the operating system's clock starts, and a good start for a virtual one.
    pub(crate) const ORIGIN: Instant = Instant(ORIGIN);

    /// The instant that lies `nanos` nanoseconds after the earliest one. The largest number, `u64::MAX`, counts as
    /// [`FAR_FUTURE`](Instant::FAR_FUTURE).
    ///
    /// Together with [`as_nanos`](Instant::as_nanos) this stores instants elsewhere, such as in an atomic.
    ///
    /// ```
    /// # mod filch { pub mod time { pub use filch_timer::Instant; } }
    /// use filch::time::Instant;
    /// let now = Instant::now();
    /// assert_eq!(Instant::from_nanos(now.as_nanos()), now);
    /// ```
    pub const fn from_nanos(nanos: u64) -> Instant {
        if nanos == u64::MAX {
            Instant::FAR_FUTURE
        } else {
            Instant(nanos)
        }
    }

    /// As `saturating_add`, for the clock.
    #[inline]
    pub(crate) const fn saturating_add_nanos(self, nanos: u64) -> Instant {
        Instant::from_nanos(self.0.saturating_add(nanos))
    }

    /// The number of nanoseconds since the earliest instant. It carries no meaning of its own: the operating
    /// system's clock starts at 2^62.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time that passed from `earlier` to this instant, or zero if `earlier` is the later of the two.
    ///
    /// ```
    /// # mod filch { pub mod time { pub use filch_timer::Instant; } }
    /// use filch::time::Instant;
    /// use std::time::Duration;
    ///
    /// let start = Instant::now();
    /// let later = start + Duration::from_secs(1);
    /// assert_eq!(later.duration_since(start), Duration::from_secs(1));
    /// assert_eq!(start.duration_since(later), Duration::ZERO);
    /// ```
    pub const fn duration_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The same as [`duration_since`](Instant::duration_since), under the name that says what happens when `earlier`
    /// is the later of the two.
    pub const fn saturating_duration_since(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }

    /// The time that passed from `earlier` to this instant, or `None` if `earlier` is the later of the two.
    pub const fn checked_duration_since(self, earlier: Instant) -> Option<Duration> {
        match self.0.checked_sub(earlier.0) {
            Some(nanos) => Some(Duration::from_nanos(nanos)),
            None => None,
        }
    }

    /// The time that passed since this instant by the operating system's clock, or zero if it lies in the future.
    pub fn elapsed(self) -> Duration {
        Instant::now().duration_since(self)
    }

    /// This instant and `duration`, or `None` if that lies after [`FAR_FUTURE`](Instant::FAR_FUTURE).
    pub const fn checked_add(self, duration: Duration) -> Option<Instant> {
        match self.0.checked_add(nanos(duration)) {
            None | Some(u64::MAX) => None,
            Some(sum) => Some(Instant(sum)),
        }
    }

    /// This instant less `duration`, or `None` if there is no such instant. From the operating system's clock, 146
    /// years can always be subtracted.
    pub const fn checked_sub(self, duration: Duration) -> Option<Instant> {
        match self.0.checked_sub(nanos(duration)) {
            Some(difference) => Some(Instant(difference)),
            None => None,
        }
    }

    /// This instant and `duration`, or [`FAR_FUTURE`](Instant::FAR_FUTURE) if that would lie after it.
    pub const fn saturating_add(self, duration: Duration) -> Instant {
        Instant::from_nanos(self.0.saturating_add(nanos(duration)))
    }
}

/// A duration in nanoseconds; one that is too long for a `u64` (584 years) becomes `u64::MAX`, which overflows in any
/// sum that matters.
const fn nanos(duration: Duration) -> u64 {
    match duration.as_secs().checked_mul(1_000_000_000) {
        Some(nanos) => nanos.saturating_add(duration.subsec_nanos() as u64),
        None => u64::MAX,
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    ///
    /// If the sum lies after [`Instant::FAR_FUTURE`]. [`Instant::saturating_add`] does not panic.
    #[track_caller]
    fn add(self, duration: Duration) -> Instant {
        self.checked_add(duration)
            .expect("overflow when adding a duration to an instant")
    }
}

impl AddAssign<Duration> for Instant {
    #[track_caller]
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    ///
    /// If there is no such instant, which takes 146 years on the operating system's clock.
    #[track_caller]
    fn sub(self, duration: Duration) -> Instant {
        self.checked_sub(duration)
            .expect("overflow when subtracting a duration from an instant")
    }
}

impl SubAssign<Duration> for Instant {
    #[track_caller]
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    /// The same as [`Instant::duration_since`]: zero if `earlier` is the later of the two.
    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

/// Shows the seconds since the operating system's clock started: on Linux, since the system did.
impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < ORIGIN { "-" } else { "" };
        write!(
            f,
            "Instant({sign}{:?})",
            Duration::from_nanos(self.0.abs_diff(ORIGIN))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

    #[test]
    fn a_century_can_be_subtracted_from_now() {
        let now = Instant::now();
        let then = now.checked_sub(100 * YEAR).unwrap();
        assert_eq!(now - then, 100 * YEAR);
        assert_eq!(now.checked_sub(200 * YEAR), None);
    }

    #[test]
    fn centuries_can_be_added_to_now() {
        let now = Instant::now();
        assert_eq!((now + 400 * YEAR) - now, 400 * YEAR);
        assert_eq!(now.checked_add(500 * YEAR), None);
        assert_eq!(now.checked_add(Duration::MAX), None);
    }

    #[test]
    fn sums_saturate_to_the_far_future() {
        assert_eq!(
            Instant::now().saturating_add(Duration::MAX),
            Instant::FAR_FUTURE
        );
        assert_eq!(
            Instant::FAR_FUTURE.saturating_add(Duration::ZERO),
            Instant::FAR_FUTURE
        );
        assert_eq!(
            Instant::FAR_FUTURE.checked_add(Duration::from_nanos(1)),
            None
        );
        assert_eq!(Instant::from_nanos(u64::MAX), Instant::FAR_FUTURE);
    }

    #[test]
    fn differences_saturate_to_zero() {
        let now = Instant::now();
        let later = now + YEAR;
        assert_eq!(now - later, Duration::ZERO);
        assert_eq!(now.saturating_duration_since(later), Duration::ZERO);
        assert_eq!(now.checked_duration_since(later), None);
        assert_eq!(later.checked_duration_since(now), Some(YEAR));
        assert_eq!(later.elapsed(), Duration::ZERO);
    }

    #[test]
    fn assignment_moves_an_instant() {
        let mut instant = Instant::ORIGIN;
        instant += YEAR;
        instant -= YEAR;
        assert_eq!(instant, Instant::ORIGIN);
    }

    #[test]
    #[should_panic(expected = "overflow when adding")]
    fn adding_too_much_panics() {
        let _ = Instant::now() + Duration::MAX;
    }

    #[test]
    #[should_panic(expected = "overflow when subtracting")]
    fn subtracting_too_much_panics() {
        let _ = Instant::now() - Duration::MAX;
    }

    #[test]
    fn debug_shows_the_distance_from_the_origin() {
        let second = Duration::from_secs(1);
        assert_eq!(format!("{:?}", Instant::ORIGIN + second), "Instant(1s)");
        assert_eq!(format!("{:?}", Instant::ORIGIN - second), "Instant(-1s)");
    }
}
