//! System calls of this crate: blocking a thread on one word, and precise timeouts.
//!
//! Contract, whichever system: `wait` returns when `word` no longer holds `expected`, when `wake_one`
//! was called on it, when `timeout` has passed, or for no reason. While a `PreciseTimeouts` lives, its
//! thread's timeouts are as precise as the system can make them.

#[cfg(all(target_os = "linux", not(all(test, filch_loom))))]
mod linux;
#[cfg(all(test, filch_loom))]
mod model;
#[cfg(all(not(target_os = "linux"), not(all(test, filch_loom))))]
mod other;

#[cfg(all(target_os = "linux", not(all(test, filch_loom))))]
pub(crate) use linux::{PreciseTimeouts, wait, wake_one};
#[cfg(all(test, filch_loom))]
pub(crate) use model::{PreciseTimeouts, wait, wake_one};
#[cfg(all(not(target_os = "linux"), not(all(test, filch_loom))))]
pub(crate) use other::{PreciseTimeouts, wait, wake_one};
