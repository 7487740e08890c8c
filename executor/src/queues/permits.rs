//! Permits of one kind of tasks in the slow lane: how many polls compute there at a time, and what becomes of a permit
//! in the midst of a poll.
//!
//! ```text
//!             1 taken from the lane                     2 computes beyond its tenure
//!   (none) ───────────────────────────▶ HELD ────────────────────────────────────────────▶ EARLY
//!     ▲ ▲ │                              │                                                   others have it
//!     │ │ └ 3 `blocking` is over ──▶ OWED│ ◀──── 5 goes on ────┐
//!     │ └── 3 `blocking` begins ──────┴──┤                     │
//!     │                              │   └─ 4 found to block ▶ BLOCKED                       others have it
//!     │                              └───── 6 the lane stands still ▶ CALLED                 others have it
//!     └── 7 the poll ends
//! ```
//!
//! 1. A worker takes a task of the lane, with a permit for its poll.
//! 2. The monitor gives the permit of a poll that computes for long back early: of at most as many at a time as there
//!    are permits, or thousands that compute would all be threads.
//! 3. `blocking` lends the permit for as long as the closure takes.
//! 4. The monitor gives the permit of a poll back that is found to block. Of any number: what they wait for may have to
//!    come from somebody in the lane, and blocked ones are only as many as there are spare threads.
//! 5. A poll that goes on after its block (3 or 4) takes a permit that may not be there. As long as permits are
//!    missing, nobody else is taken from the lane, so that those who go on do not become many who compute.
//! 6. But nobody waits long for those who have blocked: if the lane stands still, the monitor calls their permits in,
//!    as many as it takes for one more poll.
//! 7. HELD and OWED give their permit back; of the others it was given back before.
//!
//! The worker itself does 1, 3 and 7, the monitor the rest; either may be faster.

use crate::primitive::atomic::Ordering::{AcqRel, Relaxed};
use crate::primitive::atomic::{AtomicIsize, AtomicU8, AtomicUsize};

/// Which of the two kinds of tasks a permit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They have the habit to compute.
    Learned,
    /// Closures of `cpu`.
    Declared,
}

/// How a poll stands with its permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has one.
    Held,
    /// It has blocked, and has gone on with one that may not have been there.
    Owed,
    /// Others have it while the poll blocks.
    Blocked,
    /// Others have it, since the poll computes for long.
    Early,
    /// Others have it, since the lane stood still.
    Called,
}

/// The permit of a seat's poll, if it has one: kind and standing in one word.
#[derive(Debug)]
pub(crate) struct Permit(AtomicU8);

/// The permits of one kind.
#[derive(Debug)]
pub(crate) struct Permits {
    /// How many more polls there may be; below zero, how many more have to end before another one may.
    free: AtomicIsize,
    /// How many there are.
    all: usize,
    /// How many polls go on without their permit, by the reason.
    early: AtomicUsize,
    blocked: AtomicUsize,
    called: AtomicUsize,
}

impl Kind {
    const fn bits(self) -> u8 {
        match self {
            Kind::Learned => 1,
            Kind::Declared => 2,
        }
    }
}

impl Standing {
    const fn bits(self) -> u8 {
        match self {
            Standing::Held => 0,
            Standing::Owed => 1 << 2,
            Standing::Blocked => 2 << 2,
            Standing::Early => 3 << 2,
            Standing::Called => 4 << 2,
        }
    }
}

fn encode(kind: Kind, standing: Standing) -> u8 {
    kind.bits() | standing.bits()
}

fn decode(bits: u8) -> Option<(Kind, Standing)> {
    let kind = match bits & 3 {
        0 => return None,
        1 => Kind::Learned,
        _ => Kind::Declared,
    };
    let standing = match bits >> 2 {
        0 => Standing::Held,
        1 => Standing::Owed,
        2 => Standing::Blocked,
        3 => Standing::Early,
        _ => Standing::Called,
    };
    Some((kind, standing))
}

impl Permit {
    pub(crate) fn none() -> Permit {
        Permit(AtomicU8::new(0))
    }

    /// How the poll stands; a hint.
    pub(crate) fn get(&self) -> Option<(Kind, Standing)> {
        decode(self.0.load(Relaxed))
    }

    /// For the worker, which has none: it has one now.
    ///
    /// Orderings: what is said of a permit is in this one word, and counted in read-modify-writes.
    pub(crate) fn hold(&self, kind: Kind, standing: Standing) {
        self.0.store(encode(kind, standing), Relaxed);
    }

    /// For the worker: ends it, and says how it stood.
    pub(crate) fn take(&self) -> Option<(Kind, Standing)> {
        match self.0.load(Relaxed) {
            0 => None,
            _ => decode(self.0.swap(0, AcqRel)),
        }
    }

