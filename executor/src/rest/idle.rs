//! Who sleeps, who searches, whom to wake.
//!
//! # Nouns
//!
//! - A worker is *busy* while it has tasks of its own, *searching* while it looks for others', and
//!   *idle* when its bit in the mask is set: it sleeps, or is about to, or has just been woken by
//!   something else than a notification and has not noticed yet.
//! - Whoever clears an idle worker's bit owns its wake-up: a notifier, who then counts it as
//!   searching and unparks it; or the worker itself, which goes on without being counted.
//!
//! # Steps
//!
//! ```text
//!  publisher                                 worker that found nothing
//!  P1  push the task                         S1  set own bit
//!  P2  fence(SeqCst)            [idle-pub]   S2  if searching: searching -= 1
//!  P3  searching > 0?  then return           S3  fence(SeqCst)             [idle-sub]
//!  P4  searching += 1, clear a bit           S4  look at every queue again
//!  P5  unpark that worker                    S5  nothing: park. Else clear own bit, search
//! ```
//!
//! A searcher that finds a task stops searching (`searching -= 1`, then a fence as in S3); if it was
//! the last, it looks whether more tasks wait and then notifies as a publisher does, from P2. Thus the wakes ramp up
//! 1, 2, 4, .. while there is work, and nobody is woken for a task that a searcher takes anyway.
//!
//! # Why no task is left behind with a worker asleep
//!
//! Take a publisher that returns without waking anybody, and a worker that parks. The two fences
//! are ordered one way or the other.
//! - P2 before S3: S4 sees the task.
//! - S3 before P2: P3 and P4 see what S1 and S2 stored. If P3 saw `searching > 0`, that is another
//!   searcher; a count comes only with a worker that is awake and will give it up, either at S2,
//!   then its own S4 (after a fence later than P2) sees the task; or because it found something,
//!   then, being the last, it looks at all queues and notifies. If P3 saw 0, P4 sees the bit.
//!
//! S4 looks for tasks that have no worker (injector, guest queues) and for surplus at busy workers. The
//! proof is for the former. What waits at a worker, that worker runs itself, so there a hint decides
//! whether to notify (`seats/schedule.rs`); if the hint was stale, the backstop finds it out.
//!
//! A count at P4 that comes to nothing, because somebody else cleared the bit, is given up like a
//! searcher's: decrement, fence, another look at the bits. A publisher that relied on it had its fence
//! before that one, so a worker that parked before then is seen.
//!
//! Two publishers that both see `searching == 0` may wake two workers: harmless and rare.
//!
//! With more workers than processors, a publisher also returns at P3 if as many workers as there are processors are
//! awake and use them, and one of these is not stuck: one more would only take turns with them (`Shared::notify_one`).
//! Of that worker, S3 comes after P2, so its S4 sees the task, unless it finds it before. Or it enters a long poll. If
//! it announces that, its fence [away] comes after P2, or else the publisher would have seen the mark; so it sees the
//! task, and wakes another worker. If not, the backstop is awake, as for any worker that is busy, until the monitor has
//! marked the poll; after its fence [found] it does the same.
//!
//! # Rejected
//!
//! A list of sleepers under a mutex (the mutex lies on every wake's path); a stack of sleepers (a
//! worker cannot leave its middle when a timer or the poller wakes it); searching count and mask in
//! one word (at most 56 workers, and every publisher would write that word).

use crate::primitive::atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use crate::primitive::atomic::{AtomicU64, AtomicUsize, fence};

/// The idle mask and the number of searching workers.
#[derive(Debug)]
pub(crate) struct Idle {
    searching: AtomicUsize,
    masks: Box<[AtomicU64]>,
    /// Masks from this one on were never used.
    used: AtomicUsize,
    workers: usize,
}

