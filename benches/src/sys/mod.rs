//! What the harness asks of the operating system: counters of a process, priorities, limits, CPU sets, shared memory.
//!
//! Linux only, as the harness is: it reads `/proc` and drives servers with epoll. Nothing here knows of rows.

pub(crate) mod counters;
pub(crate) mod idle_wake;
pub(crate) mod limits;
pub(crate) mod priority;
pub(crate) mod progress;
pub(crate) mod steps;
