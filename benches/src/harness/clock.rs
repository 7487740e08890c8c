//! The one place of the harness that reads a clock. The runtimes' own clocks are among what is measured, so the
//! harness has its own.

use std::time::{Duration, Instant};

/// A moment; the harness's own instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Instant);

impl Moment {
    /// Reads the clock.
    pub(crate) fn now() -> Moment {
        Moment(Instant::now())
    }

    /// The time since this moment; zero if it lies ahead.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The time from `earlier` to this moment; zero if it is not earlier.
    pub(crate) fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, later: Duration) -> Moment {
        Moment(self.0 + later)
    }
}

/// Keeps the calling thread computing until it has used `amount` of CPU time: a fixed amount of work, however often
/// the thread is preempted meanwhile. `step` is called after every step with the CPU time that it took.
pub(crate) fn compute(amount: Duration, mut step: impl FnMut(Duration)) {
    let mut now = thread_cpu();
    let end = now + amount;
    while now < end {
        let before = now;
        one_step();
        now = thread_cpu();
        step(now - before);
    }
}

/// About 50 µs of arithmetic between two looks at the clock, which is a system call here.
fn one_step() {
    rounds(25_000);
}

/// Rounds of [`rounds`] that take about a microsecond.
pub(crate) const ROUNDS_PER_MICRO: u32 = 500;

/// A fixed amount of arithmetic: one chain of operations in which no compiler finds a short cut, so that the Go peer's
/// steps are as long.
pub(crate) fn rounds(count: u32) {
    let mut x = std::hint::black_box(1_u64);
    for i in 0..u64::from(count) {
        x = (x ^ (x >> 29))
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(i);
    }
    std::hint::black_box(x);
}

/// The CPU time that the calling thread has used.
pub(crate) fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
