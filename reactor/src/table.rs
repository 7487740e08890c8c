//! The table of all sources that a reactor has registered: from the token of an event to the source that it is for.
//!
//! A place that is given back gets a new generation, so an event under an old token finds nobody. That matters where
//! the event was already picked up when the source went, and where a number is used again at once for another
//! descriptor.
//!
//! Plain data behind the reactor's lock. Nothing is dropped here: what is removed is handed out, for the reason in
//! `waiters.rs`.

use crate::registration::Registration;
use crate::selector::Token;
use crate::sys::Descriptor;
use std::io;
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct Table {
    places: Vec<Place>,
    free: Vec<usize>,
    closed: bool,
}

#[derive(Debug)]
struct Place {
    generation: u32,
    /// Open for as long as there is an occupant.
    descriptor: Descriptor,
    occupant: Option<Arc<Registration>>,
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Fails when the reactor has closed, or when there are more sources than a token can tell apart.
    /// The descriptor must stay open until `remove`.
    pub(crate) fn insert(
        &mut self,
        registration: Arc<Registration>,
        descriptor: Descriptor,
    ) -> io::Result<Token> {
        if self.closed {
            return Err(shut_down());
        }
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.places.len() < Token::MAX_SOURCES => {
                self.places.push(Place {
                    generation: 0,
                    descriptor,
                    occupant: None,
                });
                self.places.len() - 1
            }
            None => {
                return Err(io::Error::other(
                    "one reactor cannot watch more descriptors than it does now",
                ));
            }
        };
        let place = &mut self.places[index];
        place.occupant = Some(registration);
        place.descriptor = descriptor;
        Ok(Token::new(index, place.generation))
    }

    /// The source of an event, and its descriptor, which is open.
    pub(crate) fn get(&self, token: Token) -> Option<(&Registration, Descriptor)> {
        let place = self.places.get(token.index())?;
        if Token::new(token.index(), place.generation) != token {
            return None;
        }
        place
            .occupant
            .as_ref()
            .map(|registration| (&**registration, place.descriptor))
    }

    #[must_use = "drop it after the lock is released"]
    pub(crate) fn remove(&mut self, token: Token) -> Option<Arc<Registration>> {
        self.get(token)?;
        let place = &mut self.places[token.index()];
        place.generation = place.generation.wrapping_add(1);
        self.free.push(token.index());
        place.occupant.take()
    }

    /// Takes everything out; from now on nothing can be inserted.
    #[must_use = "drop it after the lock is released"]
    pub(crate) fn close(&mut self) -> Vec<Arc<Registration>> {
        self.closed = true;
        self.free.clear();
        self.places
            .drain(..)
            .filter_map(|place| place.occupant)
            .collect()
    }
}

/// What everybody is told who comes after the reactor's end.
pub(crate) fn shut_down() -> io::Error {
    io::Error::other("the filch runtime that this I/O object belongs to has shut down")
}
