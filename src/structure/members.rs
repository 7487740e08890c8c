//! The children of a scope that are not gone yet, for who cancels them all.
//!
//! A child has a place from before its task exists until it is gone, so that none is overlooked in between; that also
//! makes it possible that it is gone before its handle comes.

use filch_executor::AbortHandle;

/// The places of children.
#[derive(Debug, Default)]
pub(super) struct Members {
    places: Vec<Place>,
    free: Vec<usize>,
    /// Places of children that were gone before their handles came.
    gone: usize,
}

#[derive(Debug)]
enum Place {
    Free,
    /// Its handle is still to come.
    Reserved,
    /// It was gone before its handle came.
    Gone,
    Child(AbortHandle),
}

impl Members {
    /// How many children are not gone.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len() - self.gone
    }

    /// A place for a child that is about to be spawned.
    pub(super) fn reserve(&mut self) -> usize {
        if let Some(place) = self.free.pop() {
            self.places[place] = Place::Reserved;
            return place;
        }
        self.places.push(Place::Reserved);
        self.places.len() - 1
    }

    /// The child's handle has come. It comes back if the child has gone meanwhile.
    pub(super) fn fill(&mut self, place: usize, child: AbortHandle) -> Option<AbortHandle> {
        if matches!(self.places[place], Place::Gone) {
            self.gone -= 1;
            self.give_back(place);
            return Some(child);
        }
        self.places[place] = Place::Child(child);
        None
    }

    /// A child is gone. Its handle, if it has come, is to be dropped without a lock.
    pub(super) fn remove(&mut self, place: usize) -> Option<AbortHandle> {
        match std::mem::replace(&mut self.places[place], Place::Gone) {
            Place::Child(child) => {
                self.give_back(place);
                Some(child)
            }
            _ => {
                self.gone += 1;
                None
            }
        }
    }

    /// A place whose child was never spawned.
    pub(super) fn give_back(&mut self, place: usize) {
        self.places[place] = Place::Free;
        self.free.push(place);
        if self.free.len() == self.places.len() {
            self.places.clear();
            self.free.clear();
        }
    }

    pub(super) fn handles(&self) -> Vec<AbortHandle> {
        let children = self.places.iter().filter_map(|place| match place {
            Place::Child(child) => Some(child.clone()),
            _ => None,
        });
        children.collect()
    }

    /// The first child that is not gone, as far as its handle has come.
    pub(super) fn first(&self) -> Option<&AbortHandle> {
        self.places.iter().find_map(|place| match place {
            Place::Child(child) => Some(child),
            _ => None,
        })
    }
}
