//! The loop of a thread that holds a seat: take a task, run it; find none, look for others'; find
//! none, sleep until there is one, an I/O event, or a deadline.
//!
//! It is run by the runtime's own threads, spare ones included (`runtime/threads.rs`), and by a caller of `run`
//! (`runtime/block_on.rs`); a `LocalRuntime` has a loop of its own, made of the same parts (`runtime/local.rs`).
//!
//! Never in here: which thread gets a seat (`seats`), and what becomes of the others when a poll is long (`rescue`).
//!
//! - `run.rs`: the loop itself;
//! - `search.rs`: where the next task comes from;
//! - `upkeep.rs`: I/O events and timers, between two polls;
//! - `poll.rs`: a task's run, and what is learnt from it;
//! - `time.rs`: how a paused clock moves on;
//! - `sleep.rs`: the sleep, in the poller or on the parker's word.

mod run;

mod search;
mod upkeep;

mod poll;
pub(crate) mod time;

mod sleep;

pub(crate) use run::{AbortOnUnwind, Exit, Worker};
pub(crate) use upkeep::events_of_turn;
