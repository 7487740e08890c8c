//! Places for threads in `block_on`: what such a thread spawns or wakes, workers steal.
//!
//! A thread in `block_on` runs no task but its own future (design: a future that is not Send could
//! not be moved away from behind one), so its queue exists only to be stolen from. There are a few
//! places; a thread that finds none free uses the injector, and what all share beside the [`Kit`], which is slower and
//! no different else.
//!
//! It frees few tasks, but workers free what it has spawned: its memory comes from them, by way of the depot.

use crate::queues::queue::{Local, Stealer, Stolen};
use crate::registry::tasks::{Desk, GUEST_DESKS};
use crate::seats::kit::Kit;
use crate::task::Runnable;
use crate::task::memory::Depot;
use parking_lot::Mutex;
use std::sync::Arc;

/// All places: as many as the registry has desks for.
#[derive(Debug)]
pub(crate) struct Guests {
    places: [Place; GUEST_DESKS],
}

#[derive(Debug)]
struct Place {
    /// The owner's half, while no thread has it.
    free: Mutex<Option<Box<GuestSeat>>>,
    stealer: Stealer,
}

/// What the thread owns that has a place.
#[derive(Debug)]
pub(crate) struct GuestSeat {
    pub(crate) queue: Local,
    pub(crate) kit: Kit,
}

/// A place that a thread has taken. Dropping it gives the place back; what is left in its queue stays
/// there for the workers, and its memory for the next guest.
#[derive(Debug)]
pub(crate) struct Guest<'a> {
    place: &'a Place,
    /// Some until it is given back.
    seat: Option<Box<GuestSeat>>,
}

impl Guests {
    pub(crate) fn new(depot: &Arc<Depot>) -> Guests {
        Guests {
            places: std::array::from_fn(|number| Place::new(number, Arc::clone(depot))),
        }
    }

    /// Takes a free place.
    pub(crate) fn enter(&self) -> Option<Guest<'_>> {
        self.places.iter().find_map(|place| {
            let seat = place.free.lock().take()?;
            Some(Guest {
                place,
                seat: Some(seat),
            })
        })
    }

    pub(crate) fn have_work(&self) -> bool {
        self.waiting().next().is_some()
    }

    /// For a busy worker, which does not search: moves some tasks to `into` and returns one more. A
    /// hint; what others are busy with is left to them.
    pub(crate) fn take(&self, into: &Local) -> Option<Runnable> {
        self.waiting()
            .map(|stealer| stealer.steal(into))
            .find_map(|stolen| match stolen {
                Stolen::Task(task) => Some(task),
                Stolen::Empty | Stolen::Retry => None,
            })
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Stealer> {
        let stealers = self.places.iter().map(|place| &place.stealer);
        stealers.filter(|stealer| stealer.len() > 0)
    }
}

impl Place {
    fn new(number: usize, depot: Arc<Depot>) -> Place {
        let queue = Local::new();
        let stealer = queue.stealer();
        let kit = Kit::new(Desk::of_guest(number), depot);
        Place {
            free: Mutex::new(Some(Box::new(GuestSeat { queue, kit }))),
            stealer,
        }
    }
}

impl Guest<'_> {
    /// Its seat, for as long as it stays.
    pub(crate) fn seat(&self) -> Option<&GuestSeat> {
        self.seat.as_deref()
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        *self.place.free.lock() = self.seat.take();
    }
}
