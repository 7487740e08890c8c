//! What is believed about one source, in one word.
//!
//! ```text
//!  63            36 35             8 7..5      4         3         2         1        0
//! +----------------+----------------+------+----------+--------+---------+--------+--------+
//! |   write tick   |   read tick    |      | shutdown |  W     |  R      |  W     |  R     |
//! |   (28 bits)    |   (28 bits)    |      |          | closed | closed  | ready  | ready  |   bit 5: urgent
//! +----------------+----------------+------+----------+--------+---------+--------+--------+
//! ```
//!
//! | bit | set when | cleared when |
//! |---|---|---|
//! | ready | an event says so; at birth | an operation of this tick would block, or was short |
//! | closed | an event says that this direction has ended for good | an operation of this tick would block all the same |
//! | urgent | an event reports an exceptional condition | a read of this tick would block |
//! | shutdown | the reactor closes | never |
//! | line (bit 6) | somebody stands in line (`waiters.rs`) | nobody does; it is no readiness, but is asked for together with it |
//!
//! A direction's **tick** counts its events. An operation starts by reading the word ([`Ready`]) and, when it would
//! block, clears only if the tick is still the same: a newer event may already speak of what the operation did not see.
//! The ticks are apart because the directions are: a write event must not keep a reader from clearing. A tick wraps
//! after 2^28 events; for a stale clear to pass, just that many would have to come during one operation. A tick of zero
//! means that no event has come yet: what is believed ready then is a guess.
//!
//! Closed bits survive a *short* operation, so that an end of stream behind the last bytes is seen: the kernel may have
//! reported both in one edge and will never report the end again. They do not survive "would block": a stream that has
//! ended never says that, so where it is said (a FIFO or a terminal that was opened anew) the bit is out of date,
//! and keeping it would turn its reader into a busy loop.
//!
//! This file is the word and its transitions; who calls them when is told in `source.rs`.

use crate::primitive::{AtomicU64, Ordering};
use std::fmt;

/// One of the two directions in which a source is ready or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards us: read, receive, accept.
    Read,
    /// Away from us: write, send, connect.
    Write,
}

/// Evidence that a direction was seen ready: what [`Source::clear`](crate::Source::clear) needs in order to forget
/// exactly that.
///
/// Obtain it *before* the operation whose failure it is to explain.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    direction: Direction,
    tick: u32,
}

impl Ready {
    /// The direction that was seen ready.
    pub fn direction(self) -> Direction {
        self.direction
    }
}

/// What one event says of a source: some of the word's lower bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event(u64);

impl Event {
    pub(crate) const READABLE: Event = Event(1 << 0);
    pub(crate) const WRITABLE: Event = Event(1 << 1);
    pub(crate) const READ_CLOSED: Event = Event(1 << 2);
    pub(crate) const WRITE_CLOSED: Event = Event(1 << 3);
    pub(crate) const URGENT: Event = Event(1 << 5);
    /// Both directions should be tried: an error is reported by the operation that runs into it.
    pub(crate) const BOTH: Event = Event(Event::READABLE.0 | Event::WRITABLE.0);

    /// The event that says both what `self` and what `other` say, if `condition` holds, and else just `self`.
    #[must_use]
    pub(crate) fn and_if(self, condition: bool, other: Event) -> Event {
        Event(self.0 | if condition { other.0 } else { 0 })
    }

    /// Is there nothing more to read after this, ever?
    pub(crate) fn ends_reading(self) -> bool {
        self.0 & Event::READ_CLOSED.0 != 0
    }

    /// Does it concern that direction?
    pub(crate) fn concerns(self, direction: Direction) -> bool {
        self.0 & Lane::of(direction).usable != 0
    }
}

const SHUTDOWN: u64 = 1 << 4;
const LINE: u64 = 1 << 6;
const TICK_BITS: u32 = 28;
const TICK_MASK: u64 = (1 << TICK_BITS) - 1;
const READ_TICK_SHIFT: u32 = 8;
const WRITE_TICK_SHIFT: u32 = READ_TICK_SHIFT + TICK_BITS;

/// Where in the word a direction lives.
struct Lane {
    ready: u64,
    /// Ready or closed: either way an operation will not block.
    usable: u64,
    /// All that "would block" disproves.
    disproved: u64,
    tick_shift: u32,
}

const READ: Lane = Lane {
    ready: Event::READABLE.0,
    usable: Event::READABLE.0 | Event::READ_CLOSED.0,
    disproved: Event::READABLE.0 | Event::READ_CLOSED.0 | Event::URGENT.0,
    tick_shift: READ_TICK_SHIFT,
};

