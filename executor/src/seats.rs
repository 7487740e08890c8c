//! Who may run tasks: as many seats as the runtime has workers, each held by one thread.
//!
//! A seat is a worker's identity: its queue, its random stream, its block of ids ([`Core`]). Threads
//! come and go: the runtime's own threads wait for a seat and work it, and a thread that calls
//! `run` asks for one and works it meanwhile, so that never more than `workers` threads run tasks.
//!
//! ```text
//!   vacant ──take──▶ held by a thread ──vacate (asked to, or done)──▶ vacant
//! ```
//!
//! The runtime's threads are started when they are first needed: whoever would wake an idle worker, and
//! finds none, has a thread started for a vacant seat ([`Seats::hire`]). One at a time: until the new thread has
//! taken its seat it counts as one that searches, since looking for tasks is the first thing it does.
//!
//! Besides there are *spare* seats, for threads that stand in for workers which are stuck in a long poll
//! (`staff.rs`). A spare thread comes with its seat, works it until it is asked to retire, and rests for some
//! seconds, in case it is called again. Whoever calls marks the seat as held before anything else, so it
//! counts as staffed from then on, and nobody calls another one for the same reason.
//!
//! A caller of `run` has precedence over waiting threads: it announces itself (`wanted`), which makes
//! some worker that finds nothing to do, or that comes to its upkeep, give its seat up.

use crate::core::Core;
use crate::idle::Idle;
use crate::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::primitive::atomic::{AtomicBool, AtomicUsize};
use crate::primitive::{Condvar, Mutex, MutexGuard};
use crate::queue::Local;
use crate::remotes::Remotes;
use filch_timer::Instant;
use std::time::Duration;

/// A spare thread that nobody calls ends after this long.
const REST: Duration = Duration::from_secs(5);

/// The vacant seats and who waits for one.
#[derive(Debug)]
pub(crate) struct Seats {
    inner: Mutex<Inner>,
    /// For the runtime's own threads.
    for_threads: Condvar,
    /// For callers of `run`.
    for_callers: Condvar,
    /// For spare threads that rest.
    for_spares: Condvar,
    /// For whoever waits until all spare threads are gone.
    spares_gone: Condvar,
    /// Vacant seats; read without the lock as a hint.
    vacancies: AtomicUsize,
    /// Callers that wait; read by workers without the lock.
    wanted: AtomicUsize,
    /// Threads that were not started yet. Changed under the lock.
    unstarted: AtomicUsize,
    /// A thread was started and has not come to its seat yet. Set under the lock.
    coming: AtomicBool,
    /// The system refused a thread since the backstop looked.
    refused: AtomicBool,
    /// It was said so, and no thread has come since.
    complained: AtomicBool,
}

#[derive(Debug)]
struct Inner {
    vacant: Vec<Core>,
    closed: bool,
    /// Threads started so far.
    hired: usize,
    /// Spare seats that were made so far, and those of them that nobody has; the lowest is last.
    spares: usize,
    free_spares: Vec<Core>,
    /// Spare threads that rest and were not called, and the seats of those that were.
    resting: usize,
    called: Vec<Core>,
    /// Spare threads that have not ended.
    spare_threads: usize,
    /// All of them have, after the last task had gone: no further one comes.
    over: bool,
}

/// Who comes after a call.
#[derive(Debug)]
pub(crate) enum Called {
    /// Nobody: there are as many spare seats as there may be.
    Nobody,
    /// A worker's seat is vacant, and a thread can be hired for it.
    Worker,
    /// A spare thread that rested.
    Resting,
    /// A new spare thread, which the caller starts on this seat.
    New(Box<Core>),
}

impl Seats {
    /// No seat yet, and so many threads to be had.
    pub(crate) fn new(threads: usize) -> Seats {
        Seats {
            inner: Mutex::new(Inner {
                vacant: Vec::new(),
                closed: false,
                hired: 0,
                spares: 0,
                free_spares: Vec::new(),
                resting: 0,
                called: Vec::new(),
                spare_threads: 0,
                over: false,
            }),
            for_spares: Condvar::new(),
            spares_gone: Condvar::new(),
            vacancies: AtomicUsize::new(0),
            unstarted: AtomicUsize::new(threads),
            coming: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            complained: AtomicBool::new(false),
            for_threads: Condvar::new(),
            for_callers: Condvar::new(),
            wanted: AtomicUsize::new(0),
        }
    }

