//! The backstop's eye on the workers: who is stuck in a long poll, and who has to come instead.
//!
//! A worker whose tick stands still for the stall threshold is stuck; one that is then found to wait for
//! something, after a quarter of it. Whether it computes, is blocked or waits for a processor, the operating
//! system knows: its processor time goes on; or it stands still and the thread is asleep, or is not. The
//! monitor marks the poll (`signs/watch.rs`), which makes what waits behind it everybody's; it wakes an idle worker
//! to take it, and calls spare threads and sends them home as `rescue/staff.rs` decides.
//!
//! Polls that were announced it only counts. Of one that was to compute it asks now and then whether it does; and one
//! that keeps others in the slow lane waiting for long, or blocks, makes way for them. If everybody is stuck and no
//! spare thread is left, it has that said.
//!
//! The backstop's thread comes in, at every look. Never in here: the count of threads that there should be
//! (`rescue/staff.rs` decides), and a wait of any kind.

mod view;

mod poll;
mod report;
mod standstill;

mod look;

pub(crate) use look::Monitor;
pub(crate) use view::View;
