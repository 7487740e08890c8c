//! What several parts of the server know of one request: its body's reader, its answer, and the task of its stream.

use hyper::StatusCode;
use hyper::body::Incoming;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

const TOO_LARGE: u8 = 1;
const STALLED: u8 = 2;
const CUT_OFF: u8 = 3;

/// Orderings: relaxed. Each flag says all there is to say, and whoever sets one ends its own poll with that.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    verdict: AtomicU8,
    /// Odd from the moment at which a piece of the answer was given until the next is asked for.
    pieces: AtomicUsize,
    /// Bytes of the request's body that were read.
    received: AtomicU64,
    /// Nobody reads the request's body any more, and its end has not come.
    unread: AtomicBool,
    /// Over HTTP/1: that body.
    rest: Mutex<Option<Incoming>>,
}

impl Exchange {
    pub(super) fn is_too_large(&self) {
        self.verdict.store(TOO_LARGE, Relaxed);
    }

    pub(super) fn has_stalled(&self) {
        self.verdict.store(STALLED, Relaxed);
    }

    pub(super) fn is_cut_off(&self) {
        self.verdict.store(CUT_OFF, Relaxed);
    }

    /// How a limit has ended it, as an answer.
    pub(super) fn refusal(&self) -> Option<StatusCode> {
        match self.verdict.load(Relaxed) {
            TOO_LARGE => Some(StatusCode::PAYLOAD_TOO_LARGE),
            STALLED => Some(StatusCode::REQUEST_TIMEOUT),
            _ => None,
        }
    }

    pub(super) fn was_ended(&self) -> bool {
        self.verdict.load(Relaxed) != 0
    }

    pub(super) fn receives(&self, bytes: u64) {
        self.received.fetch_add(bytes, Relaxed);
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    pub(super) fn stays_unread(&self) {
        self.unread.store(true, Relaxed);
    }

    /// The same over HTTP/1, where the connection can go on if the rest comes soon.
    pub(super) fn leaves(&self, rest: Incoming) {
        self.stays_unread();
        *self.rest.lock() = Some(rest);
    }

    pub(super) fn take_rest(&self) -> Option<Incoming> {
        self.rest.lock().take()
    }

    /// The rest has come.
    pub(super) fn is_read(&self) {
        self.unread.store(false, Relaxed);
    }

    pub(super) fn is_unread(&self) -> bool {
        self.unread.load(Relaxed)
    }

    /// The next piece is asked for.
    pub(super) fn asks(&self) {
        let pieces = self.pieces.load(Relaxed);
        self.pieces.store(pieces + pieces % 2, Relaxed);
    }

    /// There it is.
    pub(super) fn gives(&self) {
        self.pieces.fetch_add(1, Relaxed);
    }

    /// A number for the piece that was given last, if nobody has asked for another one.
    pub(super) fn given(&self) -> Option<usize> {
        let pieces = self.pieces.load(Relaxed);
        (pieces % 2 == 1).then_some(pieces)
    }
}
