//! Who waits for one source: plain data behind the registration's lock.
//!
//! Nearly every source has at most one reader and one writer, so each direction has one slot in place. Futures that may
//! exist any number of times (several tasks that read from one pipe) take a place in a slab that is only allocated for
//! them. An event wakes them all. Those who each take one of what has come (several tasks that accept from one
//! listener) stand in a line, of which an event calls the first; how none of them is forgotten is told in `source.rs`.
//!
//! Nothing here wakes, clones or drops a waker: wakers that are done with are handed out, because dropping one may drop
//! a task and with it other sources, whose locks are of the same kind as the one that is held here. Those that are left
//! when their source goes are dropped with all of this, which nobody can lock any more.

use crate::readiness::{Direction, Event};
use crate::waking;
use slab::Slab;
use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;

/// A future's place among those who wait for one source. A fresh one ([`Waiter::default`]) holds no place yet.
///
/// It is good for one source at a time: hand it to [`Source::forget`](crate::Source::forget) when its future is
/// dropped, before it is used with another source. It takes no memory of the source until
/// [`Source::poll_ready`](crate::Source::poll_ready) first returns Pending.
#[derive(Debug, Default)]
pub struct Waiter {
    place: Option<usize>,
    in_line: bool,
}

impl Waiter {
    /// A place in the line of those who want to read, of whom an event calls the first one alone: for operations that
    /// take one of what has come, a connection or a datagram, so that a crowd is not woken for one. Whoever has been
    /// called owes the others a [`pass_on`](crate::Source::pass_on) after its operation.
    #[must_use]
    pub fn in_line() -> Waiter {
        Waiter {
            place: None,
            in_line: true,
        }
    }

    /// Does it have a place that should be given back?
    pub(crate) fn is_placed(&self) -> bool {
        self.place.is_some()
    }
}

/// A slab that held a crowd is given back once it is empty.
const KEPT_CAPACITY: usize = 16;

#[derive(Debug)]
struct Place {
    direction: Direction,
    /// Taken when an event comes; the place itself stays until its future gives it back.
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
pub(crate) struct Waiters {
    reader: Option<Waker>,
    writer: Option<Waker>,
    more: Option<Box<More>>,
}

/// What most sources never need.
#[derive(Debug, Default)]
struct More {
    crowd: Slab<Place>,
    line: Line,
}

/// Readers who are called one by one, by number, which is the order in which they came.
#[derive(Debug, Default)]
struct Line {
    next: usize,
    waiting: BTreeMap<usize, Waker>,
    /// Those who have been called and have not looked yet: what they were called for is theirs to take or to pass on.
    called: BTreeSet<usize>,
}

impl Line {
    fn put(&mut self, waiter: &mut Waiter, waker: Waker) -> Option<Waker> {
        let number = *waiter.place.get_or_insert_with(|| {
            self.next = self.next.wrapping_add(1);
            self.next
        });
        // It looked, under the lock, and there was nothing: it owes nobody anything.
        self.called.remove(&number);
        self.waiting.insert(number, waker)
    }

    fn call(&mut self) -> Option<Waker> {
        let (number, waker) = self.waiting.pop_first()?;
        self.called.insert(number);
        Some(waker)
    }
}

impl More {
    fn take(&mut self, event: Event, woken: &mut Vec<Waker>) {
        self.take_crowd(event, woken);
        if event.ends_reading() {
            self.take_line(woken);
        } else if event.concerns(Direction::Read) {
            woken.extend(self.line.call());
        }
    }

    fn take_crowd(&mut self, event: Event, woken: &mut Vec<Waker>) {
        for (_, place) in &mut self.crowd {
            if event.concerns(place.direction) {
                woken.extend(place.waker.take());
            }
        }
    }

