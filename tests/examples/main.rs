//! The examples, run as their users run them: as processes, spoken to over loopback.
//!
//! `cargo test` builds the examples next to the tests; after `cargo test --test examples` alone they may be missing
//! or old.

mod tools;

mod chat;
mod programs;
mod servers;
