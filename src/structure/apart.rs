//! A group whose children end each for itself, for who serves strangers: `net::serve`.
//!
//! A [`TaskGroup`] in all but one thing: what becomes of a child is the matter of its own task, so a panic is reported
//! as that of any task that nobody awaits, and cancels no sibling.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::task::{Context, Poll};

use filch_executor::leaf::{self, WaitKind};

use super::attempt::Counted;
use super::children::{Keep, Scope};
use super::group::TaskGroup;
use super::group_run::GroupRun;
use crate::sync::OwnedSemaphorePermit;

/// The handle that the group's body gets. As others', it can be cloned and kept.
#[derive(Clone)]
pub(crate) struct Apart(TaskGroup<Infallible>);

impl Apart {
    /// As [`TaskGroup::run`], for a group that was made at `at`.
    pub(crate) fn run<F, Fut, T>(
        at: &'static Location<'static>,
        body: F,
    ) -> GroupRun<Fut, T, Infallible>
    where
        F: FnOnce(Apart) -> Fut,
        Fut: Future<Output = Result<T, Infallible>>,
    {
        let scope = Scope::new(Keep::Nothing, at);
        let group = TaskGroup { scope };
        GroupRun::new(&group, body(Apart(group.clone())))
    }

    /// Spawns a child, which holds `permit` until it is gone.
    pub(crate) fn spawn<F>(&self, permit: Option<OwnedSemaphorePermit>, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let scope = &self.0.scope;
        let mut guard = self.0.enter_at(scope.at);
        guard.permit = permit;
        let place = guard.place();
        let handle = filch_executor::spawn_at(Counted::new(future, guard), scope.at);
        scope.adopt(place, handle.abort_handle());
    }

    /// Waits until no child is there. Of the body's task alone.
    pub(crate) fn poll_empty(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.scope.poll_gone(WaitKind::Group, cx)
    }

    /// Cancels the children that are there. The body, which does so, is expected to return.
    pub(crate) fn cancel_because(&self, reason: &str) {
        let by = leaf::cancelled_by_current(self.0.scope.at, Some(reason.into()));
        self.0.scope.cancel(by);
    }
}

impl fmt::Debug for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
