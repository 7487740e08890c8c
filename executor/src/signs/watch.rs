//! What a worker is doing, for whoever has to know whether it is stuck.
//!
//! A worker is *stuck* while the poll that it is in is known, or expected, to be long: others then take
//! whatever waits behind it. Three sides say so: the worker itself of a poll that it expects to be long
//! (`announce`), the monitor of one that it finds to be so (`accuse`), and another worker of one that goes on for
//! a while (`suspect`), which is the weakest and holds until one of the others says more.
//!
//! A mark carries the tick of the poll that it speaks of, and says nothing about any other. So a worker
//! need not take a mark back before it goes on, and an accusation that comes too late accuses nobody. For
//! the same reason a worker that goes to sleep, or gives up its seat, first says that it is in no poll: the
//! accusation of its last one may still be on its way, and nobody would take it back.

use crate::primitive::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::primitive::atomic::{AtomicU32, AtomicU64};
use filch_timer::Instant;

/// In what way a poll is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// It uses its processor.
    Computing,
    /// It waits for something.
    Blocked,
    /// It waits for a processor, which the operating system has given to somebody else: no fault of the
    /// task's, and one more thread would only wait for a processor too.
    Preempted,
}

impl Stuck {
    /// Whether somebody has to come in its place.
    pub(crate) fn needs_substitute(self) -> bool {
        self != Stuck::Preempted
    }
}

/// How it is known that a poll is long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Another worker has seen that it goes on for a while.
    Suspected,
    /// The monitor found it out.
    Found,
    /// The task's earlier polls were like that.
    Expected,
    /// The program said so, with `blocking` or `cpu`: nothing to report.
    Declared,
}

/// What is known of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) stuck: Stuck,
    pub(crate) known: Known,
}

impl Mark {
    /// Whether others said it, and not the worker itself.
    pub(crate) fn may_be_corrected(self) -> bool {
        matches!(self.known, Known::Suspected | Known::Found)
    }
}

/// The public side of a seat's current poll.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Counts polls; stored before each. 0: it is in none. A poll whose turn it is to have that number is not
    /// watched.
    tick: AtomicU32,
    /// A tick and a mark that speaks of it; 0: none.
    mark: AtomicU64,
    /// The task of the poll.
    task: AtomicU64,
    /// About when the marked poll began, in nanoseconds.
    since: AtomicU64,
}

impl Watch {
    pub(crate) fn new() -> Watch {
        Watch {
            tick: AtomicU32::new(0),
            mark: AtomicU64::new(0),
            task: AtomicU64::new(0),
            since: AtomicU64::new(0),
        }
    }

    /// The worker begins the poll with that tick.
    #[inline]
    pub(crate) fn begin(&self, tick: u32, task: u64) {
        self.task.store(task, Relaxed);
        self.tick.store(tick, Relaxed);
    }

    /// The worker is in no poll until it begins the next.
    pub(crate) fn rest(&self) {
        self.tick.store(0, Relaxed);
    }

    /// The tick of the poll that has begun last; `None`: the worker is in none.
    pub(crate) fn tick(&self) -> Option<u32> {
        match self.tick.load(Relaxed) {
            0 => None,
            tick => Some(tick),
        }
    }

    /// The task of the poll that has begun last.
    pub(crate) fn task(&self) -> u64 {
        self.task.load(Relaxed)
    }

    /// For the worker: the poll that it has begun is going to be long; or what it does between polls, which
    /// then counts as the last one.
    pub(crate) fn announce(&self, tick: u32, mark: Mark, now: Instant) {
        self.tick.store(tick, Relaxed);
        self.since.store(now.as_nanos(), Relaxed);
        self.mark.store(encode(tick, mark), Release);
    }

