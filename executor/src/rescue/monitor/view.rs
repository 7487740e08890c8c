//! What a look has shown: for the backstop, which decides by it when to look again and whether to poll.

use filch_timer::Instant;

/// What a look has shown.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Some worker polls, and is not known to be blocked: the runtime is not idle.
    pub(crate) busy: bool,
    /// Some worker has gone from one poll to another since the last look: it looks after I/O.
    pub(crate) moving: bool,
    /// Some worker waits for a processor: one more thread that is busy would make it wait longer.
    pub(crate) starved: bool,
    /// A worker is stuck in computing.
    pub(crate) stuck: bool,
    /// Something goes on that is worth looking more often for a while.
    pub(crate) tense: bool,
    /// A poll has become long, and the next look, which should be soon, tells in what way.
    pub(crate) undecided: bool,
    /// Somebody was called because work waits while workers block: there may soon be more of that.
    pub(crate) growing: bool,
    /// When the next report is due.
    pub(crate) report: Option<Instant>,
    /// Spare threads are about to be sent home.
    pub(crate) surplus: bool,
}

impl View {
    /// Something is to be reported then, if it lasts.
    pub(super) fn report_at(&mut self, due: Instant) {
        let earlier = self.report.is_none_or(|report| due < report);
        self.report = if earlier { Some(due) } else { self.report };
    }
}