    /// Whether a caller waits, so that a worker should vacate its seat.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Acquire) > 0
    }

    /// Makes a seat vacant.
    pub(crate) fn vacate(&self, core: Core) {
        let mut inner = self.inner.lock();
        inner.vacant.push(core);
        self.vacancies.store(inner.vacant.len(), Relaxed);
        if self.is_wanted() {
            &self.for_callers
        } else {
            &self.for_threads
        }
        .notify_one();
    }

    /// Whether a thread could be started for a vacant seat; a hint, and exact enough for a publisher
    /// after its fence: a thread that is coming clears `coming` before it fences and looks for tasks.
    #[inline]
    pub(crate) fn may_hire(&self) -> bool {
        self.vacancies.load(Relaxed) > 0 && self.unstarted.load(Relaxed) > 0 && !self.is_coming()
    }

    /// Whether a thread was started that has not come to its seat yet.
    pub(crate) fn is_coming(&self) -> bool {
        self.coming.load(Relaxed)
    }

    /// Decides whether to start a thread. `Some`: the caller starts one, with that number.
    pub(crate) fn hire(&self) -> Option<usize> {
        let mut inner = self.inner.lock();
        if !self.may_hire() {
            return None;
        }
        self.coming.store(true, Relaxed);
        self.unstarted.fetch_sub(1, Relaxed);
        inner.hired += 1;
        Some(inner.hired - 1)
    }

    /// The thread that was to be started could not be. `true`: the first since one has come.
    #[must_use]
    pub(crate) fn hire_failed(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.hired -= 1;
        self.unstarted.fetch_add(1, Relaxed);
        self.coming.store(false, Relaxed);
        self.refuse()
    }

    /// Orderings: the caller then fences [deep-busy] and looks whether the backstop sleeps, which looks here
    /// after [deep-sleep].
    fn refuse(&self) -> bool {
        self.refused.store(true, Relaxed);
        !self.complained.swap(true, Relaxed)
    }

    /// For the backstop, before it looks what is to be done: had the system refused a thread before, then
    /// whoever relied on that thread relies on this look now.
    pub(crate) fn forget_refusal(&self) {
        self.refused.store(false, Relaxed);
    }

    /// Whether the system refused a thread since the backstop looked.
    pub(crate) fn was_refused(&self) -> bool {
        self.refused.load(Relaxed)
    }

    /// The first thing that a new thread does, before it asks for a seat.
    pub(crate) fn has_come(&self) {
        self.complained.store(false, Relaxed);
        self.coming.store(false, Relaxed);
    }

    /// The first thing that a new spare thread does.
    pub(crate) fn spare_has_come(&self) {
        self.complained.store(false, Relaxed);
    }

    /// From now on no thread is started.
    pub(crate) fn stop_hiring(&self) {
        let _inner = self.inner.lock();
        self.unstarted.store(0, Relaxed);
    }

    /// For the runtime's own threads: waits for a seat that no caller wants. `None`: shutdown.
    /// A seat that is vacant at shutdown is still given out, as somebody has to end its tasks.
    pub(crate) fn take(&self) -> Option<Core> {
        let mut inner = self.inner.lock();
        loop {
            if inner.vacant.len() > self.wanted.load(Acquire) || inner.closed {
                return self.pop(&mut inner);
            }
            self.for_threads.wait(&mut inner);
        }
    }

    /// For whoever helps with a shutdown: a seat if one is vacant.
    pub(crate) fn try_take(&self) -> Option<Core> {
        self.pop(&mut self.inner.lock())
    }

    fn pop(&self, inner: &mut Inner) -> Option<Core> {
        let core = inner.vacant.pop();
        self.vacancies.store(inner.vacant.len(), Relaxed);
        core
    }

    /// For a caller of `run`: announces that it wants a seat. `ask` makes a worker look.
    pub(crate) fn claim(&self, ask: impl Fn(), give_up: impl Fn() -> bool) -> Option<Core> {
        let mut inner = self.inner.lock();
        self.wanted.fetch_add(1, Release);
        let core = loop {
            if let Some(core) = self.pop(&mut inner) {
                break Some(core);
            }
            if inner.closed || give_up() {
                break None;
            }
            MutexGuard::unlocked(&mut inner, &ask);
            if inner.vacant.is_empty() && !inner.closed && !give_up() {
                self.for_callers.wait(&mut inner);
            }
        };
        self.wanted.fetch_sub(1, Release);
        // A seat that was kept for this caller may be left over for a thread.
        self.for_threads.notify_one();
        core
    }

    /// Gets somebody to a seat because those who have one are stuck.
    pub(crate) fn call(&self, remotes: &Remotes, idle: &Idle, seed: u64, now: Instant) -> Called {
        let mut inner = self.inner.lock();
        if inner.over {
            return Called::Nobody;
        }
        if self.may_hire() {
            return Called::Worker;
        }
        let seat = remotes.first_spare() + inner.spares;
        let core = match inner.free_spares.pop() {
            Some(core) => core,
            None if inner.spares == remotes.max_spares() => return Called::Nobody,
            None => {
                let queue = Local::new();
                remotes.add_spare(inner.spares, &queue, now);
                inner.spares += 1;
                Core::new(seat, queue, seed)
            }
        };
        idle.admit(core.index);
        remotes[core.index].retire.store(false, Relaxed);
        remotes[core.index].thread.store(0, Relaxed);
        remotes[core.index].held.store(true, Relaxed);
        inner.update_seated(remotes);
        if inner.resting == 0 {
            inner.spare_threads += 1;
            return Called::New(Box::new(core));
        }
        inner.resting -= 1;
        inner.called.push(core);
        drop(inner);
        self.for_spares.notify_one();
        Called::Resting
    }

    /// A spare thread leaves its seat and rests. `Some`: it was called again. `None`: it ends, and says
    /// so with `spare_gone`.
    pub(crate) fn rest(&self, core: Core, remotes: &Remotes) -> Option<Core> {
        let mut inner = self.inner.lock();
        inner.free(core, remotes);
        inner.resting += 1;
        loop {
            if let Some(core) = inner.called.pop() {
                return Some(core);
            }
            let over = inner.closed || self.for_spares.wait_for(&mut inner, REST).timed_out();
            if over && inner.called.is_empty() {
                inner.resting -= 1;
                return None;
            }
        }
    }

    /// The spare thread that was to be started could not be. `true`: the first since one has come.
    #[must_use]
    pub(crate) fn call_failed(&self, core: Core, remotes: &Remotes) -> bool {
        remotes[core.index].held.store(false, Relaxed);
        self.inner.lock().free(core, remotes);
        self.spare_gone();
        self.refuse()
    }

    /// A spare thread ends.
    pub(crate) fn spare_gone(&self) {
        self.inner.lock().spare_threads -= 1;
        self.spares_gone.notify_all();
    }

    /// How many spare threads there are, at work or resting.
    pub(crate) fn spare_threads(&self) -> usize {
        self.inner.lock().spare_threads
    }

    /// The last task has gone: waits until no spare thread is left, at most until `timeout`. Returns how many are; if
    /// none, none comes either.
    pub(crate) fn wait_spares_gone(&self, timeout: Option<Duration>) -> usize {
        let mut inner = self.inner.lock();
        let are_there = |inner: &mut Inner| inner.spare_threads > 0;
        match timeout {
            Some(timeout) => {
                self.spares_gone
                    .wait_while_for(&mut inner, are_there, timeout);
            }
            None => self.spares_gone.wait_while(&mut inner, are_there),
        }
        inner.over = inner.spare_threads == 0;
        inner.spare_threads
    }

    /// Wakes callers of `claim`, so that they ask `give_up` again.
    pub(crate) fn wake_callers(&self) {
        drop(self.inner.lock());
        self.for_callers.notify_all();
    }

    /// Shutdown: nobody waits any more.
    pub(crate) fn close(&self) {
        self.inner.lock().closed = true;
        self.for_threads.notify_all();
        self.for_callers.notify_all();
        self.for_spares.notify_all();
    }
}

