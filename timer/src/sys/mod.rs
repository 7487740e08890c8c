//! The one system call of this crate: reading the monotonic clock. `anchor` reads std's beside it, once.
//!
//! Contract, whichever system: `now` gives nanoseconds since some moment that is the same for all threads of the
//! process; it never goes back. `at_last_tick` gives what `now` gave some milliseconds ago at most, and is cheaper
//! where the system can do that.

mod anchor;
#[cfg(all(target_os = "linux", not(miri)))]
mod linux;
#[cfg(miri)]
mod miri;
#[cfg(all(not(target_os = "linux"), not(miri)))]
mod other;

pub(crate) use anchor::anchor;
#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) use linux::{at_last_tick, now};
#[cfg(miri)]
pub(crate) use miri::{at_last_tick, now};
#[cfg(all(not(target_os = "linux"), not(miri)))]
pub(crate) use other::{at_last_tick, now};
