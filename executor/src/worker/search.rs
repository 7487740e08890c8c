//! Where a worker finds its next task: in its own slot and queue, in the injector, and, as a searcher, at
//! the others.
//!
//! The worker's loop asks in this order: [`Worker::next_task`], [`Worker::search`], [`Worker::linger`]. What it
//! does with a task is in `poll.rs`. Who wakes whom for it, and what a searcher owes to others, is in `rest/idle.rs`.

use super::Worker;
use crate::queues::queue::{EVENTS_LIMIT, Stolen};
use crate::seats::remotes::Remote;
use crate::signs::look::{self, IdleLook};
use crate::task::Runnable;
use filch_timer::Instant;

/// A round through the local queue counts at least so many polls, so that looking at the injector,
/// which all workers share, stays cheap.
const SHORTEST_ROUND: u32 = 4;

/// Polls from the next-task slot before the queue gets its turn: in a row, or in a round through a queue that is
/// longer than this.
const SLOT_STREAK: u32 = 32;

/// How often a searcher looks around before it sleeps: about 10 µs.
const LINGER_LOOKS: u32 = 10;

/// Attempts at a queue that others are busy with.
const STEAL_ATTEMPTS: usize = 4;

impl Worker<'_> {
    /// The next task of this worker's own: the one woken last, then the oldest.
    ///
    /// The slot has its limits: after a streak of polls from it the queue gets its turn. If the queue is long, the
    /// slot is only used again in the next round. A task that awaits the many in the queue one by one is
    /// woken by each of them: it comes back once per round, and finds them all done.
    pub(crate) fn next_task(&mut self) -> Option<Runnable> {
        self.serve_injector();
        let core = self.core;
        if core.streak.get() < SLOT_STREAK {
            if let Some(task) = self.remote.slot.take() {
                core.streak.set(core.streak.get() + 1);
                return Some(task);
            }
        }
        if !core.long_round.get() {
            core.streak.set(0);
        }
        let task = core.queue.pop().or_else(|| self.remote.slot.take());
        if task.is_some() {
            task
        } else {
            self.take_injected()
        }
    }

    /// How many tasks wait for the one worker of a local runtime.
    pub(crate) fn waiting(&self) -> usize {
        self.core.queue.len() + self.shared.injector.len()
    }

    /// Once per round through the local queue, batches from the injector join its tail: neither of
    /// the two waits for the other to run dry.
    #[inline]
    pub(super) fn serve_injector(&self) {
        match self.core.round.get() {
            0 => self.begin_round(),
            left => self.core.round.set(left - 1),
        }
    }

    #[inline(never)]
    fn begin_round(&self) {
        let waiting = self.core.queue.len() as u32;
        self.core.round.set(waiting.max(SHORTEST_ROUND));
        if self.core.long_round.replace(waiting > SLOT_STREAK) {
            self.core.streak.set(0);
        }
        // A longer round gets more batches: what I/O events wake waits in the injector too.
        for _ in 0..=waiting as usize / EVENTS_LIMIT {
            self.shared
                .injector
                .move_some(&self.core.queue, self.shared.config.crew());
        }
    }

    fn take_injected(&self) -> Option<Runnable> {
        self.retrying(|| {
            self.shared
                .injector
                .steal(&self.core.queue, self.shared.config.crew())
        })
    }

    /// Looks for a task at the other workers, from a random one on.
    pub(super) fn search(&mut self) -> Option<Runnable> {
        if self.shared.config.local {
            return None;
        }
        if !self.searching {
            self.searching = self.shared.idle.start_searching();
        }
        if !self.searching {
            return None;
        }
        let stolen = self.retrying(|| self.steal());
        self.remote.counters.steals.add(u64::from(stolen.is_some()));
        stolen
    }

    /// A searcher looks around a little longer before it sleeps, about as long as a wake takes: as
    /// long as it searches nobody pays for waking it. Only while that pays off, so that a worker with
    /// nothing to come goes to sleep at once, and one worker at a time.
    pub(super) fn linger(&mut self) -> Option<Runnable> {
        let may_search = self.searching
            && self.shared.idle.is_only_searcher()
            && self.shared.config.idle_look != IdleLook::Off;
        if !may_search || !self.core.linger_credit.spend() {
            return None;
        }
        for _ in 0..LINGER_LOOKS {
            look::pause();
            if !self.shared.has_work() {
                continue;
            }
            if let Some(task) = self.take_injected().or_else(|| self.search()) {
                self.core.linger_credit.earn();
                return Some(task);
            }
        }
        None
    }

    fn steal(&self) -> Stolen {
        let remotes = &self.shared.remotes;
        let count = remotes.len();
        let start = self.core.random(count);
        let others = (0..count).map(|i| (start + i) % count);
        let others = others
            .filter(|i| *i != self.core.index)
            .map(|i| &remotes[i]);
        let mut outcome = Stolen::Empty;
        for remote in others.filter(|remote| remote.has_surplus()) {
            match self.steal_from(remote) {
                Stolen::Task(task) => return Stolen::Task(task),
                Stolen::Empty => {}
                Stolen::Retry => outcome = Stolen::Retry,
            }
        }
        // Mostly there are none, and an attempt costs a fence.
        for stealer in self.shared.guests.waiting() {
            match stealer.steal(&self.core.queue) {
                Stolen::Task(task) => return Stolen::Task(task),
                Stolen::Empty => {}
                Stolen::Retry => outcome = Stolen::Retry,
            }
        }
        outcome
    }

    fn steal_from(&self, remote: &Remote) -> Stolen {
        let stolen = remote.stealer.steal(&self.core.queue);
        if matches!(stolen, Stolen::Task(_)) || remote.watch.stuck().is_none() {
            return stolen;
        }
        // What a stuck worker would run next waits as long as the rest.
        remote.slot.take().map_or(stolen, Stolen::Task)
    }

    /// What waits behind another worker's long poll joins this worker's queue, busy as it may be: with every look half
    /// of it. Not only if its queue is short: then most would wait on (docs/architecture.md).
    pub(super) fn relieve_peer(&self, now: Instant) {
        if !self.shared.config.monitor {
            return;
        }
        let Some(remote) = self.core.peer.look(&self.shared.remotes, now) else {
            return;
        };
        if let Stolen::Task(task) = self.steal_from(remote) {
            self.remote.counters.steals.add(1);
            self.core.push(self.shared, task);
            self.core.notify_if_worth(self.shared);
        }
    }

    /// Repeats an attempt that others got in the way of, but not for ever: whoever is in the way
    /// may have been preempted. A worker that gives up here finds the task when it looks again
    /// before it sleeps.
    fn retrying(&self, mut attempt: impl FnMut() -> Stolen) -> Option<Runnable> {
        for _ in 0..STEAL_ATTEMPTS {
            match attempt() {
                Stolen::Task(task) => return Some(task),
                Stolen::Empty => return None,
                Stolen::Retry => std::hint::spin_loop(),
            }
        }
        None
    }

    pub(super) fn end_search(&mut self) {
        self.searching = false;
        if self.shared.idle.stop_searching() && self.shared.has_work() {
            self.shared.notify_one();
        }
    }
}
