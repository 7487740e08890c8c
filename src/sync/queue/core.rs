//! How a queue works, whatever its order.
//!
//! Whoever waits is served in turn. While somebody waits for a thing, one that is put is *promised* to the first of
//! them; while somebody waits for room, room that comes is *reserved* for the first of those. Newcomers get nothing of
//! that. A future that is dropped with a promise or a reservation passes it on. A thing stays in the queue until its
//! getter runs, so none is lost, and of a priority queue it is the best one then.

use super::order::Order;
use crate::sync::error::{Closed, SendError};
use crate::sync::wait_list::{Outcome, WaitList, Waiter};
use crate::sync::waiting::Leaf;
use crate::sync::wakers::{Kept, wake, wake_all};
use filch_executor::foreign::discard;
use parking_lot::Mutex;
use std::fmt;
use std::pin::Pin;
use std::task::{Poll, Waker};

pub(super) struct Core<O> {
    pub(super) capacity: usize,
    state: Mutex<State<O>>,
}

// A panic of a thing's comparison leaves a queue of the same things.
impl<O> std::panic::UnwindSafe for Core<O> {}
impl<O> std::panic::RefUnwindSafe for Core<O> {}

struct State<O> {
    things: O,
    /// Getters that were woken for a thing and have not taken it.
    promised: usize,
    /// Putters that were woken for room and have not used it.
    reserved: usize,
    /// Things that were put and that nobody has said to be done with.
    unfinished: usize,
    closed: bool,
    getting: WaitList,
    putting: WaitList,
    joining: WaitList,
}

/// A thing that was not put.
pub(super) enum Full<T> {
    Full(T),
    Closed(T),
}

/// Why there is nothing to take out.
pub(super) enum NotThere {
    Empty,
    Closed,
}

/// Which of the lists.
#[derive(Clone, Copy)]
enum For {
    Thing,
    Room,
    Done,
}

impl<O: Order> State<O> {
    /// Promises a thing to the first getter, if there is one for it.
    fn promise(&mut self) -> Option<Waker> {
        if self.things.len() <= self.promised {
            return None;
        }
        let first = self.getting.pop(Outcome::Granted)?;
        self.promised += 1;
        Some(first)
    }

    /// Reserves room for the first putter, if there is some.
    fn reserve(&mut self, capacity: usize) -> Option<Waker> {
        if !self.has_room(capacity) {
            return None;
        }
        let first = self.putting.pop(Outcome::Granted)?;
        self.reserved += 1;
        Some(first)
    }

    fn has_room(&self, capacity: usize) -> bool {
        self.things.len() + self.reserved < capacity
    }

    fn is_over(&self) -> bool {
        self.closed && self.things.len() == 0
    }

    fn list(&mut self, what: For) -> &mut WaitList {
        match what {
            For::Thing => &mut self.getting,
            For::Room => &mut self.putting,
            For::Done => &mut self.joining,
        }
    }
}

impl<O: Order> Core<O> {
    pub(super) fn new(capacity: usize) -> Core<O> {
        Core {
            capacity,
            state: Mutex::new(State {
                things: O::new(),
                promised: 0,
                reserved: 0,
                unfinished: 0,
                closed: false,
                getting: WaitList::new(),
                putting: WaitList::new(),
                joining: WaitList::new(),
            }),
        }
    }

    pub(super) fn try_put(&self, thing: O::Item) -> Result<(), Full<O::Item>> {
        self.put(thing, None)
    }

