//! `cancel_everywhere`: what it does to a future, and every future of filch under it.

#[path = "../common/mod.rs"]
mod common;

mod tool;

use std::time::Duration;

/// Passes at once: the clock is paused.
const SOON: Duration = Duration::from_secs(1);
