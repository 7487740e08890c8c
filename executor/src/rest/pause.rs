//! What a paused clock waits for besides sleep: holds, which keep it where it is, and those who want to know when
//! everybody is at rest.
//!
//! ```text
//!  who releases a hold                      who pauses the clock
//!  H1  count down                           P1  stop the clock
//!  H2  fence(SeqCst)        [hold]          P2  fence(SeqCst)     [pause]
//!  H3  does the clock stand? wake keeper    P3  wake keeper, who looks at the count
//! ```
//!
//! Whichever fence comes first, either H3 sees that the clock stands, or the keeper sees the count.
//!
//! Whoever leaves rest while the keeper looks, or moves the clock, waits for the end of that: somebody outside has
//! called him, and what he then asks for the time must not see it move (`seats/pause.rs`).

use crate::primitive::Mutex;
use crate::primitive::atomic::Ordering::{AcqRel, Acquire, SeqCst};
use crate::primitive::atomic::{AtomicUsize, fence};
use std::task::Waker;

/// What `look` finds, if everybody was at rest while it looked. `round` says how often threads have parked up to now,
/// if all are parked: see `seats/pause.rs`, which also says why the look lies between two rounds.
pub(crate) fn look_at_rest<T>(
    round: impl Fn() -> Option<u64>,
    look: impl FnOnce() -> Option<T>,
) -> Option<T> {
    let before = round()?;
    let found = look()?;
    (round() == Some(before)).then_some(found)
}

/// The holds of a runtime's clock, and who waits for rest.
#[derive(Debug)]
pub(crate) struct Pause {
    holds: AtomicUsize,
    settling: Mutex<Settling>,
    /// The keeper's, from its first look at the others until the clock has moved.
    step: Mutex<()>,
}

#[derive(Debug)]
struct Settling {
    wakers: Vec<Waker>,
    /// How often everybody was found at rest while somebody wanted to know.
    round: u64,
}

impl Pause {
    pub(crate) fn new() -> Pause {
        Pause {
            holds: AtomicUsize::new(0),
            settling: Mutex::new(Settling {
                wakers: Vec::new(),
                round: 0,
            }),
            step: Mutex::new(()),
        }
    }

    /// The keeper's step: while `step` runs nobody comes back from rest.
    pub(crate) fn step<T>(&self, step: impl FnOnce() -> T) -> T {
        let _step = self.step.lock();
        step()
    }

    /// A thread comes back from rest, and has said so: its word, or its seat, shows it. If the keeper does not see that
    /// any more, this waits until the clock has moved.
    pub(crate) fn await_step(&self) {
        drop(self.step.lock());
    }

    /// While it is held, a paused clock does not move by itself.
    pub(crate) fn hold(&self) {
        self.holds.fetch_add(1, AcqRel);
    }

    /// H1 and H2. `true`: it was the last hold.
    pub(crate) fn release(&self) -> bool {
        let is_last = self.holds.fetch_sub(1, AcqRel) == 1;
        fence(SeqCst); // [hold], pairs with [pause]
        is_last
    }

    /// P2.
    pub(crate) fn announce(&self) {
        fence(SeqCst); // [pause], pairs with [hold]
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holds.load(Acquire) > 0
    }

    /// Has `waker` woken when everybody is at rest: when there has been another round than this.
    pub(crate) fn settle(&self, waker: Waker) -> u64 {
        let mut settling = self.settling.lock();
        settling.wakers.push(waker);
        settling.round
    }

    pub(crate) fn round(&self) -> u64 {
        self.settling.lock().round
    }

    /// Everybody is at rest: who wanted to know that.
    pub(crate) fn settled(&self) -> Vec<Waker> {
        let mut settling = self.settling.lock();
        settling.round += 1;
        std::mem::take(&mut settling.wakers)
    }
}
