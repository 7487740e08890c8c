//! What is seen of one connection: by its stream, by its requests, and by the task that watches its limits.
//!
//! Orderings: numbers and flags are relaxed. Over HTTP/1 all who touch them are polled by one task. Over HTTP/2
//! requests have tasks of their own, whose counts are read late at worst; the sums are read after those tasks were
//! joined by their group's lock.

use crate::sync::Event;
use filch_executor::foreign::WakerCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::Context;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is asked.
    Idle,
    /// A head has begun, and its end is not there.
    Head,
    /// A request is being answered.
    Busy,
    /// What was written is not taken.
    Blocked,
}

/// Who waits for an upgraded connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Read,
    Write,
}

#[derive(Default)]
pub(crate) struct Meter {
    /// HTTP/2, where requests are answered side by side.
    pub(super) multiplexed: AtomicBool,
    in_flight: AtomicUsize,
    /// Bytes have come that belong to no request yet.
    fresh: AtomicBool,
    /// The last write had no room.
    blocked: AtomicBool,
    /// Grows with each request and each write.
    progress: AtomicUsize,
    /// It is an upgraded connection, and in somebody else's hands.
    handed_over: AtomicBool,
    cut: AtomicBool,
    /// Whoever waits for an upgraded connection: to read it, to write it.
    wakers: [Cell; 2],
    /// The stream is gone.
    pub(super) gone: Event,
    pub(super) tally: Tally,
}

/// What became of requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) finished: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) left: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) upgraded: AtomicU64,
}

impl Tally {
    pub(crate) fn add(&self, other: &Tally) {
        for (to, from) in [
            (&self.finished, &other.finished),
            (&self.refused, &other.refused),
            (&self.left, &other.left),
            (&self.cancelled, &other.cancelled),
            (&self.upgraded, &other.upgraded),
        ] {
            to.fetch_add(from.load(Relaxed), Relaxed);
        }
    }
}

impl Meter {
    pub(super) fn phase(&self) -> Phase {
        if self.blocked.load(Relaxed) {
            Phase::Blocked
        } else if self.in_flight.load(Relaxed) > 0 {
            Phase::Busy
        } else if self.fresh.load(Relaxed) && !self.multiplexed.load(Relaxed) {
            Phase::Head
        } else {
            Phase::Idle
        }
    }

    pub(super) fn progress(&self) -> usize {
        self.progress.load(Relaxed)
    }

    /// A request has come whole, but for its body.
    pub(super) fn begins(&self) {
        self.in_flight.fetch_add(1, Relaxed);
        self.fresh.store(false, Relaxed);
        self.progress.fetch_add(1, Relaxed);
    }

    /// Its answer is out, or never will be.
    pub(super) fn ends(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
        // What came meanwhile was its body. A head that followed in the same piece counts as nothing.
        self.fresh.store(false, Relaxed);
    }

    pub(super) fn has_read(&self) {
        self.fresh.store(true, Relaxed);
    }

    pub(super) fn has_written(&self, blocked: bool) {
        if !blocked {
            self.progress.fetch_add(1, Relaxed);
        }
        self.blocked.store(blocked, Relaxed);
    }

    pub(super) fn hand_over(&self) {
        self.handed_over.store(true, Relaxed);
        self.tally.upgraded.fetch_add(1, Relaxed);
    }

    /// The connection's task is being dropped, or has told it to end.
    pub(super) fn is_ended_by_server(&self) -> bool {
        self.cut.load(Relaxed)
    }

    pub(super) fn is_handed_over(&self) -> bool {
        self.handed_over.load(Relaxed)
    }

    /// Whoever has the upgraded connection: was it cut off? If not, `cx` is woken by that.
    ///
    /// Orderings: the cell's lock. Whoever cuts sets the flag and then wakes; here the flag is looked at after the
    /// waker was left. Either that one is found, or the flag.
    pub(super) fn poll_cut(&self, side: Side, cx: &Context<'_>) -> bool {
        if self.is_handed_over() {
            let [reader, writer] = &self.wakers;
            match side {
                Side::Read => reader.0.register(cx.waker()),
                Side::Write => writer.0.register(cx.waker()),
            }
        }
        self.cut.load(Relaxed)
    }

    /// Ends an upgraded connection under its user's hands.
    pub(super) fn cut(&self) {
        self.cut.store(true, Relaxed);
        for cell in &self.wakers {
            cell.0.wake();
        }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("phase", &self.phase())
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}

struct Cell(WakerCell);

impl Default for Cell {
    fn default() -> Cell {
        Cell(WakerCell::new())
    }
}
