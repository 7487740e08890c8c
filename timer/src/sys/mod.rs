//! The one system call of this crate: reading the monotonic clock.
//!
//! Contract, whichever system: `now` gives nanoseconds since some moment that is the same for all threads of the
//! process; it never goes back.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::now;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::now;
