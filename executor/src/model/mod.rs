//! loom models of this crate's protocols, each with two or three threads and tiny capacities. The types
//! that ship run in them, over loom's atomics, cells and locks (`primitive.rs`).
//!
//! ```text
//! RUSTFLAGS="--cfg filch_loom" LOOM_MAX_PREEMPTIONS=2 cargo test -p filch-executor --release --lib
//! ```
//!
//! A lost wake-up shows as a thread that waits for ever: loom's "deadlock", or, for a thread on its
//! parker's word, "exceeded maximum number of branches". Each model says which line was broken to see it
//! fail. Readiness is modelled in the reactor's crate.

mod away;
mod backstop;
mod idle;
mod join;
mod lane;
mod parker;
mod pause;
mod poller;
mod shutdown;
mod slot;
mod spare;
mod task;

use crate::primitive::atomic::AtomicUsize;
use crate::primitive::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// Wakes a thread of the model.
struct Unpark(loom::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

fn current_thread() -> Waker {
    Waker::from(Arc::new(Unpark(loom::thread::current())))
}

/// A run queue reduced to what the idle protocol knows of it: how long it is. Relaxed, as the deque's
/// own length is; an emptier who sees tasks takes one by a compare-and-swap.
struct Queue(AtomicUsize);

impl Queue {
    fn new() -> Queue {
        Queue(AtomicUsize::new(0))
    }

    fn push(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn is_empty(&self) -> bool {
        self.0.load(Relaxed) == 0
    }

    fn pop(&self) -> bool {
        let mut len = self.0.load(Relaxed);
        while len > 0 {
            match self.0.compare_exchange(len, len - 1, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(now) => len = now,
            }
        }
        false
    }
}
