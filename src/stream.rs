//! Streams: what gives one value after another, as [`TcpListener::incoming`] does.
//!
//! The trait and its combinators are those of the `futures` crates, so that whatever speaks them works
//! with filch. What needs time is a trait beside, as two traits cannot share a name: [`StreamTimeExt`], with `timeout`,
//! `throttle` and `chunks_timeout`. [`iter`] makes a stream of what is there already, [`StreamMap`] one of several, and
//! [`wrappers`] of intervals, channels and listeners.
//!
//! [`TcpListener::incoming`]: crate::net::TcpListener::incoming

mod chunks_timeout;
mod iter;
mod map;
mod throttle;
mod timeout;
mod timeout_repeating;

mod time;

pub mod wrappers;

pub use crate::structure::FuturesUnordered;
pub use chunks_timeout::ChunksTimeout;
pub use futures_core::Stream;
pub use futures_util::StreamExt;
pub use iter::{Iter, iter};
pub use map::{StreamMap, StreamNotifyClose};
pub use throttle::Throttle;
pub use time::StreamTimeExt;
pub use timeout::TimeoutStream;
pub use timeout_repeating::TimeoutRepeating;
