//! Miri: std's monotonic clock, slowed down as much as the interpreter slows down the program, or nearly. So what is
//! long or late by this clock is so for the program's sake: polls that last a microsecond are not taken for stuck ones.

use std::sync::OnceLock;
use std::time::Instant;

/// How many nanoseconds pass outside while one does here. The executor's and the reactor's waits know this too.
const SLOWER: u128 = 100;

static EPOCH: OnceLock<Instant> = OnceLock::new();

pub(crate) fn now() -> u64 {
    let epoch = *EPOCH.get_or_init(Instant::now);
    (Instant::now().saturating_duration_since(epoch).as_nanos() / SLOWER) as u64
}

/// The same: nothing is cheaper here.
pub(crate) fn at_last_tick() -> u64 {
    now()
}
