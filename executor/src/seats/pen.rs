//! What the leaves of a branch say while it is polled; `leaf/branch.rs` says where that goes.

use crate::task::board::NIL;
use crate::task::wait::{Wait, WaitKind};
use std::cell::Cell;

/// What the leaves of the branch that is being polled say.
#[derive(Debug)]
pub(crate) struct Pen {
    /// What the first of them waits for.
    pub(crate) wait: Cell<Option<Wait>>,
    /// How many more of them have said the same.
    more: Cell<u32>,
    /// The node of the first combinator in it.
    pub(crate) inner: Cell<u32>,
    /// The node of the set whose futures are polled now.
    pub(crate) set: u32,
}

impl Pen {
    pub(crate) fn new(set: u32) -> Pen {
        Pen {
            wait: Cell::new(None),
            more: Cell::new(0),
            inner: Cell::new(NIL),
            set,
        }
    }

    /// A leaf waits. The first one counts, as in the record of a header.
    #[cold]
    pub(crate) fn note(&self, wait: Wait) {
        match self.wait.get() {
            Some(said) if said.kind != WaitKind::Yield => {
                let is_same = u32::from(wait.is_as(said));
                self.more.set(self.more.get() + is_same);
            }
            Some(_) => self.wait.set(Some(wait)),
            None if self.inner.get() == NIL => self.wait.set(Some(wait)),
            None => {}
        }
    }

    /// A leaf that has said this waits no longer.
    #[cold]
    pub(crate) fn take_back(&self, wait: Wait) {
        if !self.wait.get().is_some_and(|said| said.is_as(wait)) {
            return;
        }
        match self.more.get().checked_sub(1) {
            Some(rest) => self.more.set(rest),
            None => self.wait.set(None),
        }
    }
}
