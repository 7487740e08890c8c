//! All pointer work on a task's allocation.
//!
//! There are the [`Header`] and the two types that point to it: [`Runnable`], the right to run the task, and
//! [`TaskRef`], a counted reference. What can be done with them:
//!
//! - `header.rs`: these types, and what all of them are given up by;
//! - `cell.rs`: what depends on the future's type: allocation, and the functions behind the vtable;
//! - `waker.rs`: the wakers;
//! - `run.rs`: one run, and the completion;
//! - `task_ref.rs`: abort, join and detach.
//!
//! The rules that the SAFETY comments cite, here and in those files, are numbered in `task/mod.rs`; which transition
//! allows what is in `state.rs`. No queue and no thread is known here, only [`Scheduler`](super::Scheduler).

mod header;

mod cell;
mod waker;

mod run;
mod task_ref;

pub(crate) use cell::{Allocated, NewTask, allocate};
pub(crate) use header::{Header, Runnable, TaskRef};
pub use waker::is_task_waker;