const WRITE: Lane = Lane {
    ready: Event::WRITABLE.0,
    usable: Event::WRITABLE.0 | Event::WRITE_CLOSED.0,
    disproved: Event::WRITABLE.0 | Event::WRITE_CLOSED.0,
    tick_shift: WRITE_TICK_SHIFT,
};

impl Lane {
    fn of(direction: Direction) -> &'static Lane {
        match direction {
            Direction::Read => &READ,
            Direction::Write => &WRITE,
        }
    }

    fn tick(&self, word: u64) -> u64 {
        (word >> self.tick_shift) & TICK_MASK
    }

    fn next_tick(&self, word: u64) -> u64 {
        // Past zero, which says that there was no event yet.
        let tick = ((self.tick(word) + 1) & TICK_MASK).max(1);
        word & !(TICK_MASK << self.tick_shift) | tick << self.tick_shift
    }
}

/// The word as it was at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    /// A source that nobody has tried yet: assumed ready both ways, so that the first operation is tried at once.
    const FRESH: Snapshot = Snapshot(Event::BOTH.0);

    /// Evidence, if that direction is ready or closed.
    #[inline]
    pub(crate) fn ready(self, direction: Direction) -> Option<Ready> {
        let lane = Lane::of(direction);
        // A tick has 28 bits: nothing is cut off.
        (self.0 & lane.usable != 0).then(|| Ready {
            direction,
            tick: lane.tick(self.0) as u32,
        })
    }

    /// Evidence, if that direction is believed ready and no event has said so: a guess, made at birth.
    pub(crate) fn guess(self, direction: Direction) -> Option<Ready> {
        self.ready(direction).filter(|ready| ready.tick == 0)
    }

    /// Has that direction ended for good, as far as events tell?
    pub(crate) fn is_closed(self, direction: Direction) -> bool {
        let lane = Lane::of(direction);
        self.0 & lane.usable & !lane.ready != 0
    }

    #[inline]
    pub(crate) fn is_shut_down(self) -> bool {
        self.0 & SHUTDOWN != 0
    }

    /// Is there something to read, and somebody in line who might?
    #[inline]
    pub(crate) fn calls_for_next(self) -> bool {
        self.0 & LINE != 0 && self.0 & READ.usable != 0
    }

    fn after_event(self, event: Event) -> Snapshot {
        let mut word = self.0 | event.0;
        for direction in [Direction::Read, Direction::Write] {
            if event.concerns(direction) {
                word = Lane::of(direction).next_tick(word);
            }
        }
        Snapshot(word)
    }

    /// `None` if a newer event came since `ready` was obtained: then there is nothing to forget.
    fn after_would_block(self, ready: Ready) -> Option<Snapshot> {
        let lane = Lane::of(ready.direction);
        (lane.tick(self.0) == u64::from(ready.tick)).then_some(Snapshot(self.0 & !lane.disproved))
    }

    /// As `after_would_block`, but the closed bit stays; and reads that stop at an urgent mark prove nothing about what
    /// is behind it.
    fn after_short(self, ready: Ready) -> Option<Snapshot> {
        let lane = Lane::of(ready.direction);
        let marked = ready.direction == Direction::Read && self.0 & Event::URGENT.0 != 0;
        (!marked && lane.tick(self.0) == u64::from(ready.tick))
            .then_some(Snapshot(self.0 & !lane.ready))
    }
}

/// The word itself.
pub(crate) struct Readiness(AtomicU64);

impl Readiness {
    pub(crate) fn new() -> Readiness {
        Readiness(AtomicU64::new(Snapshot::FRESH.0))
    }

