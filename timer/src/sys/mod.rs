//! The one system call of this crate: reading the monotonic clock. `anchor` reads std's beside it, once.
//!
//! Contract, whichever system: `now` gives nanoseconds since some moment that is the same for all threads of the
//! process; it never goes back. `at_last_tick` gives what `now` gave some milliseconds ago at most, and is cheaper where
//! the system can do that.

mod anchor;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

pub(crate) use anchor::anchor;
#[cfg(target_os = "linux")]
pub(crate) use linux::{at_last_tick, now};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{at_last_tick, now};
