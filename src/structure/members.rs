//! The children of a scope that are not gone yet, for who cancels them all; and which have ended, for who asks.
//!
//! A child has a place from before its task exists until it is gone, so that none is overlooked in between; that also
//! makes it possible that it is gone before its handle comes.

use super::slab::Slab;
use filch_executor::AbortHandle;
use std::collections::VecDeque;

/// The places of children.
#[derive(Debug, Default)]
pub(super) struct Members {
    places: Slab<Place>,
    /// Places of children that were gone before their handles came.
    gone: usize,
}

#[derive(Debug)]
enum Place {
    /// Its handle is still to come.
    Reserved,
    /// It was gone before its handle came.
    Gone,
    Child(AbortHandle),
}

impl Members {
    /// How many children are not gone.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.gone
    }

    /// A place for a child that is about to be spawned.
    pub(super) fn reserve(&mut self) -> usize {
        self.places.insert(Place::Reserved)
    }

    /// The child's handle has come. It comes back if the child has gone meanwhile.
    pub(super) fn fill(&mut self, place: usize, child: AbortHandle) -> Option<AbortHandle> {
        let reserved = self.places.get_mut(place);
        let reserved = reserved.expect("a place is kept until its handle has come");
        if matches!(reserved, Place::Gone) {
            self.gone -= 1;
            self.places.remove(place);
            return Some(child);
        }
        *reserved = Place::Child(child);
        None
    }

    /// A child is gone. Its handle, if it has come, is to be dropped without a lock.
    pub(super) fn remove(&mut self, place: usize) -> Option<AbortHandle> {
        let child = self.places.get_mut(place);
        let child = child.expect("a child has a place until it is gone");
        if matches!(child, Place::Child(_)) {
            return match self.places.remove(place) {
                Some(Place::Child(child)) => Some(child),
                _ => None,
            };
        }
        *child = Place::Gone;
        self.gone += 1;
        None
    }

    pub(super) fn handles(&self) -> Vec<AbortHandle> {
        self.children().cloned().collect()
    }

    /// The first child that is not gone, as far as its handle has come.
    pub(super) fn first(&self) -> Option<&AbortHandle> {
        self.children().next()
    }

    fn children(&self) -> impl Iterator<Item = &AbortHandle> {
        self.places.iter().filter_map(|place| match place {
            Place::Child(child) => Some(child),
            _ => None,
        })
    }
}

/// Tags of children that have ended and were not asked for, in the order of their ends. One needs no memory beside.
#[derive(Debug, Default)]
pub(super) struct Ended {
    first: Option<u64>,
    others: VecDeque<u64>,
}

impl Ended {
    pub(super) fn push(&mut self, tag: u64) {
        if self.first.is_none() && self.others.is_empty() {
            self.first = Some(tag);
        } else {
            self.others.push_back(tag);
        }
    }

    pub(super) fn pop(&mut self) -> Option<u64> {
        self.first.take().or_else(|| self.others.pop_front())
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    #[test]
    fn who_has_ended_first_is_told_first() {
        let mut ended = Ended::default();
        (0..3).for_each(|tag| ended.push(tag));
        assert_eq!(ended.pop(), Some(0));
        ended.push(3);
        assert!(std::iter::from_fn(|| ended.pop()).eq([1, 2, 3]));
        ended.push(4);
        assert_eq!((ended.pop(), ended.pop()), (Some(4), None));
    }
}