    /// Orderings: Acquire keeps the operation that follows behind this load. If it could run ahead, it might say "would
    /// block" of a moment before the event whose tick was read here, and clearing would lose that event.
    #[inline]
    pub(crate) fn load(&self) -> Snapshot {
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// An event came.
    pub(crate) fn set(&self, event: Event) {
        self.update(|now| Some(now.after_event(event)));
    }

    /// An operation that began with `ready` would block.
    pub(crate) fn clear(&self, ready: Ready) {
        self.update(|now| now.after_would_block(ready));
    }

    /// An operation that began with `ready` moved some bytes, but fewer than it was asked to.
    pub(crate) fn clear_short(&self, ready: Ready) {
        self.update(|now| now.after_short(ready));
    }

    /// The reactor has closed; final.
    pub(crate) fn shut_down(&self) {
        // Orderings: Release, as in `update`.
        self.0.fetch_or(SHUTDOWN, Ordering::Release);
    }

    /// Somebody stands in line, or nobody does any more. Under the lock of the waiters, so nobody else changes that
    /// bit.
    ///
    /// Orderings: Relaxed. The lock orders it, and a read-modify-write continues the release sequences of the word.
    pub(crate) fn set_line(&self, stands: bool) {
        if (self.0.load(Ordering::Relaxed) & LINE != 0) == stands {
            return;
        }
        match stands {
            true => self.0.fetch_or(LINE, Ordering::Relaxed),
            false => self.0.fetch_and(!LINE, Ordering::Relaxed),
        };
    }

    /// Orderings: Release on success. An event's word is visible to whoever sees it with everything the poller did
    /// before; a clear stays behind the operation that justifies it. Against `load`'s Acquire. A failed attempt
    /// publishes nothing and decides on the value it got, which is re-checked by the next attempt, so Relaxed is
    /// enough.
    fn update(&self, mut transition: impl FnMut(Snapshot) -> Option<Snapshot>) {
        let mut now = self.0.load(Ordering::Relaxed);
        while let Some(next) = transition(Snapshot(now)) {
            match self
                .0
                .compare_exchange_weak(now, next.0, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(actual) => now = actual,
            }
        }
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.load(), f)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness")
            .field("read", &(self.0 & READ.usable != 0))
            .field("write", &(self.0 & WRITE.usable != 0))
            .field("read_closed", &(self.0 & Event::READ_CLOSED.0 != 0))
            .field("write_closed", &(self.0 & Event::WRITE_CLOSED.0 != 0))
            .field("urgent", &(self.0 & Event::URGENT.0 != 0))
            .field("read_tick", &READ.tick(self.0))
            .field("write_tick", &WRITE.tick(self.0))
            .field("shut_down", &self.is_shut_down())
            .finish()
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use Direction::{Read, Write};

    #[test]
    fn a_fresh_word_is_ready_both_ways_and_each_is_cleared_apart() {
        let word = Readiness::new();
        let read = word.load().ready(Read).expect("fresh");
        word.clear(read);
        assert!(word.load().ready(Read).is_none());
        assert!(word.load().ready(Write).is_some());
    }

    #[test]
    fn only_what_no_event_has_said_is_a_guess() {
        let word = Readiness::new();
        assert!(word.load().guess(Read).is_some());
        word.set(Event::READABLE);
        assert!(word.load().guess(Read).is_none() && word.load().guess(Write).is_some());
        word.clear(word.load().ready(Write).expect("fresh"));
        assert!(word.load().guess(Write).is_none());
    }

    #[test]
    fn a_newer_event_survives_an_old_clear() {
        let word = Readiness::new();
        let old = word.load().ready(Read).expect("fresh");
        word.set(Event::READABLE);
        word.clear(old);
        word.clear_short(old);
        assert!(word.load().ready(Read).is_some());
    }

    #[test]
    fn an_event_of_one_direction_does_not_keep_the_other_from_clearing() {
        let word = Readiness::new();
        let read = word.load().ready(Read).expect("fresh");
        word.set(Event::WRITABLE);
        word.clear(read);
        assert!(word.load().ready(Read).is_none());
    }

    #[test]
    fn closed_survives_a_short_read_but_not_would_block() {
        let word = Readiness::new();
        word.set(Event::READABLE.and_if(true, Event::READ_CLOSED));
        let seen = word.load().ready(Read).expect("readable");
        word.clear_short(seen);
        let seen = word.load().ready(Read).expect("closed is still to be seen");
        word.clear(seen);
        assert!(word.load().ready(Read).is_none());
    }

    #[test]
    fn a_read_that_stops_at_an_urgent_mark_proves_nothing() {
        let word = Readiness::new();
        word.set(Event::READABLE.and_if(true, Event::URGENT));
        let seen = word.load().ready(Read).expect("readable");
        word.clear_short(seen);
        let seen = word
            .load()
            .ready(Read)
            .expect("more may lie behind the mark");
        word.clear(seen);
        assert!(word.load().ready(Read).is_none());
    }

    #[test]
    fn ticks_wrap_within_their_own_field() {
        let word = Readiness(AtomicU64::new(
            TICK_MASK << READ_TICK_SHIFT | TICK_MASK << WRITE_TICK_SHIFT,
        ));
        word.set(Event::READABLE);
        assert_eq!(
            word.0.load(Ordering::Relaxed),
            TICK_MASK << WRITE_TICK_SHIFT | 1 << READ_TICK_SHIFT | Event::READABLE.0
        );
        word.set(Event::WRITABLE);
        let ticks = 1 << WRITE_TICK_SHIFT | 1 << READ_TICK_SHIFT;
        assert_eq!(word.0.load(Ordering::Relaxed), ticks | Event::BOTH.0);
    }

    #[test]
    fn shutdown_outlives_everything() {
        let word = Readiness::new();
        word.shut_down();
        word.clear(word.load().ready(Read).expect("fresh"));
        word.set(Event::BOTH);
        assert!(word.load().is_shut_down());
    }
}