    fn take_line(&mut self, woken: &mut Vec<Waker>) {
        while let Some(waker) = self.line.call() {
            woken.push(waker);
        }
    }
}

/// What a waiter leaves behind that gives its place back.
#[derive(Debug, Default)]
#[must_use = "dropping a waker can run any code: release the lock first"]
pub(crate) struct Left {
    pub(crate) waker: Option<Waker>,
    /// It had been called and has not looked.
    pub(crate) was_called: bool,
}

impl Waiters {
    /// Leaves `waker` to be taken by the next event of that direction: in the waiter's place, or without one in the
    /// direction's slot, where the last caller wins. Returns the waker that had to make room.
    #[must_use = "dropping a waker can run any code: release the lock first"]
    #[inline]
    pub(crate) fn put(
        &mut self,
        direction: Direction,
        waiter: Option<&mut Waiter>,
        waker: Waker,
    ) -> Option<Waker> {
        let Some(waiter) = waiter else {
            return self.slot(direction).replace(waker);
        };
        self.put_aside(direction, waiter, waker)
    }

    /// In the waiter's own place.
    fn put_aside(
        &mut self,
        direction: Direction,
        waiter: &mut Waiter,
        waker: Waker,
    ) -> Option<Waker> {
        match waiter.in_line {
            true => {
                debug_assert_eq!(direction, Direction::Read, "the line is for readers");
                self.more.get_or_insert_default().line.put(waiter, waker)
            }
            false => self.place(direction, waiter).replace(waker),
        }
    }

    /// Gives the waiter's place back.
    pub(crate) fn forget(&mut self, waiter: &mut Waiter) -> Left {
        let (Some(place), Some(more)) = (waiter.place.take(), &mut self.more) else {
            return Left::default();
        };
        let left = match waiter.in_line {
            true => Left {
                waker: more.line.waiting.remove(&place),
                was_called: more.line.called.remove(&place),
            },
            false => Left {
                waker: more.crowd.try_remove(place).and_then(|place| place.waker),
                was_called: false,
            },
        };
        let nobody = more.crowd.is_empty() && more.line.waiting.is_empty();
        if nobody && more.line.called.is_empty() && more.crowd.capacity() > KEPT_CAPACITY {
            self.more = None;
        }
        left
    }

    /// Moves the wakers of all directions that `event` concerns to `woken`; of the line only the first, unless the
    /// direction has ended for good.
    #[inline]
    pub(crate) fn take(&mut self, event: Event, woken: &mut Vec<Waker>) {
        self.take_slots(event, woken);
        if let Some(more) = &mut self.more {
            more.take(event, woken);
        }
    }

    /// Moves all wakers to `woken`.
    pub(crate) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        self.take_slots(Event::BOTH, woken);
        if let Some(more) = &mut self.more {
            more.take_crowd(Event::BOTH, woken);
            more.take_line(woken);
        }
    }

    /// Calls the first of the line.
    #[must_use = "it is to be woken after the lock is released"]
    pub(crate) fn call(&mut self) -> Option<Waker> {
        self.more.as_mut()?.line.call()
    }

    /// How many wait in line.
    pub(crate) fn in_line(&self) -> usize {
        self.more.as_ref().map_or(0, |more| more.line.waiting.len())
    }

    /// A push each: an event of a busy source does little else (docs/benchmarks.md, instructions of a request).
    #[inline]
    fn take_slots(&mut self, event: Event, woken: &mut Vec<Waker>) {
        if event.concerns(Direction::Read) {
            if let Some(waker) = self.reader.take() {
                woken.push(waker);
            }
        }
        if event.concerns(Direction::Write) {
            if let Some(waker) = self.writer.take() {
                woken.push(waker);
            }
        }
    }

    /// Does anybody wait for that direction? Asked only where interest is re-armed event by event. Those in line do
    /// not, while one of them has been called and has not looked: the last who looks finds nothing, and waits.
    pub(crate) fn any(&self, direction: Direction) -> bool {
        let slot = match direction {
            Direction::Read => &self.reader,
            Direction::Write => &self.writer,
        };
        let mut crowd = self.more.iter().flat_map(|more| more.crowd.iter());
        let line = self.more.as_ref().map(|more| &more.line);
        let line = line.is_some_and(|line| !line.waiting.is_empty() && line.called.is_empty());
        slot.is_some()
            || crowd.any(|(_, place)| place.direction == direction && place.waker.is_some())
            || direction == Direction::Read && line
    }

