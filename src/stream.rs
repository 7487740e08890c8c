//! Streams: what gives one value after another, as [`TcpListener::incoming`] does.
//!
//! The trait and its combinators are those of the `futures` crates, so that whatever speaks them works
//! with filch.
//!
//! [`TcpListener::incoming`]: crate::net::TcpListener::incoming

mod futures_unordered;

pub use futures_core::Stream;
pub use futures_unordered::FuturesUnordered;
pub use futures_util::StreamExt;
