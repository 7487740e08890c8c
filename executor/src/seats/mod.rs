//! A runtime's shared part and its places of work.
//!
//! A *seat* is a worker's identity. `core.rs` is the half that its holder owns, `remotes.rs` the half that others
//! see, `roster.rs` and `spares.rs` say who gets one. `guests.rs` has the places of threads in `block_on`. `kit.rs` is
//! what either spawns with, and `outside.rs` what other threads do. `shared.rs` has what all threads share, and
//! `wake.rs`, `help.rs` and `end.rs` what they do with it, and `pause.rs` with its clock; `choices.rs` has what users'
//! code chooses by, `pen.rs` what branches say. `context.rs` is what the current thread is doing, with the current
//! poll's budget in `turn.rs`; `scope.rs` has the guards that set it. `schedule.rs` says where a task goes that becomes
//! runnable.
//!
//! Futures come in through the context, tasks through their scheduler pointer, threads with the shared part in hand.
//!
//! Never in here: a loop that runs tasks, and the start of a thread. Those are above, in `worker`, `rescue` and
//! `runtime`.

pub(crate) mod remotes;

pub(crate) mod peer;

mod choices;

mod kit;

pub(crate) mod pen;

pub(crate) mod core;

pub(crate) mod guests;

mod outside;

mod spare_seats;

pub(crate) mod roster;
pub(crate) mod spares;

pub(crate) mod hooks;

pub(crate) mod shared;

mod end;
mod help;
mod wake;

mod turn;

pub(crate) mod open;

pub(crate) mod context;
pub(crate) mod scope;

pub(crate) mod visit;

pub(crate) mod around;

#[cfg(feature = "tokio")]
pub(crate) mod tokio;

mod pause;

pub(crate) mod schedule;
