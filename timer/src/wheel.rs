//! The hierarchical timer wheel.
//!
//! A [`Wheel`] is a pure structure: it has no clock, no lock and no threads, and what it does follows from its
//! arguments alone, so that the same wheel serves the runtime and a simulation of it. What the slots are is told in
//! `slots.rs`, where the entries live in `slab.rs`; here they are brought together.
//!
//! # How an entry travels
//!
//! 1. It is inserted into the slot that its deadline has, seen from the time that the wheel has *reached*.
//! 2. When time comes to that slot, the slot is *opened*: the wheel reaches the slot's bound, and each of its entries
//!    moves to a lower level. Entries move in their order, and a slot of a lower level is empty until then, so every
//!    slot is in insertion order.
//! 3. In a slot of level 0 all entries have the same deadline: they fire, first come first served. An entry that is
//!    alone in its slot fires from any level.
//!
//! An entry moves at most ten times, and usually once or twice; one that is cancelled before its time comes near moves
//! never.
//!
//! # What it is not
//!
//! It does not keep a heap of exact minima. Each slot has a bound, which is its earliest deadline unless that entry was
//! cancelled; the search for the new earliest one waits until somebody asks ([`Wheel::next_deadline`]), and nobody
//! needs to: [`Wheel::bound`] is the answer that is never too late and sometimes too early.

use std::fmt;

use crate::instant::Instant;
use crate::slab::{Key, NIL, Slab};
use crate::slots::{self, Slots};

/// Values that wait for their deadlines, any number of them.
///
/// Inserting and cancelling take a few nanoseconds, whatever the number of entries; neither allocates unless there are
/// more entries than before. Deadlines are exact to the nanosecond, and may be centuries away.
///
/// # Examples
///
/// ```
/// # use filch_timer::{Instant, Wheel};
/// use std::time::Duration;
///
/// let start = Instant::now();
/// let mut wheel = Wheel::new(start);
/// let tea = wheel.insert(start + Duration::from_secs(180), "tea");
/// wheel.insert(start + Duration::from_secs(90), "toast");
/// wheel.cancel(tea);
///
/// let mut due = Vec::new();
/// wheel.advance(start + Duration::from_secs(300), usize::MAX, &mut due);
/// assert_eq!(due, ["toast"]);
/// ```
pub struct Wheel<T> {
    slab: Slab<T>,
    slots: Slots,
    /// The time up to which everything has fired, in nanoseconds. No entry's deadline is before it.
    reached: u64,
    /// The slot that is being opened, or `NIL`: not all of its entries have moved to lower levels yet. It is not in the
    /// maps of `slots`, but its bound still holds. Nothing fires until it is empty.
    open: u32,
}

impl<T> Wheel<T> {
    /// An empty wheel whose time starts at `now`.
    pub fn new(now: Instant) -> Wheel<T> {
        Wheel {
            slab: Slab::new(),
            slots: Slots::new(),
            reached: now.as_nanos(),
            open: NIL,
        }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds an entry that is due at `when`, and returns the key that names it. A deadline before the time that the
    /// wheel has reached counts as that time: the entry is due at once, after those that are due already.
    ///
    /// # Panics
    ///
    /// If there are four billion entries.
    pub fn insert(&mut self, when: Instant, value: T) -> Key {
        let deadline = when.as_nanos().max(self.reached);
        let key = self.slab.insert(deadline, value);
        self.link(key.index(), deadline);
        key
    }

    /// Takes an entry out and returns its value, or `None` if the key is stale.
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        if !self.slab.contains(key) {
            return None;
        }
        self.unlink(key.index());
        self.slab.remove(key.index())
    }

    /// Changes when an entry is due; this counts as a new insertion where deadlines are equal. Returns `false` and does
    /// nothing if the key is stale.
    pub fn reset(&mut self, key: Key, when: Instant) -> bool {
        if !self.slab.contains(key) {
            return false;
        }
        self.unlink(key.index());
        let deadline = when.as_nanos().max(self.reached);
        self.slab.entry_mut(key.index()).deadline = deadline;
        self.link(key.index(), deadline);
        true
    }

