//! A source: one descriptor as those see it who wait for it, and the protocol by which none of its events is lost.
//!
//! # The steps
//!
//! Whoever wants to read does this (writing is the same with the other half of the word):
//!
//! 1. Load the readiness word. Ready: remember the tick, and try the operation.
//! 2. The operation says "would block". **Clear** the readiness, unless the tick has moved since step 1.
//! 3. Load the word again. Not ready: the slow path.
//! 4. Register the descriptor, if it is not yet.
//! 5. Lock the waiters. Look at the word **again**: ready means back to step 1.
//! 6. Make sure that this direction is armed, and leave the waker. Unlock, and return Pending.
//!
//! Whoever polls does this for each event, under the table's lock:
//!
//! - a. **Set** the word: ready, and the tick moves on.
//! - b. Lock the waiters, and take the wakers of that direction. They are woken when all locks are released.
//!
//! # Why no event is lost
//!
//! *An event during the operation.* The kernel had something new after the operation looked, and reports it. If (a)
//! comes before the clear of step 2, the tick has moved and the clear does nothing. If it comes after, the word is
//! ready again for step 3 or 5. The order that matters is that the tick is loaded before the operation begins; the
//! Acquire in `Readiness::load` is there for that.
//!
//! *An event while the waker is being left.* Steps 5 and 6 and step (b) exclude each other. If (b) comes later, it
//! finds the waker. If it came earlier, then (a) did too, and the lock made it visible: step 5 sees it. This is why an
//! event sets before it takes, and why a waiter looks after it has locked.
//!
//! *An event before the registration.* No edge is owed for what happened before step 4, but `add` reports everything
//! that is ready at that moment, so what came between "would block" and `add` comes as an event of its own, to which
//! all of the above applies. The same holds when interest is added or re-armed.
//!
//! *An end of stream behind the last bytes.* Both can come in one event, and then no other ever comes. A reader who
//! stops at a short read would wait for ever; [`Source::clear_short`] therefore leaves the closed bit alone, and does
//! nothing where the selector does not report the end of a stream.
//!
//! *Two who register at once.* Each takes a place in the table, one wins under the waiters' lock, and the other gives
//! its place back.
//!
//! *A line.* Of those who wait in line ([`Waiter::in_line`]) an event calls only the first. Let a *call* be the duty to
//! look: it lies with a waiter that has been called until it polls, then with the operation that it tries. There is
//! always a call while the word is ready and somebody stands in line: nobody joins the line while the word is ready
//! (step 5), the event that made it ready has called the first, and a call ends in one of three ways. The operation
//! would block, so that the word is cleared, or is ready for a newer event, which has called somebody too, or for whom
//! the operation is tried again. Or the operation has taken something or failed: then it passes the call on. Or the
//! waiter is dropped: so does it.
//!
//! *The end.* [`Reactor::close`] sets the shutdown bit as (a) sets readiness, and then takes the wakers as (b) does;
//! step 5 looks for it too. A source that is about to register either finds the table closed or is in it when it is
//! emptied.
//!
//! *A source that goes* leaves the table before its descriptor can be closed, so a descriptor in the table is open, and
//! an event that was already picked up finds nobody under its token. Its waiters cannot still wait: their futures
//! borrow the source. The wakers that they left are dropped.

use crate::reactor::Reactor;
use crate::readiness::{Direction, Ready, Snapshot};
use crate::registration::Registration;
use crate::selector::Token;
use crate::sys::{self, Borrowed, Descriptor};
use crate::table::shut_down;
use crate::waiters::Waiter;
use crate::waking;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{fmt, io};

/// The readiness of one I/O object, and those who wait for it. Part of an [`Io`](crate::Io).
///
/// It makes no system call before somebody has to wait: then it is registered with the selector, once.
pub struct Source {
    reactor: Arc<Reactor>,
    registration: Arc<Registration>,
    /// Open for as long as this source exists: `Io` drops the source before the object that owns the descriptor.
    descriptor: Descriptor,
}

// Others' code is called when every lock is released, so a panic of it leaves nothing half changed.
impl UnwindSafe for Source {}
impl RefUnwindSafe for Source {}

impl Source {
    pub(crate) fn new(reactor: Arc<Reactor>, descriptor: Descriptor) -> Source {
        Source {
            reactor,
            registration: Arc::new(Registration::new()),
            descriptor,
        }
    }

