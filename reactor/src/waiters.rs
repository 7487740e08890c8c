//! Who waits for one source: plain data behind the registration's lock.
//!
//! Nearly every source has at most one reader and one writer, so each direction has one slot in place. Futures that may
//! exist any number of times (several tasks that accept from one listener) take a place in a slab that is only
//! allocated for them.
//!
//! Nothing here wakes, and nothing drops a waker: wakers that are done with are handed out, because dropping one may
//! drop a task and with it other sources, whose locks are of the same kind as the one that is held here.

use crate::readiness::{Direction, Event};
use slab::Slab;
use std::task::Waker;

/// A future's place among those who wait for one source. A fresh one ([`Waiter::default`]) holds no place yet.
///
/// It is good for one source at a time: hand it to [`Source::forget`](crate::Source::forget) when its future is
/// dropped, before it is used with another source. It takes no memory of the source until
/// [`Source::poll_ready`](crate::Source::poll_ready) first returns Pending.
#[derive(Debug, Default)]
pub struct Waiter {
    place: Option<usize>,
}

impl Waiter {
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
    more: Option<Box<Slab<Place>>>,
}

impl Waiters {
    /// Leaves `waker` to be taken by the next event of that direction: in the waiter's place, or without one in the
    /// direction's slot, where the last caller wins. Returns the waker that had to make room.
    #[must_use = "dropping a waker can run any code: release the lock first"]
    pub(crate) fn put(
        &mut self,
        direction: Direction,
        waiter: Option<&mut Waiter>,
        waker: &Waker,
    ) -> Option<Waker> {
        let slot = match waiter {
            None => self.slot(direction),
            Some(waiter) => self.place(direction, waiter),
        };
        match slot {
            Some(present) if present.will_wake(waker) => None,
            slot => slot.replace(waker.clone()),
        }
    }

    /// Gives the waiter's place back. Returns the waker that was left there.
    #[must_use = "dropping a waker can run any code: release the lock first"]
    pub(crate) fn forget(&mut self, waiter: &mut Waiter) -> Option<Waker> {
        let place = waiter.place.take()?;
        let more = self.more.as_mut()?;
        let waker = more.try_remove(place)?.waker;
        if more.is_empty() && more.capacity() > KEPT_CAPACITY {
            self.more = None;
        }
        waker
    }

    /// Moves the wakers of all directions that `event` concerns to `woken`.
    pub(crate) fn take(&mut self, event: Event, woken: &mut Vec<Waker>) {
        if event.concerns(Direction::Read) {
            woken.extend(self.reader.take());
        }
        if event.concerns(Direction::Write) {
            woken.extend(self.writer.take());
        }
        for (_, place) in self.more.iter_mut().flat_map(|more| more.iter_mut()) {
            if event.concerns(place.direction) {
                woken.extend(place.waker.take());
            }
        }
    }

    /// Does anybody wait for that direction? Asked only where interest is re-armed event by event.
    pub(crate) fn any(&self, direction: Direction) -> bool {
        let slot = match direction {
            Direction::Read => &self.reader,
            Direction::Write => &self.writer,
        };
        let mut more = self.more.iter().flat_map(|more| more.iter());
        slot.is_some()
            || more.any(|(_, place)| place.direction == direction && place.waker.is_some())
    }

    fn slot(&mut self, direction: Direction) -> &mut Option<Waker> {
        match direction {
            Direction::Read => &mut self.reader,
            Direction::Write => &mut self.writer,
        }
    }

    fn place(&mut self, direction: Direction, waiter: &mut Waiter) -> &mut Option<Waker> {
        let more = self.more.get_or_insert_default();
        let index = match waiter.place {
            Some(index) if more.contains(index) => index,
            _ => more.insert(Place {
                direction,
                waker: None,
            }),
        };
        waiter.place = Some(index);
        let place = &mut more[index];
        place.direction = direction;
        &mut place.waker
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
                    .put(direction, Some(waiter), Waker::noop())
                    .is_none()
            );
        }
        assert!(waiters.put(Direction::Read, None, Waker::noop()).is_none());

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
        let mut crowd: Vec<Waiter> = (0..1000).map(|_| Waiter::default()).collect();
        for waiter in &mut crowd {
            assert!(
                waiters
                    .put(Direction::Read, Some(waiter), Waker::noop())
                    .is_none()
            );
        }
        waiters.take(Event::READABLE, &mut Vec::new());
        assert_eq!(waiters.more.as_ref().map(|more| more.len()), Some(1000));
        for waiter in &mut crowd {
            assert!(waiters.forget(waiter).is_none());
            assert!(waiters.forget(waiter).is_none());
        }
        assert!(waiters.more.is_none());
    }
}
