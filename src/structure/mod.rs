//! Structure: several futures as one, none of them left behind.
//!
//! Two families, told apart by where the futures run:
//!
//! | | runs | may borrow | an error |
//! |---|---|---|---|
//! | [`gather!`](crate::gather!), [`gather`], [`gather_results`] | each future as a task of its own, on every core | no: `Send + 'static` | cancels the siblings and waits until they are gone |
//! | [`join!`](crate::join!), [`try_join!`](crate::try_join!) | all futures inside the calling task, one at a time | yes | drops the siblings at once |
//!
//! This is not where single tasks are made or joined: that is `spawn` and `JoinHandle`.
//!
//! Reading order: `named.rs` gives the macros' futures names, `join.rs` polls them in place, `children.rs` counts tasks
//! and keeps their first failure, `gather.rs` builds the gathers on it.

mod named;

mod join;

mod children;

mod gather;

pub use gather::{Gather, GatherResults, gather, gather_results};

/// What the expansions of this module's macros name.
pub(crate) mod expansion {
    pub use super::children::{Child, Children};
    pub use super::join::Turn;
    pub use futures_util::future::{maybe_done, try_maybe_done};
}