    /// `false`: it does not stand so any more.
    fn change(&self, kind: Kind, from: Standing, to: Standing) -> bool {
        let (from, to) = (encode(kind, from), encode(kind, to));
        self.0.compare_exchange(from, to, AcqRel, Relaxed).is_ok()
    }
}

/// What workers do.
impl Permits {
    pub(crate) fn new(count: usize) -> Permits {
        Permits {
            free: AtomicIsize::new(count as isize),
            all: count,
            early: AtomicUsize::new(0),
            blocked: AtomicUsize::new(0),
            called: AtomicUsize::new(0),
        }
    }

    pub(crate) fn any(&self) -> bool {
        self.free.load(Relaxed) > 0
    }

    /// Takes one for a poll that is about to begin.
    pub(crate) fn take(&self) -> bool {
        let less = |count: isize| (count > 0).then(|| count - 1);
        self.free.fetch_update(AcqRel, Relaxed, less).is_ok()
    }

    pub(crate) fn give(&self) {
        self.free.fetch_add(1, AcqRel);
    }

    /// The end of a poll that stood so.
    pub(crate) fn end(&self, standing: Standing) {
        match standing {
            Standing::Held | Standing::Owed => self.give(),
            Standing::Blocked => _ = self.blocked.fetch_sub(1, AcqRel),
            Standing::Early => _ = self.early.fetch_sub(1, AcqRel),
            Standing::Called => _ = self.called.fetch_sub(1, AcqRel),
        }
    }

    /// The poll, which stood so, is going to block, and has said so. `false`: others have its permit already.
    pub(crate) fn lend(&self, permit: &Permit, kind: Kind, standing: Standing) -> bool {
        let has_one = matches!(standing, Standing::Held | Standing::Owed);
        let (lent, none) = (encode(kind, standing), 0);
        // The monitor may be faster.
        let is_lent = has_one
            && permit
                .0
                .compare_exchange(lent, none, AcqRel, Relaxed)
                .is_ok();
        if is_lent {
            self.give();
        }
        is_lent
    }

    /// The poll has lent its permit, and goes on.
    pub(crate) fn take_back(&self, permit: &Permit, kind: Kind) {
        self.free.fetch_sub(1, AcqRel);
        permit.hold(kind, Standing::Owed);
    }
}

/// What the monitor does. `true`: it was done; who has given a permit back then notifies a worker if there is work.
impl Permits {
    /// The poll is blocked: others have its permit until it goes on.
    pub(crate) fn block(&self, permit: &Permit, kind: Kind, standing: Standing) -> bool {
        let has_one = matches!(standing, Standing::Held | Standing::Owed);
        has_one && self.give_away(permit, kind, standing, Standing::Blocked)
    }

    /// The poll, which was blocked, goes on.
    ///
    /// It first has the permit, and then it is counted: if its end comes in between, there is one more permit for a
    /// moment, while the other way round there would be one less, and somebody might fall asleep over that.
    pub(crate) fn go_on(&self, permit: &Permit, kind: Kind) -> bool {
        let goes_on = permit.change(kind, Standing::Blocked, Standing::Owed);
        if goes_on {
            self.blocked.fetch_sub(1, AcqRel);
            self.free.fetch_sub(1, AcqRel);
        }
        goes_on
    }

    /// The poll computes for long: others have its permit, unless that is so of too many.
    pub(crate) fn give_back_early(&self, permit: &Permit, kind: Kind) -> bool {
        let may_be = self.early.load(Relaxed) < self.all;
        may_be && self.give_away(permit, kind, Standing::Held, Standing::Early)
    }

    /// The lane stands still: others have the permit of this poll, which stood so.
    pub(crate) fn call_in(&self, permit: &Permit, kind: Kind, standing: Standing) -> bool {
        self.give_away(permit, kind, standing, Standing::Called)
    }

    /// How many times as many polls as there are permits go on without one because the lane stood still.
    pub(crate) fn overdrawn(&self) -> usize {
        self.called.load(Relaxed) / self.all.max(1)
    }

    /// Whether polls of this kind are known to block.
    pub(crate) fn any_blocked(&self) -> bool {
        self.blocked.load(Relaxed) > 0
    }

    fn give_away(&self, permit: &Permit, kind: Kind, from: Standing, to: Standing) -> bool {
        let count = match to {
            Standing::Blocked => &self.blocked,
            Standing::Early => &self.early,
            _ => &self.called,
        };
        // Counted before the poll can see it, which counts it off at its end.
        count.fetch_add(1, AcqRel);
        let is_given = permit.change(kind, from, to);
        if is_given {
            self.give();
        } else {
            count.fetch_sub(1, AcqRel);
        }
        is_given
    }
}
