//! Memory for tasks. What ended tasks leave behind is kept, by size, for the tasks that are spawned next.
//!
//! An allocation and its end cost about as much as the rest of a short task's life (docs/architecture.md). So
//! a worker has a [`Store`], which it lends to its thread while it works. Whoever frees a task puts its memory
//! into the store of the thread that it is on, whichever worker it came from; a thread without one goes to the
//! allocator.
//!
//! A store keeps two bundles of each size, and what is beyond goes to the runtime's [`Depot`], a whole bundle at a
//! time. There stores that have run out find it: where one worker spawns and others end the tasks, memory goes back
//! without a lock, here or in the allocator, for each of them. Bonwick and Adams, "Magazines and Vmem", USENIX 2001,
//! have the idea.

mod shelf;

mod depot;

mod store;

mod lent;

pub(crate) use depot::Depot;
pub(crate) use lent::{Lent, lend};
pub(super) use lent::{allocate, free};
pub(crate) use store::Store;
