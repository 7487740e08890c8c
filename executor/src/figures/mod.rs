//! What is counted and reported: each worker's counters, and which tasks' polls were slow.
//!
//! Workers and the backstop add to it, `Handle::metrics` reads it out, and the warning about a slow poll takes its text
//! from here.
//!
//! Never in here: anything that the scheduler decides by. That is what `signs` is for; a figure may be late or rough
//! without any harm.

pub(crate) mod slow_polls;
pub(crate) mod standstill;

pub(crate) mod metrics;
mod prometheus;
