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
//! A caller of `run` has precedence over waiting threads: it announces itself (`wanted`), which makes
//! some worker that finds nothing to do, or that comes to its upkeep, give its seat up.
//!
//! Besides there are *spare* seats, for threads that stand in for stuck workers: `spares.rs`. They are under the
//! same lock, since a call gets somebody to a seat of either kind, and the end comes for both at once.

use crate::primitive::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::primitive::atomic::{AtomicBool, AtomicUsize};
use crate::primitive::{Condvar, Mutex, MutexGuard};
use crate::seats::core::Core;
use crate::seats::spare_seats::Spares;

/// The vacant seats and who waits for one.
#[derive(Debug)]
pub(crate) struct Seats {
    pub(super) inner: Mutex<Inner>,
    /// For the runtime's own threads.
    pub(super) for_threads: Condvar,
    /// For callers of `run`.
    pub(super) for_callers: Condvar,
    /// For spare threads that rest.
    pub(super) for_spares: Condvar,
    /// Vacant seats; read without the lock as a hint.
    pub(super) vacancies: AtomicUsize,
    /// Callers that wait; read by workers without the lock.
    pub(super) wanted: AtomicUsize,
    /// Threads that were not started yet. Changed under the lock.
    pub(super) unstarted: AtomicUsize,
    /// A thread was started and has not come to its seat yet. Set under the lock.
    pub(super) coming: AtomicBool,
    /// The system refused a thread since the backstop looked.
    pub(super) refused: AtomicBool,
    /// It was said so, and no thread has come since.
    pub(super) complained: AtomicBool,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) vacant: Vec<Core>,
    pub(super) closed: bool,
    /// Threads started so far.
    pub(super) hired: usize,
    pub(super) spares: Spares,
}

impl Seats {
    /// No seat yet, and so many threads to be had.
    pub(crate) fn new(threads: usize) -> Seats {
        Seats {
            inner: Mutex::new(Inner {
                vacant: Vec::new(),
                closed: false,
                hired: 0,
                spares: Spares::default(),
            }),
            for_spares: Condvar::new(),
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

    /// How many of the workers' seats nobody holds; a hint, as `may_hire`.
    pub(crate) fn vacancies(&self) -> usize {
        self.vacancies.load(Relaxed)
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
    pub(super) fn refuse(&self) -> bool {
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

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;
    use crate::queues::queue::Local;
    use crate::seats::core::Common;
    use crate::task::memory::Depot;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    fn core(index: usize) -> Core {
        Core::new(
            index,
            Local::new(),
            Arc::new(Depot::new()),
            Common::default(),
        )
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
