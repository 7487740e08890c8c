//! Sleeping, repeating, and giving up after a time.
//!
//! - [`sleep`] and [`sleep_until`] wait; a [`Sleep`] can be reset, also while it is waited for.
//! - [`interval`] and [`interval_at`] tick; [`MissedTick`] says what happens when a tick comes late.
//! - [`timeout`], [`timeout_at`] and [`FutureExt::timeout`] drop a future that takes too long, and return [`Elapsed`].
//! - [`deadline`] and [`deadline_at`] are the same for a block that may move its limit.
//! - [`pause`], [`advance`] and [`resume`] are for tests, which have no time; [`hold`] is for what they cannot see.
//!
//! All deadlines are [`Instant`]s of a monotonic clock, in nanoseconds; std's become such with [`Instant::from_std`].
//! Nothing here is ever early. How late it is follows from the operating system's wake-up (some tens of microseconds on
//! an idle machine) and from what else the worker does; there is no tick to round to. A duration that is too long for
//! the clock, which takes centuries, means [`Instant::FAR_FUTURE`].
//!
//! The names are tokio's and so are their meanings, except that `sleep` of no time yields exactly once, that [`Sleep`]
//! needs no pinning, and that an interval which is late by a whole period counts as late, however short the period.
//!
//! Calling these functions needs no runtime; polling what they return does.

// Everything here is a thin layer over the executor's timer leaf (`filch_executor::Timer`), which knows how deadlines
// get into a worker's wheel.

mod sleep;

mod interval;

mod timeout;

mod deadline;

mod ext;

mod pausing;

pub use deadline::{Deadline, deadline, deadline_at};
pub use ext::FutureExt;
pub use filch_timer::Instant;
pub use interval::{Interval, MissedTick, interval, interval_at};
pub use pausing::{advance, hold, pause, resume};
pub use sleep::{Sleep, sleep, sleep_until};
pub use std::time::Duration;
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};

/// [`MissedTick`], by the name that tokio has for it.
pub type MissedTickBehavior = MissedTick;

pub mod error {
    //! The errors of time, where tokio has them.

    pub use super::Elapsed;
}

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use super::deadline::WithinDeadline;
    pub use super::interval::Tick;
    pub use super::pausing::{Advance, Hold};
}
