//! What a test learns of a future that was cancelled everywhere.

use std::fmt;
use std::panic::Location;

use filch_executor::leaf::{Wait, WaitKind};

/// One place where a future has returned Pending: an `.await` that had to wait.
#[derive(Clone, Copy, Debug)]
pub struct Await {
    number: usize,
    wait: Option<Wait>,
}

impl Await {
    pub(super) fn new(number: usize, wait: Option<Wait>) -> Await {
        Await { number, wait }
    }

    /// Which one it is in one run of the future, from 1. An `.await` in a loop, or one that is woken in vain, counts
    /// each time. 0 is before the first poll.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// What it waits for. `None`: something that is not filch's, or nothing yet.
    #[must_use]
    pub fn kind(&self) -> Option<WaitKind> {
        self.wait.map(|wait| wait.kind)
    }

    /// Where in the source the operation was called that waits.
    #[must_use]
    pub fn at(&self) -> Option<&'static Location<'static>> {
        self.wait.map(|wait| wait.at)
    }
}

impl fmt::Display for Await {
    /// `await 3, for lock at src/a.rs:1:2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.number, self.wait) {
            (0, _) => f.write_str("before its first poll"),
            (number, Some(wait)) => write!(f, "await {number}, for {} at {}", wait.kind, wait.at),
            (number, None) => write!(f, "await {number}, for something that is not filch's"),
        }
    }
}

/// What [`cancel_everywhere`](crate::testing::cancel_everywhere) has done.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub(super) awaits: Vec<Await>,
    pub(super) runs: usize,
    pub(super) counts: Option<(usize, usize)>,
    pub(super) has_more: bool,
}

impl Report {
    /// Where the future was cancelled, in the order in which it comes there.
    #[must_use]
    pub fn awaits(&self) -> &[Await] {
        &self.awaits
    }

    /// How often the future was run, to its end or until it was cancelled.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Whether the future has had as many awaits in each run to its end. Where others than the runtime decide, as with
    /// real sockets, it need not.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        self.counts.is_none_or(|(least, most)| least == most)
    }

    /// Whether it was cancelled at each of its awaits, and not only at as many as were asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.has_more
    }

    /// A run ended by itself, or would have waited for ever, after so many awaits.
    pub(super) fn count(&mut self, awaits: usize) {
        let (least, most) = self.counts.unwrap_or((awaits, awaits));
        self.counts = Some((least.min(awaits), most.max(awaits)));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} runs, cancelled", self.runs)?;
        for (at, place) in self.awaits.iter().enumerate() {
            let separator = if at == 0 { ":" } else { ";" };
            write!(f, "{separator} {place}")?;
        }
        if let Some((least, most)) = self.counts.filter(|_| !self.is_steady()) {
            write!(f, "; from run to run it had {least} to {most} awaits")?;
        }
        match self.has_more {
            true => f.write_str("; it has more awaits than were asked for"),
            false => Ok(()),
        }
    }
}
