//! Clients of databases and brokers on filch, tested against real servers.
//!
//! `.ci/servers` starts the servers, and tells the tests where they are:
//!
//! ```text
//! FILCH_SERVERS=required .ci/servers cargo test --manifest-path services/Cargo.toml
//! ```
//!
//! Without a server its tests are ignored, unless they are required (`build.rs`).
//!
//! [`testing`] is what the tests share. The others are what a client needs to run on filch, where that is more than a
//! stream: programs may copy them.

pub mod grpc;
pub mod lapin_kit;
pub mod postgres;
pub mod redis_kit;
pub mod testing;

pub use testing::{address, server};

/// The programs of the pages. They run, so all servers must be there.
#[cfg(all(doctest, postgres, redis, amqp))]
mod pages {
    #[doc = include_str!("../../docs/guide/databases-and-brokers.md")]
    struct DatabasesAndBrokers;
}