    /// Waits until an operation in that direction is worth a try.
    ///
    /// Ready is a hint, seen with one atomic load: try the operation, and when it would block, [`clear`](Source::clear)
    /// what was returned here and poll again. A fresh source is assumed ready both ways.
    ///
    /// With a `waiter`, any number of futures can wait for the same direction; each must [`forget`](Source::forget) its
    /// waiter when it is dropped. Without, the waker goes to the direction's one slot, where the last caller replaces
    /// the one before it. An event wakes all waiters of its direction, but only the first in line.
    ///
    /// # Errors
    /// When the runtime has shut down; when the operating system refuses to watch the descriptor, which it does for
    /// regular files ([`io::ErrorKind::Unsupported`]), for one that is watched already
    /// ([`io::ErrorKind::AlreadyExists`]), or for want of memory.
    #[inline]
    pub fn poll_ready(
        &self,
        direction: Direction,
        waiter: Option<&mut Waiter>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Ready>> {
        match look(self.registration.readiness.load(), direction) {
            None => self.park(direction, waiter, cx),
            Some(seen) => {
                self.forget_placed(waiter);
                Poll::Ready(seen)
            }
        }
    }

    /// As [`poll_ready`](Source::poll_ready), for who does nothing but wait. A fresh source is not assumed ready then: it
    /// waits until an event has said so. And it fails after the runtime's end even if the source has never been told,
    /// because nobody had to wait for it before.
    ///
    /// # Errors
    /// As `poll_ready`.
    pub fn poll_wait(
        &self,
        direction: Direction,
        waiter: Option<&mut Waiter>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Ready>> {
        if self.reactor.is_closed() {
            self.forget_placed(waiter);
            return Poll::Ready(Err(shut_down()));
        }
        // No event can be lost by that: one that has come already has moved the tick, and one of which the kernel
        // knows is delivered when the source is registered, or armed, or was so long ago.
        if let Some(guess) = self.registration.readiness.load().guess(direction) {
            self.registration.readiness.clear(guess);
        }
        self.poll_ready(direction, waiter, cx)
    }

    /// Evidence that this direction is believed ready now, for an operation that will not wait. `None`: it would block.
    #[inline]
    pub fn ready(&self, direction: Direction) -> Option<Ready> {
        self.registration.readiness.load().ready(direction)
    }

    /// Whether that direction has ended for good, as far as events have told: the peer reads or writes no more. A hint,
    /// as all readiness.
    #[must_use]
    pub fn is_closed(&self, direction: Direction) -> bool {
        self.registration.readiness.load().is_closed(direction)
    }

    /// Waits until both directions have ended for good, as they have after a reset: for who neither reads nor writes
    /// for a while. Each event of the source wakes it, and what is ready stays so. Give the waiter back with
    /// [`forget`](Source::forget).
    ///
    /// # Errors
    /// As [`poll_ready`](Source::poll_ready).
    pub fn poll_ended(&self, waiter: &mut Waiter, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.register(Direction::Write)?;
        let waker = cx.waker().clone();
        let mut parked = self.registration.parked.lock();
        // Under the lock, as in step 5: an event sets before it takes.
        let ended = self
            .registration
            .readiness
            .load()
            .is_closed(Direction::Write);
        let unneeded = match ended {
            true => Some(waker),
            false => {
                let engine = self.reactor.engine();
                let token = self.registration.token();
                parked.arm(engine, self.borrowed(), token, Direction::Write)?;
                parked.waiters.put(Direction::Write, Some(waiter), waker)
            }
        };
        drop(parked);
        // The lock is free again: dropping a waker can run any code.
        waking::forget(unneeded);
        match ended {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    }

    /// Forgets a readiness after the operation that it led to would have blocked, unless a newer event has come.
    ///
    /// The operation must have been tried on this descriptor and in that direction, after `ready` was obtained: an
    /// answer of "would block" that did not come from there makes later waits miss what is already there.
    pub fn clear(&self, ready: Ready) {
        self.registration.readiness.clear(ready);
    }

    /// Forgets a readiness after an operation that moved some bytes but fewer than it was asked to, so that the attempt
    /// that would tell that there is no more can be saved. Does nothing where that is not sound: reading, with a
    /// selector that does not report the end of a stream.
    ///
    /// Only for byte streams on which a short operation proves that the next would block: TCP sockets and ordinary
    /// pipes. Not for datagrams, terminals, pipes in packet mode or inotify. A Unix stream also ends a read early
    /// behind bytes that carry descriptors: there, call it for a read only if the message did not have any.
    #[inline]
    pub fn clear_short(&self, ready: Ready) {
        let traits = self.reactor.engine().traits();
        if ready.direction() == Direction::Write || traits.short_read_clears {
            self.registration.readiness.clear_short(ready);
        }
    }

    /// Gives back the place of a waiter whose future is dropped or done. Harmless if it has none. If it stood in line
    /// and has been called, the next is called in its stead.
    pub fn forget(&self, waiter: &mut Waiter) {
        if waiter.is_placed() && self.leave_place(waiter) {
            self.pass_on();
        }
    }

    /// Calls the next one in line if there is still something to read: owed by every operation with a waiter
    /// [`in_line`](Waiter::in_line) that has ended, in whatever way.
    #[inline]
    pub fn pass_on(&self) {
        // Orderings: whoever was called by an event sees the line as it was then. It is told of under the lock that the
        // event takes before it wakes anybody. Whoever was not called may miss some of it; then one who was called has
        // not looked yet, or has passed it on.
        if self.registration.readiness.load().calls_for_next() {
            self.call_next();
        }
    }

    #[cold]
    fn call_next(&self) {
        let mut parked = self.registration.parked.lock();
        let ready = self.registration.readiness.load().ready(Direction::Read);
        let next = ready.and_then(|_| parked.waiters.call());
        self.registration.tell_of_line(&parked);
        drop(parked);
        // The lock is free again: waking can run any code.
        next.into_iter().for_each(waking::wake);
    }

    /// Gives a place back. True: it had been called, and what it was called for may still be there.
    fn leave_place(&self, waiter: &mut Waiter) -> bool {
        let mut parked = self.registration.parked.lock();
        let left = parked.waiters.forget(waiter);
        self.registration.tell_of_line(&parked);
        drop(parked);
        // The lock is free again: dropping a waker can run any code.
        waking::forget(left.waker);
        left.was_called
    }

    /// A number that names this source among those of its reactor, for showing; `u64::MAX` before it first had to wait.
    pub fn id(&self) -> u64 {
        match self.registration.token() {
            Token::NONE => u64::MAX,
            token => token.0 as u64,
        }
    }

    /// The number of the descriptor, as other tools show it (on Windows, of the socket).
    pub fn number(&self) -> u64 {
        sys::number(self.descriptor)
    }

    /// The reactor that this source belongs to.
    pub fn reactor(&self) -> &Arc<Reactor> {
        &self.reactor
    }

    /// Steps 4 to 6.
    #[inline(never)]
    fn park(
        &self,
        direction: Direction,
        mut waiter: Option<&mut Waiter>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<Ready>> {
        let parked = self
            .register(direction)
            .and_then(|()| self.leave_waker(direction, waiter.as_deref_mut(), cx));
        match parked {
            Ok(None) => Poll::Pending,
            Ok(Some(ready)) => {
                self.forget_placed(waiter);
                Poll::Ready(Ok(ready))
            }
            Err(error) => {
                self.forget_placed(waiter);
                Poll::Ready(Err(error))
            }
        }
    }

    /// Step 4. The place in the table comes first: the table's lock is never taken under that of a registration.
    fn register(&self, direction: Direction) -> io::Result<()> {
        if self.registration.token() != Token::NONE {
            return Ok(());
        }
        let token = self
            .reactor
            .insert(Arc::clone(&self.registration), self.descriptor)?;
        let added = self
            .registration
            .add(self.reactor.engine(), self.borrowed(), token, direction);
        if !matches!(added, Ok(true)) {
            self.reactor.remove(token);
        }
        added.map(drop)
    }

    /// Steps 5 and 6. `None`: the waker is left where the next event finds it.
    fn leave_waker(
        &self,
        direction: Direction,
        waiter: Option<&mut Waiter>,
        cx: &Context<'_>,
    ) -> io::Result<Option<Ready>> {
        // Before the lock is taken, and dropped after it is released if it is not needed: cloning and dropping a waker
        // can run any code.
        let waker = cx.waker().clone();
        let mut parked = self.registration.parked.lock();
        if let Some(seen) = look(self.registration.readiness.load(), direction) {
            drop(parked);
            waking::forget(Some(waker));
            return seen.map(Some);
        }
        parked.arm(
            self.reactor.engine(),
            self.borrowed(),
            self.registration.token(),
            direction,
        )?;
        let replaced = parked.waiters.put(direction, waiter, waker);
        self.registration.tell_of_line(&parked);
        drop(parked);
        // The lock is free again: dropping a waker can run any code.
        waking::forget(replaced);
        Ok(None)
    }

    /// Gives a place back before the operation, which takes over what its waiter may have been called for.
    #[inline]
    fn forget_placed(&self, waiter: Option<&mut Waiter>) {
        if let Some(waiter) = waiter.filter(|waiter| waiter.is_placed()) {
            self.leave_place(waiter);
        }
    }

    fn borrowed(&self) -> Borrowed<'_> {
        // SAFETY: the descriptor is open for as long as this source exists, by the field's invariant.
        unsafe { sys::borrow(self.descriptor) }
    }

    /// Leaves the table and the selector: the descriptor lives on.
    pub(crate) fn deregister(mut self) -> io::Result<()> {
        self.leave()
    }

    /// Leaves the table, and then the selector. Once, however often it is called.
    ///
    /// Closing the descriptor would not do: a duplicate of it, in this process or in another, keeps the open file and
    /// so its registration alive, which would go on to end waits early and to refuse whoever gets the same number next.
    /// Duplicates cannot be seen (`fork`, `SCM_RIGHTS`).
    fn leave(&mut self) -> io::Result<()> {
        let token = self.registration.token();
        if token == Token::NONE {
            return Ok(());
        }
        // The table first: an event that is being delivered may still need the token to arm the source again.
        self.reactor.remove(token);
        self.registration.retire();
        self.reactor.engine().delete(self.borrowed())
    }
}

/// What a waiter makes of the word: the end, evidence, or nothing.
#[inline]
fn look(now: Snapshot, direction: Direction) -> Option<io::Result<Ready>> {
    if now.is_shut_down() {
        return Some(Err(shut_down()));
    }
    now.ready(direction).map(Ok)
}

impl Drop for Source {
    fn drop(&mut self) {
        // If the selector refuses, it does not know the descriptor any more; there is nobody to tell.
        drop(self.leave());
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("id", &self.id())
            .field("descriptor", &self.descriptor)
            .field("readiness", &self.registration.readiness)
            .finish_non_exhaustive()
    }
}
