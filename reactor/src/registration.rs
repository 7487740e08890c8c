//! What a source and the reactor's table share: the readiness word and the waiters.
//!
//! This is the half of a source that events reach. It knows nothing of descriptors that may be closed: whoever calls it
//! with one holds what keeps it open. The protocol between its two users is told in `source.rs`.

use crate::primitive::{AtomicUsize, Mutex, Ordering};
use crate::readiness::{Direction, Event, Readiness};
use crate::selector::{Engine, Interest, Token};
use crate::sys::Borrowed;
use crate::waiters::Waiters;
use std::io;
use std::task::Waker;

#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) readiness: Readiness,
    /// The source's name in the selector; `Token::NONE` before there is one, and after the source has gone. Written
    /// under the lock of `parked`, and by the source's end.
    ///
    /// Orderings: Relaxed. Without the lock it is a hint, or a number to show; the source's end is alone by then.
    token: AtomicUsize,
    pub(crate) parked: Mutex<Parked>,
}

/// The waiters, and for which directions the selector has been asked to report.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    pub(crate) waiters: Waiters,
    /// With an edge-triggered selector it only grows; with another, each event empties it.
    armed: Interest,
}

impl Registration {
    pub(crate) fn new() -> Registration {
        Registration {
            readiness: Readiness::new(),
            token: AtomicUsize::new(Token::NONE.0),
            parked: Mutex::new(Parked::default()),
        }
    }

    pub(crate) fn token(&self) -> Token {
        Token(self.token.load(Ordering::Relaxed))
    }

    /// The source has gone: nobody polls it any more, and it has left the table.
    pub(crate) fn retire(&self) {
        self.token.store(Token::NONE.0, Ordering::Relaxed);
    }

    /// Begins to watch the descriptor under that token. False: somebody else did so in the meantime, the token is not
    /// needed.
    pub(crate) fn add(
        &self,
        engine: &Engine,
        source: Borrowed<'_>,
        token: Token,
        direction: Direction,
    ) -> io::Result<bool> {
        let mut parked = self.parked.lock();
        if self.token() != Token::NONE {
            return Ok(false);
        }
        let mut interest = Interest::default().with(direction);
        if engine.traits().edge && direction == Direction::Write {
            // Who waits to write first (a connect) will wait to read next: spare the second system call.
            interest = interest.with(Direction::Read);
        }
        engine.add(source, token, interest)?;
        parked.armed = interest;
        self.token.store(token.0, Ordering::Relaxed);
        Ok(true)
    }

    /// An event has come: sets the word, then takes the waiters; never the other way round.
    pub(crate) fn deliver(
        &self,
        event: Event,
        engine: &Engine,
        source: Borrowed<'_>,
        woken: &mut Vec<Waker>,
    ) {
        self.readiness.set(event);
        let mut parked = self.parked.lock();
        parked.waiters.take(event, woken);
        self.tell_of_line(&parked);
        if !engine.traits().edge {
            self.rearm(&mut parked, engine, source, woken);
        }
    }

    /// The event has ended all interest; those who wait for the other direction still have theirs.
    fn rearm(
        &self,
        parked: &mut Parked,
        engine: &Engine,
        source: Borrowed<'_>,
        woken: &mut Vec<Waker>,
    ) {
        parked.armed = Interest::default();
        for direction in [Direction::Read, Direction::Write] {
            if parked.waiters.any(direction)
                && parked.arm(engine, source, self.token(), direction).is_err()
            {
                // Let them try their operation and meet the error themselves when they wait again.
                self.readiness.set(Event::BOTH);
                parked.waiters.take_all(woken);
                self.tell_of_line(parked);
            }
        }
    }

    /// The reactor has closed: as for an event, the word comes first.
    pub(crate) fn shut_down(&self, woken: &mut Vec<Waker>) {
        self.readiness.shut_down();
        let mut parked = self.parked.lock();
        parked.waiters.take_all(woken);
        self.tell_of_line(&parked);
    }

    /// Tells whether anybody stands in line. After each change to the waiters, under their lock.
    pub(crate) fn tell_of_line(&self, parked: &Parked) {
        self.readiness.set_line(parked.waiters.in_line() > 0);
    }
}

impl Parked {
    /// Makes sure that the selector reports that direction. A system call only where it did not yet.
    pub(crate) fn arm(
        &mut self,
        engine: &Engine,
        source: Borrowed<'_>,
        token: Token,
        direction: Direction,
    ) -> io::Result<()> {
        if !self.armed.contains(direction) {
            let interest = self.armed.with(direction);
            engine.modify(source, token, interest)?;
            self.armed = interest;
        }
        Ok(())
    }
}
