//! What becomes of a long poll: who notices it, and who goes on with everything else.
//!
//! `away.rs` is for a task that says so beforehand, `monitor/` finds those that do not, `staff.rs` decides how many
//! threads that takes, and `backstop.rs` is the reactor thread, which runs the monitor and stands in for busy workers.
//!
//! Never in here: users' code on the backstop's thread, and the start of a thread, which `runtime/threads.rs` does.

pub(crate) mod away;

pub(crate) mod staff;

pub(crate) mod monitor;

pub(crate) mod backstop;