    /// For the monitor: the poll with that tick is long. What the worker says itself takes precedence.
    pub(crate) fn accuse(&self, tick: u32, stuck: Stuck, since: Instant) {
        let known = Known::Found;
        let new = encode(tick, Mark { stuck, known });
        let mut mark = self.mark.load(Acquire);
        // Until it stands, or the worker has spoken: a suspicion in between must not be all that the worker hears.
        while !is_newer(mark, tick) && decode(mark, tick).is_none_or(Mark::may_be_corrected) {
            self.since.store(since.as_nanos(), Relaxed);
            match self.mark.compare_exchange(mark, new, AcqRel, Acquire) {
                Ok(_) => return,
                Err(actual) => mark = actual,
            }
        }
    }

    /// For the monitor: the poll with that tick, which the worker has announced in this way, is long in another. If the
    /// worker has said something else meanwhile, that stands.
    pub(crate) fn correct(&self, tick: u32, announced: Mark, stuck: Stuck) {
        let known = announced.known;
        let (old, new) = (encode(tick, announced), encode(tick, Mark { stuck, known }));
        let _ = self.mark.compare_exchange(old, new, AcqRel, Relaxed);
    }

    /// For another worker: the poll with that tick goes on for a while. Nobody knows why, so it may well be
    /// that it only waits for a processor. Whatever was said already remains.
    pub(crate) fn suspect(&self, tick: u32) {
        let suspicion = Mark {
            stuck: Stuck::Preempted,
            known: Known::Suspected,
        };
        let new = encode(tick, suspicion);
        let _ = self.mark.compare_exchange(0, new, AcqRel, Relaxed);
    }

    /// What is known of the current poll; nothing of most.
    #[inline]
    pub(crate) fn mark(&self) -> Option<Mark> {
        let mark = self.mark.load(Acquire);
        if mark == 0 {
            return None;
        }
        decode(mark, self.tick()?)
    }

    /// About when the marked poll began, if the current poll is marked.
    pub(crate) fn marked_since(&self) -> Option<(Mark, Instant)> {
        let since = Instant::from_nanos(self.since.load(Relaxed));
        Some((self.mark()?, since))
    }

    /// In what way the worker is stuck, if it is.
    pub(crate) fn stuck(&self) -> Option<Stuck> {
        self.mark().map(|mark| mark.stuck)
    }

    /// For the worker, at the end of a poll: whether anything was said of it, or too late of an earlier one.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.mark.load(Relaxed) != 0
    }

    /// For the worker, at the end of the poll with that tick: what is known of it by then, and since
    /// when.
    pub(crate) fn end(&self, tick: u32) -> Option<(Mark, Instant)> {
        let mark = decode(self.mark.swap(0, AcqRel), tick)?;
        Some((mark, Instant::from_nanos(self.since.load(Relaxed))))
    }
}

/// Whether it is a mark of a later poll than the one with that tick.
fn is_newer(bits: u64, tick: u32) -> bool {
    // Wraps after 2^32 polls, hence the difference; the upper half of the bits is a tick.
    let ahead = ((bits >> 32) as u32).wrapping_sub(tick) as i32;
    bits != 0 && ahead > 0
}

fn encode(tick: u32, mark: Mark) -> u64 {
    let stuck = match mark.stuck {
        Stuck::Computing => 1,
        Stuck::Blocked => 2,
        Stuck::Preempted => 3,
    };
    let known = match mark.known {
        Known::Found => 0,
        Known::Expected => 4,
        Known::Declared => 8,
        Known::Suspected => 12,
    };
    u64::from(tick) << 32 | known | stuck
}

fn decode(bits: u64, tick: u32) -> Option<Mark> {
    if bits >> 32 != u64::from(tick) {
        return None;
    }
    let stuck = match bits & 3 {
        1 => Stuck::Computing,
        2 => Stuck::Blocked,
        3 => Stuck::Preempted,
        _ => return None,
    };
    let known = match bits & 12 {
        0 => Known::Found,
        4 => Known::Expected,
        8 => Known::Declared,
        _ => Known::Suspected,
    };
    Some(Mark { stuck, known })
}

