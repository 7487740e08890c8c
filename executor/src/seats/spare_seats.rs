//! The spare seats that were made, who has them, and how many threads there are for them. `spares.rs` is how they are
//! called and sent home.

use crate::queues::queue::Local;
use crate::seats::core::{Common, Core};
use crate::seats::remotes::Remotes;
use filch_timer::Instant;

/// The spare seats and their threads; under the lock of `Seats`.
#[derive(Debug, Default)]
pub(super) struct Spares {
    /// Seats that were made so far, and those of them that nobody has; the lowest is last.
    made: usize,
    free_seats: Vec<Core>,
    /// Threads that rest and were not called, and the seats of those that were.
    pub(super) resting: usize,
    pub(super) called: Vec<Core>,
    /// Threads that have not ended.
    pub(super) threads: usize,
}

impl Spares {
    /// The lowest free seat, or else a new one. `None`: there are as many as there may be.
    pub(super) fn take_or_make(
        &mut self,
        remotes: &Remotes,
        common: Common,
        now: Instant,
    ) -> Option<Core> {
        if let Some(core) = self.free_seats.pop() {
            return Some(core);
        }
        if self.made == remotes.max_spares() {
            return None;
        }
        let seat = remotes.first_spare() + self.made;
        let queue = Local::new();
        remotes.add_spare(self.made, &queue, now);
        self.made += 1;
        Some(Core::new(seat, queue, remotes.depot.clone(), common))
    }

    /// A spare seat is free again. The lowest free ones are taken first, so that few seats have to be
    /// looked at.
    pub(super) fn free(&mut self, core: Core, remotes: &Remotes) {
        core.kit.memory.clear();
        let at = self
            .free_seats
            .partition_point(|free| free.index > core.index);
        self.free_seats.insert(at, core);
        self.update_seated(remotes);
    }

    pub(super) fn update_seated(&self, remotes: &Remotes) {
        let first = remotes.first_spare();
        // Free seats are in descending order: the ones at the start that run down from the last made one
        // need not be looked at.
        let mut seated = self.made;
        for free in &self.free_seats {
            if free.index + 1 != first + seated {
                break;
            }
            seated -= 1;
        }
        remotes.set_seated(seated);
    }
}
