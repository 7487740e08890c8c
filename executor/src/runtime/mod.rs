//! A runtime as users have it in hand: how it is configured and built, what it offers, how it ends.
//!
//! Users come in, through `lib.rs`: the builder, both runtimes, the handle, and the functions that ask the current
//! thread for its runtime. Here the threads are started, too: each kind is one function of `threads.rs`.
//!
//! Never in here: a protocol between threads. Those are in the wings below, and nothing below knows this one.

pub(crate) mod end;
pub(crate) mod threads;

pub(crate) mod block_on;
pub(crate) mod spawn;

pub(crate) mod handle;
pub(crate) mod local;
pub(crate) mod threaded;

pub(crate) mod builder;

pub(crate) mod clock;
pub(crate) mod tasks;

#[cfg(feature = "tokio")]
pub(crate) mod guest;
