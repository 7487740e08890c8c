//! Structure: several futures as one, none of them left behind.
//!
//! Two families, told apart by where the futures run ([`wait`] and [`as_completed`] take handles of tasks, too):
//!
//! | | runs | may borrow | an error |
//! |---|---|---|---|
//! | [`gather!`](crate::gather!), [`gather`], [`gather_results`] | each future as a task of its own, on every core | no: `Send + 'static` | cancels the siblings and waits until they are gone |
//! | [`join!`](crate::join!), [`try_join!`](crate::try_join!) | all futures inside the calling task, one at a time | yes | drops the siblings at once |
//! | [`select!`](crate::select!), [`race!`](crate::race!), [`race`] | the same, until the first is ready | yes | is an output like any other |
//!
//! This is not where single tasks are made or joined: that is `spawn` and `JoinHandle`.
//!
//! Reading order: `named.rs` gives the macros' futures names, `join.rs` polls them in place, `branches.rs` knows which
//! of them `select.rs` still polls, `futures_unordered.rs` is a set of them, `first.rs` has the first of many.
//! `members.rs` and `children.rs` count tasks and keep their failures, and `attempt.rs` is what their futures are
//! wrapped in; `given.rs` tells handles of tasks from futures. Gathers in `waiter.rs` and `gather.rs` are built on
//! that. How scopes that are dropped find somebody who waits is told in the executor, at the head of `leaf/drain.rs`.

mod named;

mod join;

mod branches;
mod select;

mod futures_unordered;

mod first;

mod slab;

mod members;

mod children;
mod gone;
mod holder;

mod attempt;
mod given;

mod waiter;

mod gather;

mod child;
mod group_error;
mod until;

mod group;
mod group_run;
mod limit;

mod join_next;
mod join_set;

#[cfg(feature = "net")]
mod apart;

mod run_until;
mod token;

mod abort_on_drop;
mod persist;

mod lost_error;
mod shield;

mod tidy;

mod cleanup;

pub use abort_on_drop::AbortOnDrop;
#[cfg(feature = "net")]
pub(crate) use apart::Apart;
pub use child::{Child, Outcome};
pub use cleanup::{Cleanup, CleanupWith, cleanup, cleanup_with};
pub use first::{Race, WaitFor, When, as_completed, race, wait};
pub use futures_unordered::FuturesUnordered;
pub use gather::{Gather, GatherResults, gather, gather_results};
pub use group::{GroupEnded, TaskGroup};
pub use group_error::GroupError;
pub use group_run::GroupRun;
pub use join_next::{JoinAll, JoinNext, JoinNextWithId, Shutdown};
pub use join_set::JoinSet;
pub use limit::{Limit, LimitedGroup, SpawnLimited};
pub use run_until::{RunUntil, RunUntilCancelled};
pub use shield::{Shield, shield};
pub use tidy::{CleanupOutput, Finish};
pub use token::{CancelToken, DropGuard};
pub use until::UntilCancelled;

/// What the expansions of this module's macros name.
pub(crate) mod expansion {
    pub use super::branches::{Branches, enabled, made};
    pub use super::join::{Turn, success};
    pub use super::waiter::{Children, Member};
    pub use filch_executor::leaf::{CanBeAsked, Drain, IsPolled, Kind, Notes, Records, WaitKind};
    pub use futures_util::future::{MaybeDone, maybe_done};
}