impl Inner {
    /// A spare seat is free again. The lowest free ones are taken first, so that few seats have to be
    /// looked at.
    fn free(&mut self, core: Core, remotes: &Remotes) {
        core.memory.clear();
        let at = self
            .free_spares
            .partition_point(|free| free.index > core.index);
        self.free_spares.insert(at, core);
        self.update_seated(remotes);
    }

    fn update_seated(&self, remotes: &Remotes) {
        let first = remotes.first_spare();
        // Free seats are in descending order: the ones at the start that run down from the last made one
        // need not be looked at.
        let mut seated = self.spares;
        for free in &self.free_spares {
            if free.index + 1 != first + seated {
                break;
            }
            seated -= 1;
        }
        remotes.set_seated(seated);
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::queue::Local;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    fn core(index: usize) -> Core {
        Core::new(index, Local::new(), 0)
    }

    fn index(core: Option<Core>) -> Option<usize> {
        core.map(|core| core.index)
    }

    #[test]
    fn a_caller_asks_for_a_seat_and_gets_the_next_one() {
        let seats = Seats::new(0);
        let ask = || {
            assert!(seats.is_wanted());
            seats.vacate(core(3));
        };
        assert_eq!(index(seats.claim(ask, || false)), Some(3));
        assert!(!seats.is_wanted());
    }

    #[test]
    fn a_thread_leaves_the_seat_to_a_caller_and_gets_it_afterwards() {
        let seats = Arc::new(Seats::new(0));
        let (theirs, asked) = (Arc::clone(&seats), Arc::new(AtomicBool::new(false)));
        let has_asked = Arc::clone(&asked);
        let caller =
            thread::spawn(move || theirs.claim(|| has_asked.store(true, Release), || false));
        while !asked.load(Acquire) {
            thread::yield_now();
        }
        let theirs = Arc::clone(&seats);
        let thread = thread::spawn(move || theirs.take());
        seats.vacate(core(0));
        let claimed = caller.join().unwrap().expect("the caller has precedence");
        seats.vacate(claimed);
        assert_eq!(index(thread.join().unwrap()), Some(0));
    }

    #[test]
    fn a_caller_that_gives_up_leaves_the_seat_to_a_thread() {
        let seats = Arc::new(Seats::new(0));
        let theirs = Arc::clone(&seats);
        let thread = thread::spawn(move || theirs.take());
        assert!(
            seats
                .claim(|| seats.vacate(core(1)), || seats.is_wanted())
                .is_none()
        );
        seats.vacate(core(1));
        assert_eq!(index(thread.join().unwrap()), Some(1));
    }

    #[test]
    fn at_the_end_vacant_seats_are_given_out_and_nobody_waits() {
        let seats = Arc::new(Seats::new(0));
        let theirs = Arc::clone(&seats);
        let waiting = thread::spawn(move || theirs.take());
        seats.close();
        assert!(waiting.join().unwrap().is_none());
        assert!(seats.claim(|| (), || false).is_none());
        seats.vacate(core(2));
        assert_eq!(index(seats.take()), Some(2));
        assert!(seats.try_take().is_none());
    }

    #[test]
    fn after_the_last_spare_thread_has_gone_none_comes() {
        let (queue, now) = (Local::new(), Instant::from_nanos(1));
        let (remotes, idle) = (Remotes::new(&[queue], 1, now), Idle::new(1, 1));
        let seats = Seats::new(0);
        let called = seats.call(&remotes, &idle, 0, now);
        assert!(matches!(called, Called::New(_)));
        seats.close();
        assert_eq!(seats.wait_spares_gone(Some(Duration::ZERO)), 1);
        seats.spare_gone();
        assert_eq!(seats.wait_spares_gone(None), 0);
        let called = seats.call(&remotes, &idle, 0, now);
        assert!(matches!(called, Called::Nobody));
    }

    #[test]
    fn threads_are_hired_one_at_a_time_for_vacant_seats() {
        let seats = Seats::new(2);
        assert!(!seats.may_hire() && seats.hire().is_none(), "no seat");
        seats.vacate(core(0));
        assert_eq!(seats.hire(), Some(0));
        assert!(!seats.may_hire(), "one is coming");
        seats.has_come();
        assert_eq!(seats.hire(), Some(1));
        assert!(seats.hire_failed() && seats.was_refused());
        assert_eq!(seats.hire(), Some(1), "another attempt");
        assert!(!seats.hire_failed(), "it was said before");
        assert_eq!(seats.hire(), Some(1), "and another");
        seats.has_come();
        assert!(!seats.may_hire(), "all were started");
        let seats = Seats::new(3);
        seats.vacate(core(0));
        seats.stop_hiring();
        assert!(seats.hire().is_none());
    }
}
