//! Where what dropped scopes leave behind is gathered on this thread, while a combinator drops futures, or a group
//! polls its body.

use crate::task::Cancelled;
use crate::task::remains::List;
use std::cell::Cell;
use std::fmt;

/// A drain that is open on the stack of this thread.
#[derive(Default)]
pub(crate) struct Open {
    pub(crate) list: List,
    /// What is polled here can be cancelled for itself: it is a group's body.
    pub(crate) is_scope: bool,
    /// Somebody in it asked for that.
    pub(crate) cancelled: Cell<Option<Cancelled>>,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").finish_non_exhaustive()
    }
}
