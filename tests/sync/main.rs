//! Channels, locks and signals through the public API.
//!
//! Order and cancellation are tested by polling futures by hand, where every step is known; the rest in tasks, on
//! threads, and under load.

#[path = "../common/mod.rs"]
mod common;

mod broadcast;
mod by_hand;

mod hostile;
mod meet;
mod mpsc;
mod mutex;
mod notify;
mod once;
mod oneshot;
mod panics;
mod permits;
mod print;
mod queue;
mod rwlock;
mod semaphore;
mod stress;
mod waits;
mod watch;
