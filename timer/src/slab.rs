//! Where the wheel's entries live.
//!
//! A [`Slab`] hands out places for entries and finds an entry by its number. It knows nothing of time: the links
//! between the entries of a slot are the wheel's, and the slab uses one of them for its own lists of vacant entries.
//!
//! Entries come in chunks of a fixed size, so that growing moves none of them and takes the same short time with a
//! million timers as with ten. Each chunk counts its entries; one that drains is given back to the allocator, except
//! for a few. No list of chunks is ever searched, so giving a million entries back causes no pause either.
//!
//! A place is used again by later entries. What tells them apart is the generation: a number that the slab never gives
//! out twice (until it wraps, after four billion entries).

use std::num::NonZeroU32;

/// No entry, no chunk: the end of a list.
pub(crate) const NIL: u32 = u32::MAX;

/// Entries per chunk, a power of two: 10 KiB if the values are wakers.
const CHUNK: usize = 256;
const CHUNK_BITS: u32 = CHUNK.trailing_zeros();

/// How many chunks without any entry are kept, so that a number of timers which goes up and down by less than they hold
/// does not allocate.
const KEPT: usize = 4;

/// Names one entry of a [`Wheel`](crate::Wheel) or of a [`Timers`](crate::Timers). Once that entry fired or was
/// cancelled, the key is stale: it names nothing, also when the place is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    index: u32,
    generation: NonZeroU32,
}

impl Key {
    pub(crate) fn index(self) -> u32 {
        self.index
    }
}

/// One timer.
pub(crate) struct Entry<T> {
    /// When it is due, in nanoseconds.
    pub(crate) deadline: u64,
    /// The entries before and after it in its slot. While the entry is vacant, `next` links the vacant ones of its
    /// chunk.
    pub(crate) prev: u32,
    pub(crate) next: u32,
    /// The slot that it is in.
    pub(crate) slot: u32,
    /// Which of the entries that ever were in this place it is; 0 while it is vacant.
    generation: u32,
    /// What the timer is for; `None` while the entry is vacant.
    value: Option<T>,
}

struct Chunk<T> {
    /// `CHUNK` entries, or none after the chunk was given back.
    entries: Box<[Entry<T>]>,
    /// How many of them are occupied.
    used: u32,
    /// The first vacant one.
    vacant: u32,
    /// The neighbours in the list of chunks that have room, or in that of chunks that were given back.
    prev: u32,
    next: u32,
}

pub(crate) struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    /// The first chunk that has both memory and a vacant entry.
    roomy: u32,
    /// The first chunk that was given back; its number waits to be used again.
    given_back: u32,
    /// How many chunks have memory and hold no entry.
    idle: usize,
    len: usize,
    /// The last generation that was given out.
    generation: NonZeroU32,
}

