//! What it costs to wake a thread whose processor has gone idle: the price of a sleep, which differs by a factor of
//! twenty between bare metal and virtual machines, and decides whether looking around before a sleep pays off.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread;
use std::time::Duration;

use crate::harness::clock::Moment;

/// Wakes; the figure is their median.
const WAKES: u32 = 51;
/// So long the sleeper's processor is left alone before each: it is idle then, unless somebody else uses it.
const REST: Duration = Duration::from_millis(2);

/// From the call that wakes a thread which sleeps on an idle processor to that thread's first instruction.
pub(crate) fn measure() -> Duration {
    let start = Moment::now();
    let called = Arc::new(AtomicU64::new(0));
    let theirs = Arc::clone(&called);
    let sleeper = thread::spawn(move || {
        let mut waits: Vec<Duration> = (0..WAKES).map(|_| one_wait(start, &theirs)).collect();
        waits.sort();
        waits[waits.len() / 2]
    });
    for _ in 0..WAKES {
        // The caller stays awake: its own processor is not the one that is to be woken.
        let rest = Moment::now();
        while rest.elapsed() < REST || called.load(Acquire) != 0 {
            std::hint::spin_loop();
        }
        called.store(nanoseconds(start.elapsed()), Release);
        sleeper.thread().unpark();
    }
    sleeper.join().unwrap_or_default()
}

fn one_wait(start: Moment, called: &AtomicU64) -> Duration {
    loop {
        thread::park();
        let woken = start.elapsed();
        let at = called.swap(0, Acquire);
        if at > 0 {
            return woken.saturating_sub(Duration::from_nanos(at));
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_wake_takes_some_time() {
        assert!(!super::measure().is_zero());
    }
}
