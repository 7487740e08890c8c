//! The values behind `task_local!`: an immutable chain of nodes, shared by inheritance.
//!
//! A task carries at most one pointer to the innermost node of its chain; a spawn clones that
//! pointer and nothing else, and does not even look when there is none. The keys themselves, which
//! know the current task, are in `leaf/local_key.rs`.

use crate::foreign::discard;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// One binding of a key to a value, and the bindings around it.
pub(crate) struct Node {
    /// The address of the key's static, compared and never followed.
    key: usize,
    /// There until the node is dropped.
    value: Option<Value>,
    outer: Option<Arc<Node>>,
}

pub(crate) type Value = Box<dyn Any + Send + Sync>;

impl Node {
    pub(crate) fn new(key: usize, value: Value, outer: Option<Arc<Node>>) -> Node {
        Node {
            key,
            value: Some(value),
            outer,
        }
    }

    /// The innermost value bound to `key`.
    pub(crate) fn find(&self, key: usize) -> Option<&(dyn Any + Send + Sync)> {
        let mut node = self;
        while node.key != key {
            node = node.outer.as_deref()?;
        }
        node.value.as_deref()
    }
}

impl Drop for Node {
    /// Lets the chain go link by link: a line of tasks that each bind a key makes one as long as itself, and dropping
    /// it recursively would overflow the stack. What a value does in its drop is no other value's business.
    fn drop(&mut self) {
        discard(self.value.take());
        let mut outer = self.outer.take();
        while let Some(mut node) = outer.and_then(Arc::into_inner) {
            outer = node.outer.take();
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(key: usize, value: i32, outer: Option<Arc<Node>>) -> Arc<Node> {
        Arc::new(Node::new(key, Box::new(value), outer))
    }

    fn find(node: &Node, key: usize) -> Option<i32> {
        node.find(key).map(|value| *value.downcast_ref().unwrap())
    }

    #[test]
    fn the_innermost_binding_of_a_key_is_found() {
        let outer = node(1, 10, Some(node(2, 20, None)));
        let inner = node(1, 11, Some(Arc::clone(&outer)));
        assert_eq!(
            (find(&inner, 1), find(&inner, 2), find(&inner, 3)),
            (Some(11), Some(20), None)
        );
        assert_eq!(
            find(&outer, 1),
            Some(10),
            "a binding is not seen from outside"
        );
    }

    #[test]
    fn a_long_chain_is_dropped_without_recursion() {
        let mut chain = None;
        for value in 0..if cfg!(miri) { 200 } else { 1_000_000 } {
            chain = Some(node(1, value, chain));
        }
        drop(chain);
    }

    #[test]
    fn a_chain_that_somebody_else_holds_stays() {
        let shared = node(1, 1, Some(node(2, 2, None)));
        drop(node(3, 3, Some(Arc::clone(&shared))));
        assert_eq!(find(&shared, 2), Some(2));
    }
}