    fn slot(&mut self, direction: Direction) -> &mut Option<Waker> {
        match direction {
            Direction::Read => &mut self.reader,
            Direction::Write => &mut self.writer,
        }
    }

    fn place(&mut self, direction: Direction, waiter: &mut Waiter) -> &mut Option<Waker> {
        let crowd = &mut self.more.get_or_insert_default().crowd;
        let index = match waiter.place {
            Some(index) if crowd.contains(index) => index,
            _ => crowd.insert(Place {
                direction,
                waker: None,
            }),
        };
        waiter.place = Some(index);
        let place = &mut crowd[index];
        place.direction = direction;
        &mut place.waker
    }
}

impl Drop for Waiters {
    /// Their source is dropped by somebody to whom it does not matter what a waker of others does in its drop.
    fn drop(&mut self) {
        let mut left = Vec::new();
        self.take_all(&mut left);
        left.into_iter().map(Some).for_each(waking::forget);
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_event_takes_all_wakers_of_its_direction_and_no_others() {
        let mut waiters = Waiters::default();
        let mut crowd: Vec<Waiter> = (0..5).map(|_| Waiter::default()).collect();
        for (n, waiter) in crowd.iter_mut().enumerate() {
            let direction = if n % 2 == 0 {
                Direction::Read
            } else {
                Direction::Write
            };
            assert!(
                waiters
                    .put(direction, Some(waiter), Waker::noop().clone())
                    .is_none()
            );
        }
        assert!(
            waiters
                .put(Direction::Read, None, Waker::noop().clone())
                .is_none()
        );

        let mut woken = Vec::new();
        waiters.take(Event::READABLE, &mut woken);
        assert_eq!(woken.len(), 4);
        assert!(!waiters.any(Direction::Read));
        waiters.take(Event::BOTH, &mut woken);
        assert_eq!(woken.len(), 6);
    }

    #[test]
    fn a_place_is_kept_until_it_is_given_back_and_a_crowds_memory_with_it() {
        let mut waiters = Waiters::default();
        let many = if cfg!(miri) { 50 } else { 1000 };
        let mut crowd: Vec<Waiter> = (0..many).map(|_| Waiter::default()).collect();
        for waiter in &mut crowd {
            assert!(
                waiters
                    .put(Direction::Read, Some(waiter), Waker::noop().clone())
                    .is_none()
            );
        }
        waiters.take(Event::READABLE, &mut Vec::new());
        assert_eq!(
            waiters.more.as_ref().map(|more| more.crowd.len()),
            Some(many)
        );
        for waiter in &mut crowd {
            assert!(waiters.forget(waiter).waker.is_none());
            assert!(waiters.forget(waiter).waker.is_none());
        }
        assert!(waiters.more.is_none());
    }

    #[test]
    fn of_a_line_one_is_called_at_a_time_until_the_direction_ends() {
        let mut waiters = Waiters::default();
        let mut line: Vec<Waiter> = (0..5).map(|_| Waiter::in_line()).collect();
        for waiter in &mut line {
            let waker = Waker::noop().clone();
            assert!(waiters.put(Direction::Read, Some(waiter), waker).is_none());
        }
        let mut woken = Vec::new();
        waiters.take(Event::WRITABLE, &mut woken);
        assert!(woken.is_empty() && waiters.any(Direction::Read));
        waiters.take(Event::READABLE, &mut woken);
        assert_eq!((woken.len(), waiters.in_line()), (1, 4));
        assert!(
            !waiters.any(Direction::Read),
            "the first one has been called"
        );
        // The first came first; it leaves without a look, which it owes the next.
        assert!(waiters.forget(&mut line[0]).was_called);
        assert!(!waiters.forget(&mut line[1]).was_called);
        assert!(waiters.call().is_some());
        waiters.take(Event::READABLE.and_if(true, Event::READ_CLOSED), &mut woken);
        assert_eq!((woken.len(), waiters.in_line()), (3, 0));
        for waiter in &mut line[2..] {
            assert!(waiters.forget(waiter).was_called);
        }
    }
}
