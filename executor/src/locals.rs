//! The values behind `task_local!`: an immutable chain of nodes, shared by inheritance.
//!
//! A task carries at most one pointer to the innermost node of its chain; a spawn clones that
//! pointer and nothing else, and does not even look when there is none. The keys themselves, which
//! know the current task, are in `local_key.rs`.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// One binding of a key to a value, and the bindings around it.
pub(crate) struct Node {
    /// The address of the key's static, compared and never followed.
    key: usize,
    value: Box<dyn Any + Send + Sync>,
    outer: Option<Arc<Node>>,
}

impl Node {
    pub(crate) fn new(
        key: usize,
        value: Box<dyn Any + Send + Sync>,
        outer: Option<Arc<Node>>,
    ) -> Node {
        Node { key, value, outer }
    }

    /// The innermost value bound to `key`.
    pub(crate) fn find(&self, key: usize) -> Option<&(dyn Any + Send + Sync)> {
        let mut node = self;
        while node.key != key {
            node = node.outer.as_deref()?;
        }
        Some(&*node.value)
    }
}

impl Drop for Node {
    /// Lets the chain go link by link: a line of tasks that each bind a key makes one as long as
    /// itself, and dropping it recursively would overflow the stack.
    fn drop(&mut self) {
        let mut outer = self.outer.take();
        while let Some(node) = outer {
            outer = Arc::into_inner(node).and_then(|mut node| node.outer.take());
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}