    /// Puts, if there is room that nobody has an older claim to. Otherwise the waiter waits, if there is one.
    fn put(
        &self,
        thing: O::Item,
        waiting: Option<(Pin<&mut Waiter>, &mut Kept<'_>)>,
    ) -> Result<(), Full<O::Item>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Full::Closed(thing));
        }
        if !state.has_room(self.capacity) || !state.putting.is_empty() {
            if let Some((waiter, kept)) = waiting {
                state.putting.wait(waiter, kept, 1);
            }
            return Err(Full::Full(thing));
        }
        let getter = put_in(&mut state, thing);
        drop(state);
        wake_one(getter);
        Ok(())
    }

    /// Puts into the caller's reservation, which ends here.
    fn put_reserved(&self, thing: O::Item) -> Result<(), Full<O::Item>> {
        let mut state = self.state.lock();
        state.reserved -= 1;
        if state.closed {
            return Err(Full::Closed(thing));
        }
        let getter = put_in(&mut state, thing);
        drop(state);
        wake_one(getter);
        Ok(())
    }

    pub(super) fn try_get(&self) -> Result<O::Item, NotThere> {
        self.get(None)
    }

    /// Takes one out, if there is one that nobody has an older claim to. Otherwise the waiter waits, if there is one.
    fn get(&self, waiting: Option<(Pin<&mut Waiter>, &mut Kept<'_>)>) -> Result<O::Item, NotThere> {
        let mut state = self.state.lock();
        if state.is_over() {
            return Err(NotThere::Closed);
        }
        if state.things.len() > state.promised && state.getting.is_empty() {
            if let Some(thing) = state.things.pop() {
                self.got(state);
                return Ok(thing);
            }
        }
        if let Some((waiter, kept)) = waiting {
            state.getting.wait(waiter, kept, 1);
        }
        Err(NotThere::Empty)
    }

    /// Takes out what was promised to the caller. `close_now` may have taken it.
    fn get_promised(&self) -> Option<O::Item> {
        let mut state = self.state.lock();
        state.promised -= 1;
        let thing = state.things.pop()?;
        self.got(state);
        Some(thing)
    }

    /// There is room now, or an end.
    fn got(&self, mut state: parking_lot::MutexGuard<'_, State<O>>) {
        let putter = state.reserve(self.capacity);
        let is_over = state.is_over();
        drop(state);
        wake_one(putter);
        if is_over {
            self.release(For::Thing);
        }
    }

    /// Whoever is in a list now looks again.
    fn release(&self, what: For) {
        let mut until = None;
        wake_all(|section| {
            let mut state = self.state.lock();
            let list = state.list(what);
            let until = *until.get_or_insert(list.next_turn());
            section.fill(|| list.pop_before(until, Outcome::Released));
        });
    }

    #[track_caller]
    pub(super) fn task_done(&self) {
        let mut state = self.state.lock();
        let left = state.unfinished.checked_sub(1);
        let left = left.expect("task_done was called more often than something was put");
        state.unfinished = left;
        drop(state);
        if left == 0 {
            self.release(For::Done);
        }
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let is_over = state.is_over();
        drop(state);
        self.release(For::Room);
        if is_over {
            self.release(For::Thing);
        }
    }

    /// Drops what is in it, each thing after the lock. The work on that counts as done.
    pub(super) fn clear(&self) {
        loop {
            let mut state = self.state.lock();
            let Some(thing) = state.things.pop() else {
                break;
            };
            state.unfinished = state.unfinished.saturating_sub(1);
            let is_done = state.unfinished == 0;
            drop(state);
            discard(thing);
            if is_done {
                self.release(For::Done);
            }
        }
        self.release(For::Thing);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().things.len()
    }

    pub(super) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (queued, unfinished, closed) = {
            let state = self.state.lock();
            (state.things.len(), state.unfinished, state.closed)
        };
        f.debug_struct(name)
            .field("queued", &queued)
            .field("unfinished", &unfinished)
            .field("closed", &closed)
            .finish()
    }

    fn update(&self, what: For, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.state.lock().list(what).update(waiter, kept);
    }

    /// One that has begun to wait gives up. What it was granted goes to the next.
    #[cold]
    fn give_up(&self, what: For, mut waiter: Pin<&mut Waiter>) {
        let mut state = self.state.lock();
        let removed = state.list(what).remove(waiter.as_mut());
        let is_granted = waiter.take_outcome() == Some(Outcome::Granted);
        let next = match what {
            For::Thing if is_granted => {
                state.promised -= 1;
                state.promise()
            }
            For::Room if is_granted => {
                state.reserved -= 1;
                state.reserve(self.capacity)
            }
            _ => None,
        };
        drop(state);
        discard(removed);
        wake_one(next);
    }
}

/// The first getter is woken for it, if one waits.
fn put_in<O: Order>(state: &mut State<O>, thing: O::Item) -> Option<Waker> {
    state.things.push(thing);
    state.unfinished += 1;
    state.promise()
}

fn wake_one(waker: Option<Waker>) {
    if let Some(waker) = waker {
        wake(waker);
    }
}

/// Puts something in.
pub(super) struct Put<'a, O: Order> {
    core: &'a Core<O>,
    /// There until it is put or given back.
    thing: Option<O::Item>,
}

impl<'a, O: Order> Put<'a, O> {
    pub(super) fn new(core: &'a Core<O>, thing: O::Item) -> Put<'a, O> {
        Put {
            core,
            thing: Some(thing),
        }
    }
}

impl<O: Order> Leaf for Put<'_, O> {
    type Output = Result<(), SendError<O::Item>>;

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Self::Output> {
        let thing = self.thing.take().expect("it was not put yet");
        let put = match ended {
            Some(Outcome::Released) => Err(Full::Closed(thing)),
            Some(_) => self.core.put_reserved(thing),
            None => self.core.put(thing, Some((waiter, kept))),
        };
        match put {
            Ok(()) => Poll::Ready(Ok(())),
            Err(Full::Closed(thing)) => Poll::Ready(Err(SendError(thing))),
            Err(Full::Full(thing)) => {
                self.thing = Some(thing);
                Poll::Pending
            }
        }
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.core.update(For::Room, waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.core.give_up(For::Room, waiter);
    }
}

/// Takes something out.
pub(super) struct Get<'a, O>(pub(super) &'a Core<O>);

impl<O: Order> Leaf for Get<'_, O> {
    type Output = Result<O::Item, Closed>;

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<Self::Output> {
        if ended == Some(Outcome::Granted) {
            return Poll::Ready(self.0.get_promised().ok_or(Closed));
        }
        match self.0.get(Some((waiter, kept))) {
            Ok(thing) => Poll::Ready(Ok(thing)),
            Err(NotThere::Empty) => Poll::Pending,
            Err(NotThere::Closed) => Poll::Ready(Err(Closed)),
        }
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.update(For::Thing, waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.0.give_up(For::Thing, waiter);
    }
}

/// Waits for the work to be done.
pub(super) struct Join<'a, O>(pub(super) &'a Core<O>);

impl<O: Order> Leaf for Join<'_, O> {
    type Output = ();

    fn take_or_wait(
        &mut self,
        ended: Option<Outcome>,
        waiter: Pin<&mut Waiter>,
        kept: &mut Kept<'_>,
    ) -> Poll<()> {
        let mut state = self.0.state.lock();
        if ended.is_some() || state.unfinished == 0 {
            return Poll::Ready(());
        }
        state.joining.wait(waiter, kept, 1);
        Poll::Pending
    }

    fn update(&mut self, waiter: Pin<&mut Waiter>, kept: &mut Kept<'_>) {
        self.0.update(For::Done, waiter, kept);
    }

    fn give_up(&mut self, waiter: Pin<&mut Waiter>) {
        self.0.give_up(For::Done, waiter);
    }
}
