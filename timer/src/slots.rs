//! The wheel's geometry: which slot a deadline belongs to, and which slot comes first.
//!
//! A deadline is a number of 64 bits, read as eleven digits of six bits. The wheel has one level per digit and one slot
//! per value of a digit. What counts is the most significant digit in which a deadline differs from the time that the
//! wheel has reached: its place tells the level, its value the slot.
//!
//! ```text
//! level   a slot spans      the level spans
//!   0        1 ns              64 ns
//!   1       64 ns               4 us
//!   2        4 us             262 us
//!   3      262 us              17 ms
//!   4       17 ms             1.1 s
//!   5      1.1 s               69 s
//!   6       69 s               73 min
//!   7       73 min             78 h
//!   8       78 h              208 d
//!   9      208 d               36 years
//!  10       36 years          584 years (16 slots)
//! ```
//!
//! All deadlines lie at or after the time reached, so this order holds: whatever is in a lower level comes before
//! whatever is in a higher one, and within a level a lower slot comes before a higher one. The first slot is thus found
//! by two bit scans, however many timers there are. All entries of a slot of level 0 have the same deadline, so no slot
//! is ever sorted.
//!
//! This module keeps the slots' bounds and the bit maps; the lists of entries are the wheel's, which keeps their ends
//! here.

use crate::slab::NIL;

const DIGIT_BITS: u32 = 6;
const DIGITS: u32 = 1 << DIGIT_BITS;
const LEVELS: usize = 64_usize.div_ceil(DIGIT_BITS as usize);

/// The slot for `deadline` once the wheel has reached `reached`, which is not after it.
pub(crate) fn slot_for(reached: u64, deadline: u64) -> u32 {
    debug_assert!(
        reached <= deadline,
        "a deadline before the time that the wheel has reached"
    );
    let level = (reached ^ deadline | 1).ilog2() / DIGIT_BITS;
    let digit = (deadline >> (level * DIGIT_BITS)) % u64::from(DIGITS);
    level * DIGITS + digit as u32
}

/// Whether all entries of this slot have the same deadline.
pub(crate) fn is_exact(slot: u32) -> bool {
    slot < DIGITS
}

/// Whether the deadlines of this slot lie within those of the open one, which the time reached lies in: it is in a
/// lower level.
pub(crate) fn is_within(slot: u32, open: u32) -> bool {
    slot / DIGITS < open / DIGITS
}

#[derive(Clone, Copy)]
pub(crate) struct Slot {
    /// The ends of the list of its entries, which is in insertion order. `NIL` if there are none.
    pub(crate) head: u32,
    pub(crate) tail: u32,
    /// No entry's deadline is before this; if the slot is not stale, this is the earliest one.
    pub(crate) bound: u64,
}

pub(crate) struct Slots {
    /// One bit per level that has an occupied slot.
    levels: u32,
    /// One bit per occupied slot.
    occupied: [u64; LEVELS],
    /// One bit per slot whose earliest entry was taken out, so that its bound may be too early.
    stale: [u64; LEVELS],
    /// Empty until the first entry comes: most wheels of a short-lived runtime never hold one.
    slots: Box<[Slot]>,
}

const EMPTY: Slot = Slot {
    head: NIL,
    tail: NIL,
    bound: 0,
};

#[cold]
fn empty_slots() -> Box<[Slot]> {
    vec![EMPTY; LEVELS * DIGITS as usize].into()
}

impl Slots {
    pub(crate) fn new() -> Slots {
        Slots {
            levels: 0,
            occupied: [0; LEVELS],
            stale: [0; LEVELS],
            slots: Box::default(),
        }
    }

    pub(crate) fn get(&self, slot: u32) -> &Slot {
        self.slots.get(slot as usize).unwrap_or(&EMPTY)
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Slot {
        &mut self.slots[slot as usize]
    }

    /// The occupied slot that comes first.
    pub(crate) fn first(&self) -> Option<u32> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros();
        Some(level * DIGITS + self.occupied[level as usize].trailing_zeros())
    }

    /// Whether the slot's bound may be too early.
    pub(crate) fn is_stale(&self, slot: u32) -> bool {
        let (level, bit) = locate(slot);
        self.stale[level] & bit != 0
    }

    /// An entry with this deadline came into the slot.
    pub(crate) fn entered(&mut self, slot: u32, deadline: u64) {
        if self.slots.is_empty() {
            self.slots = empty_slots();
        }
        let (level, bit) = locate(slot);
        let was_occupied = self.occupied[level] & bit != 0;
        if !was_occupied || deadline <= self.slots[slot as usize].bound {
            self.slots[slot as usize].bound = deadline;
            self.stale[level] &= !bit;
        }
        self.occupied[level] |= bit;
        self.levels |= 1 << level;
    }

    /// An entry with this deadline left the slot, and others remain.
    pub(crate) fn left(&mut self, slot: u32, deadline: u64) {
        if deadline == self.slots[slot as usize].bound && !is_exact(slot) {
            let (level, bit) = locate(slot);
            self.stale[level] |= bit;
        }
    }

    /// The slot has no entry any more, or its entries no longer belong to it.
    pub(crate) fn vacated(&mut self, slot: u32) {
        let (level, bit) = locate(slot);
        self.occupied[level] &= !bit;
        self.stale[level] &= !bit;
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    /// The slot's earliest deadline was found out.
    pub(crate) fn refresh(&mut self, slot: u32, earliest: u64) {
        let (level, bit) = locate(slot);
        self.slots[slot as usize].bound = earliest;
        self.stale[level] &= !bit;
    }
}

/// A slot's level, and its bit in that level's maps.
fn locate(slot: u32) -> (usize, u64) {
    ((slot / DIGITS) as usize, 1 << (slot % DIGITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_significant_differing_digit_tells_level_and_slot() {
        assert_eq!(slot_for(0, 0), 0);
        assert_eq!(slot_for(5, 63), 63);
        assert_eq!(slot_for(63, 64), 64 + 1);
        assert_eq!(slot_for(64, 65), 1);
        assert_eq!(slot_for(0, 4095), 64 + 63);
        assert_eq!(slot_for(4095, 4096), 2 * 64 + 1);
        assert_eq!(slot_for(0, u64::MAX), 10 * 64 + 15);
        assert_eq!(slot_for(u64::MAX - 1, u64::MAX), 63);
    }

    #[test]
    fn the_first_slot_is_the_lowest_of_the_lowest_level() {
        let mut slots = Slots::new();
        assert_eq!(slots.first(), None);
        for slot in [700, 130, 140, 3, 2] {
            slots.entered(slot, 0);
        }
        for slot in [2, 3, 130, 140, 700] {
            assert_eq!(slots.first(), Some(slot));
            slots.vacated(slot);
        }
        assert_eq!(slots.first(), None);
    }

    #[test]
    fn a_bound_is_stale_from_when_its_entry_leaves_until_an_earlier_one_comes() {
        let mut slots = Slots::new();
        slots.entered(100, 20);
        slots.entered(100, 30);
        slots.left(100, 30);
        assert!(!slots.is_stale(100));
        slots.entered(100, 30);
        slots.left(100, 20);
        assert!(slots.is_stale(100));
        slots.entered(100, 25);
        assert!(slots.is_stale(100));
        assert_eq!(slots.get(100).bound, 20);
        slots.entered(100, 10);
        assert!(!slots.is_stale(100));
        assert_eq!(slots.get(100).bound, 10);
    }
}
