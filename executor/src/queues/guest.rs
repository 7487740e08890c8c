//! Queues for threads in `block_on`: what such a thread spawns or wakes, workers steal.
//!
//! A thread in `block_on` runs no task but its own future (design: a future that is not Send could
//! not be moved away from behind one), so its queue exists only to be stolen from. There are a few
//! places; a thread that finds none free uses the injector, which is slower and no different else.

use crate::queues::queue::{Local, Stealer, Stolen};
use crate::task::Runnable;
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

/// A place that a thread has taken. Dropping it gives the place back; what is left in its queue stays
/// there for the workers.
#[derive(Debug)]
pub(crate) struct Guest<'a> {
    place: &'a Place,
    /// Some until it is given back.
    queue: Option<Local>,
}

impl Guests {
    pub(crate) fn new() -> Guests {
        Guests {
            places: std::array::from_fn(|_| {
                let queue = Local::new();
                let stealer = queue.stealer();
                Place {
                    free: Mutex::new(Some(queue)),
                    stealer,
                }
            }),
        }
    }

    /// Takes a free place.
    pub(crate) fn enter(&self) -> Option<Guest<'_>> {
        self.places.iter().find_map(|place| {
            let queue = place.free.lock().take()?;
            Some(Guest {
                place,
                queue: Some(queue),
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

impl Guest<'_> {
    /// Its queue, for as long as it stays.
    pub(crate) fn queue(&self) -> Option<&Local> {
        self.queue.as_ref()
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        *self.place.free.lock() = self.queue.take();
    }
}
