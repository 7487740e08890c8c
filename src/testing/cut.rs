//! Where and how one run of a future was ended.

use std::fmt;
use std::panic::Location;

use filch_executor::leaf::WaitKind;

use super::report::Await;

/// How a future is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CutBy {
    /// It is dropped by the code that polled it, as a timeout does.
    Drop,
    /// It is a branch of a [`select!`](crate::select!), and another one is ready.
    Select,
    /// It is a task's, which is aborted.
    Abort,
}

impl CutBy {
    pub(super) const ALL: [CutBy; 3] = [CutBy::Drop, CutBy::Select, CutBy::Abort];
}

impl fmt::Display for CutBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CutBy::Drop => "dropped",
            CutBy::Select => "dropped as a branch of a select!",
            CutBy::Abort => "aborted as a task",
        })
    }
}

/// How one run of a future has ended: what the check of [`cancel_everywhere`](crate::testing::cancel_everywhere) gets.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub(super) place: Await,
    pub(super) by: CutBy,
    pub(super) woken: bool,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was cancelled where it was to be.
    Cut,
    /// It would have waited for ever, and was cancelled there.
    Stalled,
    Finished,
}

impl Cut {
    /// After how many awaits: how often the future had returned Pending. With 0, and if it has not
    /// [finished](Cut::is_finished), it was never polled.
    #[must_use]
    pub fn number(&self) -> usize {
        self.place.number()
    }

    /// How it was cancelled, or would have been.
    #[must_use]
    pub fn by(&self) -> CutBy {
        self.by
    }

    /// Whether it was woken before it was cancelled, and what it had waited for was there: a value, a permit, a lock
    /// that was handed to it.
    #[must_use]
    pub fn was_woken(&self) -> bool {
        self.woken && self.end == End::Cut
    }

    /// Whether it ran to its end, and nothing was cancelled. Its output was dropped.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.end == End::Finished
    }

    /// Whether it would have waited for ever: nobody was left who could have woken it.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.end == End::Stalled
    }

    /// What it was waiting for; see [`Await::kind`].
    #[must_use]
    pub fn kind(&self) -> Option<WaitKind> {
        self.place.kind()
    }

    /// Where it was waiting; see [`Await::at`].
    #[must_use]
    pub fn at(&self) -> Option<&'static Location<'static>> {
        self.place.at()
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            End::Finished => return write!(f, "finished, after {} awaits", self.number()),
            End::Stalled => write!(f, "{} where it would have waited for ever", self.by)?,
            End::Cut if self.woken => write!(f, "{} after it was woken", self.by)?,
            End::Cut => self.by.fmt(f)?,
        }
        match self.number() {
            0 => write!(f, " {}", self.place),
            _ => write!(f, " at {}", self.place),
        }
    }
}
