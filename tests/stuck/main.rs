//! No task stalls another: every worker is stuck in a long poll, and what should go on does.
//!
//! Most of these would wait for ever if it did not: the stuck polls end only when the others have done their part.

#![allow(
    clippy::incompatible_msrv,
    reason = "tests are built with the stable compiler"
)]

#[path = "../common/mod.rs"]
mod common;

mod blocking;
mod cpu;
mod lanes;
mod mixing;
mod refused;
mod reports;
mod spares;
mod standstill;
mod trees;
