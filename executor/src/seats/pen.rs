//! What the leaves of a branch say while it is polled; `leaf/branch.rs` says where that goes.

use crate::task::board::NIL;
use crate::task::wait::Wait;
use std::cell::Cell;

/// What the leaves of the branch that is being polled say.
#[derive(Debug)]
pub(crate) struct Pen {
    /// What the first of them waits for.
    pub(crate) wait: Cell<Option<Wait>>,
    /// The node of the first combinator in it.
    pub(crate) inner: Cell<u32>,
    /// The node of the set whose futures are polled now.
    pub(crate) set: u32,
}

impl Pen {
    pub(crate) fn new(set: u32) -> Pen {
        Pen {
            wait: Cell::new(None),
            inner: Cell::new(NIL),
            set,
        }
    }

    /// A leaf waits. The first one counts.
    #[cold]
    pub(crate) fn note(&self, wait: Wait) {
        if self.wait.get().is_none() && self.inner.get() == NIL {
            self.wait.set(Some(wait));
        }
    }
}
