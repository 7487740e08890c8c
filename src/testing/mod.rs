//! What tests of concurrent programs need.
//!
//! - [`cancel_everywhere`] cancels a future at each of its awaits in turn, and asks each time whether all is as it
//!   should be. [`CancelEverywhere`] is the same with a seed, and a number of awaits, of one's own.
//! - [`Cut`] tells the check where the future was cancelled and how, [`Report`] the test what there was to cancel.
//!
//! A clock that stands still is in [`time`](crate::time::pause()), an in-memory pair of streams in
//! [`io`](crate::io::duplex()).

mod report;

mod cut;

mod watched;

mod everywhere;

pub use cut::{Cut, CutBy};
pub use everywhere::{CancelEverywhere, cancel_everywhere};
pub use report::{Await, Report};