impl Idle {
    /// All workers start out busy. There is room for so many spare ones.
    pub(crate) fn new(workers: usize, spares: usize) -> Idle {
        Idle {
            searching: AtomicUsize::new(0),
            masks: (0..(workers + spares).div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
            used: AtomicUsize::new(workers.div_ceil(64)),
            workers,
        }
    }

    /// A spare worker is going to take part. Called before it does, by one thread at a time.
    ///
    /// Orderings: what this stores comes before the worker's S1, so whoever has to see the bit sees it too.
    pub(crate) fn admit(&self, worker: usize) {
        self.used.fetch_max(worker / 64 + 1, AcqRel);
    }

    fn masks(&self) -> &[AtomicU64] {
        &self.masks[..self.used.load(Relaxed)]
    }

    /// P2 to P5: chooses the worker to unpark, if one has to be. It is already counted as
    /// searching; the caller unparks it.
    pub(crate) fn notify(&self) -> Option<usize> {
        fence(SeqCst); // [idle-pub], pairs with [idle-sub]
        if self.searching.load(Relaxed) > 0 {
            return None;
        }
        self.claim()
    }

    /// As `notify`, whoever searches: for what a searcher does not see, as a poller that was given up.
    pub(crate) fn notify_any(&self) -> Option<usize> {
        fence(SeqCst); // [turn-free], pairs with [idle-sub]
        self.claim()
    }

    /// P4 and P5. The worker is counted before its bit is cleared: the other way round it could wake up
    /// by itself and give up a count that is not there yet.
    ///
    /// Orderings: clearing the bit is AcqRel, so whoever finds it cleared also finds the count.
    fn claim(&self) -> Option<usize> {
        while let Some(worker) = self.first_idle() {
            self.searching.fetch_add(1, AcqRel);
            if !self.stop_sleeping(worker) {
                return Some(worker);
            }
            // Somebody else was first. A publisher may have relied on this count, so it is given up as
            // a searcher's is: with a fence and another look, here at who sleeps.
            self.searching.fetch_sub(1, AcqRel);
            fence(SeqCst); // [idle-sub], pairs with [idle-pub]
        }
        None
    }

    fn first_idle(&self) -> Option<usize> {
        let mut masks = self
            .masks()
            .iter()
            .map(|mask| mask.load(Relaxed))
            .enumerate();
        let (word, bits) = masks.find(|(_, bits)| *bits != 0)?;
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    /// S1 to S3. Afterwards the caller looks at every queue again before it parks.
    pub(crate) fn start_sleeping(&self, worker: usize, searching: bool) {
        let (mask, bit) = self.place(worker);
        mask.fetch_or(bit, AcqRel);
        if searching {
            self.searching.fetch_sub(1, AcqRel);
        }
        fence(SeqCst); // [idle-sub], pairs with [idle-pub]
    }

    /// The worker goes on. `true`: a notifier was first, and the worker is counted as searching.
    pub(crate) fn stop_sleeping(&self, worker: usize) -> bool {
        let (mask, bit) = self.place(worker);
        mask.fetch_and(!bit, AcqRel) & bit == 0
    }

    /// Counts a worker as searching, unless half of them are already: more would only get into
    /// each other's way.
    pub(crate) fn start_searching(&self) -> bool {
        if 2 * self.searching.load(Relaxed) >= self.workers {
            return false;
        }
        self.join_search()
    }

    /// Counts a worker as searching, however many are: it has seen at S4 that there is something to
    /// find. Were it kept out, it would spin for as long as a searcher, or a notifier that has not
    /// yet unparked the one it counted, is off its processor. Returns true.
    pub(crate) fn join_search(&self) -> bool {
        self.searching.fetch_add(1, AcqRel);
        true
    }

    /// A searcher found a task. `true`: it was the last one, and looks whether more tasks wait.
    pub(crate) fn stop_searching(&self) -> bool {
        let last = self.searching.fetch_sub(1, AcqRel) == 1;
        fence(SeqCst); // [idle-sub], pairs with [idle-pub]
        last
    }

    /// Whether somebody searches; exact enough for a publisher after its fence.
    pub(crate) fn is_searched(&self) -> bool {
        self.searching.load(Relaxed) > 0
    }

    /// Whether nobody but the caller, who does, searches; a hint.
    pub(crate) fn is_only_searcher(&self) -> bool {
        self.searching.load(Relaxed) == 1
    }

    /// How many workers are idle; exact enough for a publisher after its fence.
    pub(crate) fn count(&self) -> usize {
        let ones = |mask: &AtomicU64| mask.load(Relaxed).count_ones() as usize;
        self.masks().iter().map(ones).sum()
    }

    /// Whether any worker is idle; a hint.
    pub(crate) fn any(&self) -> bool {
        self.masks().iter().any(|mask| mask.load(Acquire) != 0)
    }

    /// Whether this worker is idle; a hint.
    pub(crate) fn is_idle(&self, worker: usize) -> bool {
        let (mask, bit) = self.place(worker);
        mask.load(Acquire) & bit != 0
    }

    fn place(&self, worker: usize) -> (&AtomicU64, u64) {
        (&self.masks[worker / 64], 1 << (worker % 64))
    }
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_sleeping_worker_is_chosen_once() {
        let idle = Idle::new(2, 0);
        assert_eq!(idle.notify(), None, "nobody sleeps");
        idle.start_sleeping(1, false);
        assert!(idle.any() && idle.is_idle(1) && !idle.is_idle(0));
        assert_eq!(idle.notify(), Some(1));
        assert!(!idle.any());
        assert!(
            idle.stop_sleeping(1),
            "it was notified, and counts as searching"
        );
        assert!(idle.stop_searching(), "it is the last");
        assert_eq!(idle.notify(), None);
    }

    #[test]
    fn a_worker_that_woke_by_itself_does_not_count_as_searching() {
        let idle = Idle::new(2, 0);
        idle.start_sleeping(0, false);
        assert!(!idle.stop_sleeping(0));
        idle.start_sleeping(1, false);
        assert_eq!(idle.notify(), Some(1), "nobody searches");
    }

    #[test]
    fn nobody_is_woken_for_work_while_somebody_searches() {
        let idle = Idle::new(2, 0);
        idle.start_sleeping(0, false);
        assert!(idle.start_searching());
        assert_eq!(idle.notify(), None);
        assert_eq!(
            idle.notify_any(),
            Some(0),
            "for the poller, a searcher is no help"
        );
    }

    #[test]
    fn a_searcher_that_sleeps_gives_up_its_search() {
        let idle = Idle::new(1, 0);
        assert!(idle.start_searching());
        idle.start_sleeping(0, true);
        assert_eq!(idle.notify(), Some(0));
    }

    #[test]
    fn half_of_the_workers_search_at_most() {
        let idle = Idle::new(4, 0);
        assert!(idle.start_searching() && idle.start_searching());
        assert!(!idle.start_searching());
        assert!(!idle.stop_searching(), "another one still searches");
        assert!(idle.stop_searching());
        assert!(Idle::new(1, 0).start_searching(), "one worker may");
    }

    #[test]
    fn workers_beyond_the_first_mask_are_found() {
        let idle = Idle::new(63, 67);
        idle.admit(129);
        for worker in [129, 64, 63] {
            idle.start_sleeping(worker, false);
        }
        let found: Vec<_> = std::iter::from_fn(|| idle.notify_any()).collect();
        assert_eq!(found, [63, 64, 129]);
    }
}
