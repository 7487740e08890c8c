//! Numbered places for values, each used again when it is free. The first one lies in the slab itself: one value needs
//! no memory beside.

/// In place of a place: none.
const NONE: usize = usize::MAX;

/// Values and their places.
#[derive(Debug)]
pub(super) struct Slab<T> {
    first: Entry<T>,
    others: Vec<Entry<T>>,
    /// How many places there are, the first included.
    made: usize,
    len: usize,
    /// The free place that is used next.
    free: usize,
}

#[derive(Debug)]
enum Entry<T> {
    /// The free place after this.
    Free(usize),
    Full(T),
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab {
            first: Entry::Free(NONE),
            others: Vec::new(),
            made: 0,
            len: 0,
            free: NONE,
        }
    }
}

impl<T> Slab<T> {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where the next value will be.
    pub(super) fn next(&self) -> usize {
        match self.free {
            NONE => self.made,
            free => free,
        }
    }

    /// Puts a value where `next` said.
    pub(super) fn insert(&mut self, value: T) -> usize {
        let place = self.next();
        let full = Entry::Full(value);
        if self.free == NONE {
            match place {
                0 => self.first = full,
                _ => self.others.push(full),
            }
            self.made += 1;
        } else if let Entry::Free(next) = std::mem::replace(self.entry(place), full) {
            self.free = next;
        }
        self.len += 1;
        place
    }

    /// Takes a value out. `None`: there is none.
    pub(super) fn remove(&mut self, place: usize) -> Option<T> {
        self.get_mut(place)?;
        let next = self.free;
        let Entry::Full(value) = std::mem::replace(self.entry(place), Entry::Free(next)) else {
            unreachable!("a value was there")
        };
        self.free = place;
        self.len -= 1;
        if self.len == 0 {
            self.clear();
        }
        Some(value)
    }

    /// Drops all values.
    pub(super) fn clear(&mut self) {
        *self = Slab::default();
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        if place >= self.made {
            return None;
        }
        match self.entry(place) {
            Entry::Full(value) => Some(value),
            Entry::Free(_) => None,
        }
    }

    /// All values, by place.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let entries = std::iter::once(&self.first).chain(&self.others);
        entries.filter_map(|entry| match entry {
            Entry::Full(value) => Some(value),
            Entry::Free(_) => None,
        })
    }

    fn entry(&mut self, place: usize) -> &mut Entry<T> {
        match place {
            0 => &mut self.first,
            _ => &mut self.others[place - 1],
        }
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_values_come_by_place() {
        let mut slab = Slab::default();
        assert!((0..4).all(|n| slab.next() == n && slab.insert(n) == n));
        assert_eq!(slab.remove(0), Some(0));
        assert_eq!(slab.remove(2), Some(2));
        assert_eq!(
            (slab.remove(2), slab.remove(9), slab.len()),
            (None, None, 2)
        );
        assert_eq!(
            [
                slab.next(),
                slab.insert(20),
                slab.insert(10),
                slab.insert(4)
            ],
            [2, 2, 0, 4]
        );
        assert!(slab.iter().eq(&[10, 1, 20, 3, 4]));
        assert_eq!(slab.get_mut(2), Some(&mut 20));
    }

    #[test]
    fn an_empty_slab_begins_anew() {
        let mut slab = Slab::default();
        for _ in 0..3 {
            let places = ["a", "b"].map(|value| slab.insert(value));
            assert_eq!(places, [0, 1]);
            assert!(places.map(|place| slab.remove(place).is_some()) == [true; 2]);
            assert_eq!(slab.others.len(), 0);
        }
    }
}
