//! Which tasks live, which threads wait for a runtime, and when all of it is over.
//!
//! A spawn registers its task here, and its completion takes it out. The shutdown closes the registry and asks when the
//! end has come; introspection walks through it. Which task holds a lock that others
//! wait for is written down beside it (`holders.rs`).
//!
//! Never in here: running or waking a task. The registry aborts nothing by itself: it hands out references, and the
//! caller does.

pub(crate) mod holders;
pub(crate) mod table;

pub(crate) mod tasks;

pub(crate) mod bell;
pub(crate) mod callers;
pub(crate) mod delay;
pub(crate) mod ending;
pub(crate) mod threads;
