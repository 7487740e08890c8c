//! How those who wait for a signal are woken: a [`Seat`] waits until the bell is rung, and looks.
//!
//! `watched` is for Linux: the bell is a descriptor, and each runtime's poller watches a duplicate of it. `rung` is for
//! systems where a thread rings it.

#[cfg(target_os = "linux")]
mod watched;
#[cfg(target_os = "linux")]
pub(crate) use watched::{Seat, ring};

#[cfg(any(not(target_os = "linux"), test))]
mod rung;
#[cfg(not(target_os = "linux"))]
pub(crate) use rung::{Seat, ring};
