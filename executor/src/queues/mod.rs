//! Where a runnable waits: a worker's own queue and its next-task slot, the injector that all share, and the slow lane
//! with its permits. Threads in `block_on` have queues of the same kind (`seats/guests.rs`).
//!
//! Whoever schedules a task puts it into one of these, and whoever works takes it out or steals it.
//!
//! Never in here: which of them a task goes to (`seats/schedule.rs`), the order in which a worker asks them
//! (`worker/search.rs`), and whom a push wakes.

pub(crate) mod queue;

pub(crate) mod slot;

pub(crate) mod permits;

pub(crate) mod lane;
