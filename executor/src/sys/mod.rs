//! System calls of this crate: blocking a thread on one word.
//!
//! Contract of both functions, whichever system: `wait` returns when `word` no longer holds
//! `expected`, when `wake_one` was called on it, when `timeout` has passed, or for no reason.

#[cfg(all(target_os = "linux", not(all(test, filch_loom))))]
mod linux;
#[cfg(all(test, filch_loom))]
mod model;
#[cfg(all(not(target_os = "linux"), not(all(test, filch_loom))))]
mod other;

#[cfg(all(target_os = "linux", not(all(test, filch_loom))))]
pub(crate) use linux::{wait, wake_one};
#[cfg(all(test, filch_loom))]
pub(crate) use model::{wait, wake_one};
#[cfg(all(not(target_os = "linux"), not(all(test, filch_loom))))]
pub(crate) use other::{wait, wake_one};