impl<T> Slab<T> {
    pub(crate) fn new() -> Slab<T> {
        Slab {
            chunks: Vec::new(),
            roomy: NIL,
            given_back: NIL,
            idle: 0,
            len: 0,
            generation: NonZeroU32::MAX,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts `value` into a vacant entry. The caller links it into a slot.
    #[inline]
    pub(crate) fn insert(&mut self, deadline: u64, value: T) -> Key {
        if self.roomy == NIL {
            self.grow();
        }
        self.generation = self.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let chunk = &mut self.chunks[self.roomy as usize];
        let index = chunk.vacant;
        let entry = &mut chunk.entries[index as usize % CHUNK];
        chunk.vacant = entry.next;
        entry.deadline = deadline;
        entry.generation = self.generation.get();
        entry.value = Some(value);
        self.len += 1;
        self.idle -= usize::from(chunk.used == 0);
        chunk.used += 1;
        if chunk.vacant == NIL {
            self.leave_roomy(self.roomy);
        }
        Key {
            index,
            generation: self.generation,
        }
    }

    /// Makes the entry vacant and returns its value. The caller has unlinked it from its slot.
    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let number = index >> CHUNK_BITS;
        let chunk = &mut self.chunks[number as usize];
        let entry = &mut chunk.entries[index as usize % CHUNK];
        let value = entry.value.take();
        debug_assert!(value.is_some(), "a vacant timer entry was removed");
        entry.generation = 0;
        entry.next = chunk.vacant;
        let was_full = chunk.vacant == NIL;
        chunk.vacant = index;
        chunk.used -= 1;
        let drained = chunk.used == 0;
        self.len -= 1;
        if was_full {
            self.enter_roomy(number);
        }
        if drained {
            self.retire(number);
        }
        value
    }

    /// Whether `key` names an entry that is there.
    pub(crate) fn contains(&self, key: Key) -> bool {
        let chunk = self.chunks.get((key.index >> CHUNK_BITS) as usize);
        let entry = chunk.and_then(|chunk| chunk.entries.get(key.index as usize % CHUNK));
        entry.is_some_and(|entry| entry.generation == key.generation.get())
    }

    /// The value of the entry that `key` names.
    pub(crate) fn value_mut(&mut self, key: Key) -> Option<&mut T> {
        if self.contains(key) {
            self.entry_mut(key.index).value.as_mut()
        } else {
            None
        }
    }

    pub(crate) fn entry(&self, index: u32) -> &Entry<T> {
        &self.chunks[(index >> CHUNK_BITS) as usize].entries[index as usize % CHUNK]
    }

    pub(crate) fn entry_mut(&mut self, index: u32) -> &mut Entry<T> {
        &mut self.chunks[(index >> CHUNK_BITS) as usize].entries[index as usize % CHUNK]
    }

    /// Adds a chunk of vacant entries, under a number that was given back if there is one.
    #[cold]
    fn grow(&mut self) {
        let number = if self.given_back != NIL {
            let number = self.given_back;
            self.given_back = self.chunks[number as usize].next;
            number
        } else {
            assert!(
                self.chunks.len() < (NIL >> CHUNK_BITS) as usize,
                "more than four billion timers at a time"
            );
            self.chunks.push(Chunk {
                entries: Box::default(),
                used: 0,
                vacant: NIL,
                prev: NIL,
                next: NIL,
            });
            self.chunks.len() as u32 - 1
        };
        let first = number << CHUNK_BITS;
        let chunk = &mut self.chunks[number as usize];
        chunk.entries = (first..first + CHUNK as u32)
            .map(|index| vacant(index + 1))
            .collect();
        chunk.entries[CHUNK - 1].next = NIL;
        chunk.vacant = first;
        self.idle += 1;
        self.enter_roomy(number);
    }

    /// A chunk holds no entry any more: keep it if few are kept, else give its memory back.
    fn retire(&mut self, number: u32) {
        if self.idle < KEPT {
            self.idle += 1;
            return;
        }
        self.leave_roomy(number);
        let chunk = &mut self.chunks[number as usize];
        chunk.entries = Box::default();
        chunk.next = self.given_back;
        self.given_back = number;
    }

    fn enter_roomy(&mut self, number: u32) {
        let next = std::mem::replace(&mut self.roomy, number);
        if next != NIL {
            self.chunks[next as usize].prev = number;
        }
        let chunk = &mut self.chunks[number as usize];
        chunk.prev = NIL;
        chunk.next = next;
    }

    fn leave_roomy(&mut self, number: u32) {
        let Chunk { prev, next, .. } = self.chunks[number as usize];
        match prev {
            NIL => self.roomy = next,
            _ => self.chunks[prev as usize].next = next,
        }
        if next != NIL {
            self.chunks[next as usize].prev = prev;
        }
    }
}

fn vacant<T>(next: u32) -> Entry<T> {
    Entry {
        deadline: 0,
        prev: NIL,
        next,
        slot: 0,
        generation: 0,
        value: None,
    }
}

#[cfg(test)]
impl<T> Slab<T> {
    /// How many entries there is memory for.
    pub(crate) fn capacity(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.entries.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_with_a_waker_takes_forty_bytes() {
        assert_eq!(size_of::<Entry<std::task::Waker>>(), 40);
        assert_eq!(size_of::<Option<Key>>(), 8);
    }

    #[test]
    fn a_stale_key_names_nothing_though_its_place_is_used_again() {
        let mut slab = Slab::new();
        let old = slab.insert(0, 'a');
        assert_eq!(slab.remove(old.index()), Some('a'));
        let new = slab.insert(0, 'b');
        assert_eq!(new.index(), old.index());
        assert!(!slab.contains(old));
        assert_eq!(slab.value_mut(old), None);
        assert_eq!(slab.value_mut(new), Some(&mut 'b'));
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many entries for Miri")]
    fn a_stale_key_names_nothing_after_its_chunk_went_and_came_back() {
        let mut slab = Slab::new();
        let first: Vec<Key> = (0..4 * CHUNK).map(|i| slab.insert(0, i)).collect();
        first
            .iter()
            .for_each(|key| assert!(slab.remove(key.index()).is_some()));
        assert!(first.iter().all(|key| !slab.contains(*key)));
        let second: Vec<Key> = (0..4 * CHUNK).map(|i| slab.insert(0, i)).collect();
        assert!(first.iter().all(|key| !slab.contains(*key)));
        assert!(second.iter().all(|key| slab.contains(*key)));
    }

    #[test]
    fn generations_wrap_around_zero() {
        let mut slab = Slab::new();
        slab.generation = NonZeroU32::new(u32::MAX - 1).unwrap();
        let keys = [slab.insert(0, 0), slab.insert(0, 1), slab.insert(0, 2)];
        assert_eq!(keys.map(|key| key.generation.get()), [u32::MAX, 1, 2]);
        assert!(keys.iter().all(|key| slab.contains(*key)));
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many entries for Miri")]
    fn a_drained_slab_keeps_a_few_chunks() {
        let mut slab = Slab::new();
        let keys: Vec<Key> = (0..100 * CHUNK).map(|i| slab.insert(0, i)).collect();
        assert_eq!(slab.capacity(), 100 * CHUNK);
        for (left, key) in keys.iter().enumerate().rev() {
            slab.remove(key.index());
            assert_eq!(slab.len(), left);
        }
        assert_eq!(slab.capacity(), KEPT * CHUNK);
        assert_eq!(slab.idle, KEPT);
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many entries for Miri")]
    fn a_number_of_entries_that_goes_up_and_down_does_not_allocate() {
        let mut slab = Slab::new();
        (0..10 * CHUNK).for_each(|_| _ = slab.insert(0, ()));
        for _ in 0..100 {
            let keys: Vec<Key> = (0..KEPT * CHUNK).map(|_| slab.insert(0, ())).collect();
            assert_eq!(slab.capacity(), (10 + KEPT) * CHUNK);
            keys.iter()
                .for_each(|key| slab.remove(key.index()).unwrap());
            assert_eq!(slab.capacity(), (10 + KEPT) * CHUNK);
        }
    }
}
