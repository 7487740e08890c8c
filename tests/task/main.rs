//! Tasks through the public API: handles, aborts, panics, fairness, introspection and task-locals.

#[path = "../common/mod.rs"]
mod common;

mod abort;
mod drops;
mod dump;
mod fairness;
mod handles;
mod hostile;
mod info;
mod locals;
mod panics;
