//! What is seen of one connection: by its stream, by its requests, and by the task that watches its limits.
//!
//! Orderings: numbers and flags are relaxed. Over HTTP/1 all who touch them are polled by one task, so that counting is
//! a load and a store ([`Meter::add`]), which cost a fraction of an addition that others could see. Over HTTP/2
//! requests have tasks of their own, whose counts are read late at worst; the sums are read after those tasks were
//! joined by their group's lock.

use crate::sync::Event;
use crate::time::Instant;
use filch_executor::foreign::WakerCell;
use parking_lot::Mutex;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
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

/// What has become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Fate {
    /// Its client has gone.
    Left,
    /// It was answered to the end.
    Finished,
    /// A limit has ended it.
    Refused,
    /// The server has ended before.
    Cancelled,
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
    /// Bytes that have come and belong to no request yet.
    fresh: AtomicUsize,
    /// What came last does not end with an empty line, as a head does.
    open: AtomicBool,
    /// The last write had no room.
    blocked: AtomicBool,
    /// Grows with each request.
    requests: AtomicUsize,
    /// Grows with each write that was taken.
    writes: AtomicUsize,
    /// Over HTTP/2: since when nothing is asked.
    idle_since: Mutex<Option<Instant>>,
    /// It is an upgraded connection, and in somebody else's hands.
    handed_over: AtomicBool,
    cut: AtomicBool,
    /// The client may still be sending what nobody reads.
    unread: AtomicBool,
    fate: AtomicU8,
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
        } else if self.fresh.load(Relaxed) > 0 && !self.multiplexed.load(Relaxed) {
            Phase::Head
        } else {
            Phase::Idle
        }
    }

    /// Over HTTP/1: a handler is at work, or its answer not at its end.
    pub(super) fn is_answering(&self) -> bool {
        self.in_flight.load(Relaxed) > 0 && !self.multiplexed.load(Relaxed)
    }

    /// What it is doing, and a number that is another one when it has begun with that anew. A client whose pings are
    /// answered is idle all the same.
    pub(super) fn seen(&self) -> (Phase, usize) {
        match self.phase() {
            Phase::Blocked => (Phase::Blocked, self.writes.load(Relaxed)),
            phase => (phase, self.requests.load(Relaxed)),
        }
    }

    /// Since when it is [idle](Phase::Idle), if that is known.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        *self.idle_since.lock()
    }

    /// A request has come whole, but for its body.
    pub(super) fn begins(&self) {
        self.add(&self.in_flight, 1);
        self.fresh.store(0, Relaxed);
        self.add(&self.requests, 1);
    }

    /// Adds to a number of this connection.
    fn add(&self, number: &AtomicUsize, count: usize) {
        if self.multiplexed.load(Relaxed) {
            number.fetch_add(count, Relaxed);
        } else {
            number.store(number.load(Relaxed).wrapping_add(count), Relaxed);
        }
    }

    /// Its answer is out, or never will be.
    ///
    /// What came meanwhile was its body, and perhaps the next head, or half of one. A request whose end is an empty
    /// line, `delimited`, shows which: what is there beyond that line is half a head. Behind a body of a known length
    /// it counts when its next piece comes.
    pub(super) fn ends(&self, delimited: bool) {
        if self.multiplexed.load(Relaxed) {
            if self.in_flight.fetch_sub(1, Relaxed) == 1 {
                *self.idle_since.lock() = Some(Instant::now());
            }
        } else {
            // One less, since numbers wrap around.
            self.add(&self.in_flight, 1_usize.wrapping_neg());
        }
        let half = delimited && self.open.load(Relaxed);
        self.fresh.store(usize::from(half), Relaxed);
    }

    pub(super) fn has_read(&self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        self.add(&self.fresh, piece.len());
        let ended = piece.ends_with(b"\n\r\n")
            || piece.ends_with(b"\n\n")
            || piece == b"\n"
            || piece == b"\r\n";
        self.open.store(!ended, Relaxed);
    }

    /// How much of a head is there.
    pub(super) fn head_bytes(&self) -> usize {
        self.fresh.load(Relaxed)
    }

    /// Somebody has answered before a request's end: what the client is still sending is read, and thrown away.
    pub(super) fn leaves_unread(&self) {
        self.unread.store(true, Relaxed);
    }

    pub(super) fn has_unread(&self) -> bool {
        self.unread.load(Relaxed)
    }

    /// What ends the requests that are still open when the connection is dropped.
    pub(super) fn ends_by(&self, fate: Fate) {
        self.fate.store(fate as u8, Relaxed);
    }

    pub(super) fn fate(&self) -> Fate {
        match self.fate.load(Relaxed) {
            fate if fate == Fate::Cancelled as u8 => Fate::Cancelled,
            fate if fate == Fate::Refused as u8 => Fate::Refused,
            _ => Fate::Left,
        }
    }

    pub(super) fn has_written(&self, blocked: bool) {
        if !blocked {
            self.add(&self.writes, 1);
        }
        self.blocked.store(blocked, Relaxed);
    }

    pub(super) fn hand_over(&self) {
        self.handed_over.store(true, Relaxed);
        self.tell(&self.tally.upgraded);
    }

    /// What has become of a request.
    pub(super) fn counts(&self, fate: Fate) {
        let number = match fate {
            Fate::Finished => &self.tally.finished,
            Fate::Refused => &self.tally.refused,
            Fate::Cancelled => &self.tally.cancelled,
            Fate::Left => &self.tally.left,
        };
        self.tell(number);
    }

    /// Adds one to a number that the server hears of.
    fn tell(&self, number: &AtomicU64) {
        if self.multiplexed.load(Relaxed) {
            number.fetch_add(1, Relaxed);
        } else {
            number.store(number.load(Relaxed) + 1, Relaxed);
        }
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
