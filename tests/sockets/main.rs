//! Sockets for who does more with them than read and write: readiness, `poll_*`, options before, pipes.

#[path = "../net_support/mod.rs"]
mod net_support;

mod readiness;

mod by_hand;

mod prepared;

#[cfg(unix)]
mod pipes;
