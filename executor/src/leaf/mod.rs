//! What futures of ours wait through: readiness, deadlines, other tasks.
//!
//! A *leaf* is a future that waits for something outside. Every leaf does three things in the same way: it spends
//! budget (`budget.rs`), tries, and says what it waits for (`record.rs`). So a task that is never short of work still
//! lets others run, and introspection can tell what each task waits for. `filch` comes in here for its own leaves.
//!
//! Never in here: what a leaf does when it is tried, and any thread that would wait in its place.

mod choice;

mod record;

mod branch;

mod budget;

mod asked;

mod io;

mod drain;

pub(crate) mod join;
pub(crate) mod local_key;
pub(crate) mod timer;
pub(crate) mod unconstrained;

pub use crate::task::wait::{Wait, WaitKind};
pub use crate::task::{AtEnd, Remains, report, unreported};
pub use asked::{
    Answer, Ask, Asked, CanBeAsked, IsPolled, Kind, Manner, Polled, ask_within_budget,
};
pub use branch::{Notes, Records};
pub use budget::{poll_budget, poll_budget_left, poll_budget_of, poll_call_of};
pub use choice::choose;
pub use drain::{Drain, at_end_of_task, cancel_nearest, cancelled_by_current, hand_over};
pub use io::{Transfer, poll_io, poll_transfer};
pub(crate) use record::record_in;
pub use record::{Said, last_wait, record, record_holder, record_lock, take_back, task_id};