#[cfg(all(test, not(filch_loom)))]
mod tests {
    use super::*;

    const START: Instant = Instant::from_nanos(1_000);

    #[test]
    fn a_mark_speaks_of_one_poll() {
        let watch = Watch::new();
        assert_eq!(
            (watch.tick(), watch.mark()),
            (None, None),
            "before any poll"
        );
        for tick in [1, u32::MAX, 2] {
            watch.begin(tick, 7);
            assert_eq!((watch.mark(), watch.end(tick)), (None, None));
            watch.accuse(tick, Stuck::Computing, START);
            assert_eq!(watch.stuck(), Some(Stuck::Computing));
            watch.accuse(tick, Stuck::Blocked, START);
            let found = Mark {
                stuck: Stuck::Blocked,
                known: Known::Found,
            };
            assert_eq!(watch.end(tick), Some((found, START)));
            assert_eq!((watch.mark(), watch.end(tick)), (None, None));
        }
    }

    #[test]
    fn a_late_accusation_accuses_nobody() {
        let watch = Watch::new();
        watch.begin(5, 1);
        watch.begin(6, 2);
        watch.accuse(5, Stuck::Computing, START);
        assert_eq!((watch.mark(), watch.end(6)), (None, None));
        watch.rest();
        watch.accuse(6, Stuck::Computing, START);
        assert_eq!((watch.tick(), watch.mark()), (None, None));
    }

    #[test]
    fn a_suspicion_yields_to_whoever_knows_more() {
        let watch = Watch::new();
        watch.begin(5, 1);
        watch.suspect(5);
        assert_eq!(watch.stuck(), Some(Stuck::Preempted));
        watch.accuse(5, Stuck::Computing, START);
        watch.suspect(5);
        assert_eq!(watch.stuck(), Some(Stuck::Computing));
        watch.begin(6, 1);
        watch.suspect(6);
        assert_eq!(
            watch.mark(),
            None,
            "what was said of the poll before remains"
        );
        assert_eq!(watch.end(6), None);
        watch.suspect(5);
        assert_eq!((watch.mark(), watch.end(6)), (None, None));
    }

    #[test]
    fn a_late_word_leaves_what_the_worker_says_of_its_next_poll() {
        let watch = Watch::new();
        let (stuck, known) = (Stuck::Blocked, Known::Declared);
        for tick in [6, 1] {
            watch.begin(tick, 1);
            watch.announce(tick, Mark { stuck, known }, START);
            let before = tick.wrapping_sub(2);
            watch.accuse(before, Stuck::Computing, START);
            watch.suspect(before);
            assert_eq!(watch.end(tick), Some((Mark { stuck, known }, START)));
        }
    }

    #[test]
    fn what_was_announced_can_be_corrected_until_the_worker_says_more() {
        let watch = Watch::new();
        let mark = |stuck| Mark {
            stuck,
            known: Known::Declared,
        };
        let (computing, blocked) = (mark(Stuck::Computing), mark(Stuck::Blocked));
        watch.begin(5, 1);
        watch.announce(5, computing, START);
        watch.correct(5, computing, Stuck::Blocked);
        assert_eq!(watch.mark(), Some(blocked));
        watch.correct(5, computing, Stuck::Preempted);
        assert_eq!(watch.mark(), Some(blocked), "that was of something else");
        watch.begin(6, 1);
        watch.announce(6, computing, START);
        watch.correct(5, blocked, Stuck::Preempted);
        assert_eq!(watch.end(6), Some((computing, START)));
    }

    #[test]
    fn what_the_worker_says_itself_takes_precedence() {
        let watch = Watch::new();
        watch.begin(5, 1);
        let mark = Mark {
            stuck: Stuck::Blocked,
            known: Known::Declared,
        };
        watch.announce(5, mark, START);
        watch.accuse(5, Stuck::Computing, START);
        assert_eq!(watch.end(5), Some((mark, START)));
    }
}
