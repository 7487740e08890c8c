//! Who sleeps, and who is woken: the idle protocol, a thread's sleep, and the backstop's deep one.
//!
//! Workers come in before they sleep; whoever has published something comes in afterwards to learn whether somebody has
//! to be woken, and who. The head of `idle.rs` argues why no wake is lost.
//!
//! Never in here: what the work is. Threads are numbers here, and no queue and no task is known; what there is to do,
//! the caller has looked at.

pub(crate) mod parker;

pub(crate) mod deep;
pub(crate) mod idle;
pub(crate) mod pause;