    /// The value of an entry, or `None` if the key is stale.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.slab.value_mut(key)
    }

    /// The earliest deadline of all entries, exactly.
    ///
    /// This takes a few nanoseconds unless the earliest entry was cancelled or reset; then its former neighbours, those
    /// in the same slot, are searched once.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        self.move_all_opened();
        let first = self.slots.first()?;
        self.refresh(first);
        Some(Instant::from_nanos(self.slots.get(first).bound))
    }

    /// A time at or before the earliest deadline of all entries: the deadline itself, unless the earliest entry was
    /// cancelled or reset. Never searches. Advancing the wheel to this time makes progress towards the exact
    /// answer: an entry that was cancelled costs at most one advance that fires nothing.
    pub fn bound(&self) -> Option<Instant> {
        Some(Instant::from_nanos(self.bound_nanos()?))
    }

    /// The bound in nanoseconds.
    pub(crate) fn bound_nanos(&self) -> Option<u64> {
        let first = self.slots.first().map(|slot| self.slots.get(slot).bound);
        if self.open == NIL {
            return first;
        }
        let open = self.slots.get(self.open).bound;
        Some(first.map_or(open, |first| first.min(open)))
    }

    /// Fires what is due at `now`: takes these entries out and appends their values to `due`, in the order of their
    /// deadlines and, where these are equal, of insertion. Fires at most `limit` entries; the others stay for the next
    /// call. Returns how many fired.
    ///
    /// A `now` before that of an earlier call fires nothing.
    pub fn advance(&mut self, now: Instant, limit: usize, due: &mut Vec<T>) -> usize {
        self.advance_within(now, limit, usize::MAX, due)
    }

    /// The same as [`advance`](Wheel::advance), and moves at most `moves` entries from level to level. When these are
    /// used up it returns early, even if entries are due; [`bound`](Wheel::bound) then stays at or before `now`, and
    /// the next call goes on. This bounds the time that a call takes, with however many timers in one slot.
    pub fn advance_within(
        &mut self,
        now: Instant,
        limit: usize,
        mut moves: usize,
        due: &mut Vec<T>,
    ) -> usize {
        let now = now.as_nanos();
        let mut fired = 0;
        while fired < limit && self.move_opened(&mut moves) {
            match self.slots.first() {
                Some(first) if self.slots.get(first).bound <= now => {
                    if self.has_due(first, now) {
                        due.extend(self.fire_head(first));
                        fired += 1;
                    }
                }
                _ => {
                    self.reach(now);
                    self.move_opened(&mut moves);
                    break;
                }
            }
        }
        fired
    }

    /// Takes all entries out, due or not, and appends their values to `values`, in no order. The wheel can be used on.
    pub fn drain(&mut self, values: &mut Vec<T>) {
        self.move_all_opened();
        while let Some(first) = self.slots.first() {
            let head = self.slots.get(first).head;
            self.unlink(head);
            values.extend(self.slab.remove(head));
        }
    }

    /// Whether the head of the first slot, whose bound is due, can fire now. If it is not known to be the earliest one,
    /// the slot is opened; if it turns out to be alone but not due, the slot's bound is corrected.
    fn has_due(&mut self, first: u32, now: u64) -> bool {
        let slot = *self.slots.get(first);
        if slots::is_exact(first) {
            return true;
        }
        if slot.head != slot.tail {
            self.open(first, slot.bound);
            return false;
        }
        self.refresh(first);
        self.slots.get(first).bound <= now
    }

    /// Takes out the first entry of a slot, which is the earliest of all, and reaches its deadline.
    fn fire_head(&mut self, slot: u32) -> Option<T> {
        let head = self.slots.get(slot).head;
        self.reached = self.slots.get(slot).bound;
        self.unlink(head);
        self.slab.remove(head)
    }

    /// Nothing is due at `now`: reach it, and open the slot that it lies in, so that the entries which come next are in
    /// low levels.
    fn reach(&mut self, now: u64) {
        if now <= self.reached {
            return;
        }
        let slot = slots::slot_for(self.reached, now);
        match self.slots.get(slot).head {
            NIL => self.reached = now,
            _ => self.open(slot, now),
        }
    }

    /// Reaches a time within the slot, at or before its entries' deadlines. They belong to lower levels from then on.
    fn open(&mut self, slot: u32, time: u64) {
        debug_assert!(self.open == NIL, "two slots open at a time");
        self.reached = time;
        self.open = slot;
        self.slots.vacated(slot);
    }

    /// Moves the entries of the open slot to their new slots, as many as `moves` allows, and counts them down. Returns
    /// whether no slot is open any more.
    fn move_opened(&mut self, moves: &mut usize) -> bool {
        if self.open == NIL {
            return true;
        }
        let mut index = self.slots.get(self.open).head;
        while index != NIL && *moves > 0 {
            let entry = self.slab.entry(index);
            let (next, deadline) = (entry.next, entry.deadline);
            let slot = slots::slot_for(self.reached, deadline);
            self.slots.entered(slot, deadline);
            self.append(index, slot);
            *moves -= 1;
            index = next;
        }
        let opened = self.slots.get_mut(self.open);
        opened.head = index;
        if index == NIL {
            opened.tail = NIL;
            self.open = NIL;
        } else {
            self.slab.entry_mut(index).prev = NIL;
        }
        index == NIL
    }

    /// Leaves no slot open, however many moves that takes.
    fn move_all_opened(&mut self) {
        let mut moves = usize::MAX;
        self.move_opened(&mut moves);
    }

    /// Makes the slot's bound its earliest deadline.
    fn refresh(&mut self, slot: u32) {
        if !self.slots.is_stale(slot) {
            return;
        }
        let mut earliest = u64::MAX;
        let mut index = self.slots.get(slot).head;
        while index != NIL {
            let entry = self.slab.entry(index);
            earliest = earliest.min(entry.deadline);
            index = entry.next;
        }
        self.slots.refresh(slot, earliest);
    }

    /// Puts a new entry into the slot that its deadline has. If that lies within the open slot, the entry joins it,
    /// lest it overtake an older one with the same deadline that has not moved yet.
    fn link(&mut self, index: u32, deadline: u64) {
        let slot = slots::slot_for(self.reached, deadline);
        if self.open != NIL && slots::is_within(slot, self.open) {
            let opened = self.slots.get_mut(self.open);
            opened.bound = opened.bound.min(deadline);
            self.append(index, self.open);
        } else {
            self.slots.entered(slot, deadline);
            self.append(index, slot);
        }
    }

    /// Appends an entry to a slot's list.
    fn append(&mut self, index: u32, number: u32) {
        let slot = self.slots.get_mut(number);
        let prev = std::mem::replace(&mut slot.tail, index);
        if prev == NIL {
            slot.head = index;
        } else {
            self.slab.entry_mut(prev).next = index;
        }
        let entry = self.slab.entry_mut(index);
        entry.slot = number;
        entry.prev = prev;
        entry.next = NIL;
    }

    /// Takes an entry out of its slot's list.
    fn unlink(&mut self, index: u32) {
        let entry = self.slab.entry(index);
        let (deadline, number, prev, next) = (entry.deadline, entry.slot, entry.prev, entry.next);
        match prev {
            NIL => self.slots.get_mut(number).head = next,
            _ => self.slab.entry_mut(prev).next = next,
        }
        match next {
            NIL => self.slots.get_mut(number).tail = prev,
            _ => self.slab.entry_mut(next).prev = prev,
        }
        if prev != NIL || next != NIL {
            self.slots.left(number, deadline);
        } else if number == self.open {
            self.open = NIL;
        } else {
            self.slots.vacated(number);
        }
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("len", &self.len())
            .field("reached", &Instant::from_nanos(self.reached))
            .field("bound", &self.bound())
            .finish()
    }
}

#[cfg(test)]
mod tests;
