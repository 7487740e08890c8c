//! One moment by both clocks: this crate's and std's. Instants of one become instants of the other by their distance
//! from it.

use std::sync::OnceLock;
use std::time::Instant;

/// A moment in nanoseconds of [`now`](super::now), and the same one by std's clock.
#[derive(Clone, Copy)]
pub(crate) struct Anchor {
    pub(crate) nanos: u64,
    pub(crate) std: Instant,
}

/// It is the process's, taken once, so that converting there and back changes nothing.
static ANCHOR: OnceLock<Anchor> = OnceLock::new();

/// The anchor. Its two readings are some tens of nanoseconds apart, std's first: a deadline is never early by the other
/// clock.
pub(crate) fn anchor() -> Anchor {
    *ANCHOR.get_or_init(|| {
        let std = Instant::now();
        Anchor {
            nanos: super::now(),
            std,
        }
    })
}
