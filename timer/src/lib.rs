//! Time for the filch runtime: what the time is, and who waits for it.
//!
//! This crate holds the clock, a hierarchical timer wheel, and one worker's wheel behind a lock. It knows neither
//! tasks nor workers nor the operating system's poller: it takes a [`Waker`](std::task::Waker), and hands due wakers
//! back to the caller, who wakes them after every lock is released. It never sleeps and never starts a thread.
//! The executor is its only caller; users reach it as `filch::time`.
//!
//! In reading order:
//!
//! - `sys`: the operating system's clock.
//! - [`Instant`]: a point in time, and its arithmetic.
//! - `face`: what a clock shows that can be stopped.
//! - [`Clock`]: where the time comes from.
//! - `slab`: where the wheel's entries live: chunks that never move and are given back when they drain.
//! - `slots`: the wheel's geometry: levels, slots, which of them are occupied, and each one's earliest deadline.
//! - [`Wheel`]: the structure that brings these together. It is pure: the time is an argument.
//! - [`Timers`]: a wheel of wakers that several threads may use, with its next deadline published in an atomic.

// One function has to: `sys/linux.rs` says why.
#![deny(unsafe_code)]

mod sys;

mod instant;

mod face;

mod clock;

mod slab;

mod slots;

mod wheel;

mod timers;

pub use clock::{Clock, see_time_through, system_now};
pub use instant::Instant;
pub use slab::Key;
pub use timers::{Inserted, Left, Timers};
pub use wheel::Wheel;
