//! Queues for threads in `block_on`: what such a thread spawns or wakes, workers steal.
//!
//! A thread in `block_on` runs no task but its own future (design: a future that is not Send could
//! not be moved away from behind one), so its queue exists only to be stolen from. There are a few
//! places; a thread that finds none free uses the injector, which is slower and no different else.

use crate::queue::{Local, Stealer};
use parking_lot::Mutex;

/// How many threads in `block_on` have a queue of their own at a time.
const PLACES: usize = 4;

/// All places.
#[derive(Debug)]
pub(crate) struct Guests {
    places: [Place; PLACES],
}

#[derive(Debug)]
struct Place {
    /// The owner's end, while no thread has it.
    free: Mutex<Option<Local>>,
    stealer: Stealer,
}

impl Guests {
    pub(crate) fn new() -> Guests {
        Guests {
            places: std::array::from_fn(|_| {
                let queue = Local::new();
                let stealer = queue.stealer();
                Place { free: Mutex::new(Some(queue)), stealer }
            }),
        }
    }

    /// Takes a free place.
    pub(crate) fn enter(&self) -> Option<(usize, Local)> {
        self.places.iter().enumerate().find_map(|(place, p)| Some((place, p.free.lock().take()?)))
    }

    /// Gives a place back. What is left in its queue stays there for the workers.
    pub(crate) fn leave(&self, place: usize, queue: Local) {
        *self.places[place].free.lock() = Some(queue);
    }

    pub(crate) fn have_work(&self) -> bool {
        self.stealers().any(|stealer| stealer.len() > 0)
    }

    pub(crate) fn stealers(&self) -> impl Iterator<Item = &Stealer> {
        self.places.iter().map(|place| &place.stealer)
    }
}
