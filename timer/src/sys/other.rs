//! Any system: std's monotonic clock, counted from the first reading.

use std::sync::OnceLock;
use std::time::Instant;

static EPOCH: OnceLock<Instant> = OnceLock::new();

pub(crate) fn now() -> u64 {
    let epoch = *EPOCH.get_or_init(Instant::now);
    // 2^64 ns are 584 years.
    Instant::now().saturating_duration_since(epoch).as_nanos() as u64
}

/// std has no cheaper clock.
pub(crate) fn at_last_tick() -> u64 {
    now()
}
