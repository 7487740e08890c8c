//! How often a workload runs inside its child, and what is read around it. The rows call [`Plan::measure`].

use std::time::Duration;

use super::clock::Moment;
use super::sample::Sample;
use super::stats;
use crate::alloc;
use crate::sys::counters;

/// What the parent asks of one child.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Worker threads of the runtime.
    pub(crate) workers: usize,
    /// Tiny sizes: shows that the row works, measures nothing.
    pub(crate) smoke: bool,
    /// How long to measure, warm-up not included.
    pub(crate) budget: Duration,
    /// Exactly this many passes instead, without warm-up: for counting system calls from outside.
    pub(crate) passes: Option<u32>,
}

impl Plan {
    /// A workload's size: `full`, or `smoke` in a smoke run.
    pub(crate) fn size(&self, full: usize, smoke: usize) -> usize {
        if self.smoke { smoke } else { full }
    }

    /// Runs `pass`, which does `operations` operations and returns how long they took: warm-up for a quarter of the
    /// budget, then passes until the budget is spent, then one more that counts allocations. The figure is the median
    /// pass, in nanoseconds per operation.
    pub(crate) fn measure(&self, operations: usize, mut pass: impl FnMut() -> Duration) -> Sample {
        if self.passes.is_none() && !self.smoke {
            repeat(self.budget / 4, 1, &mut pass);
        }
        let sample = self.timed(operations, &mut pass);
        if self.passes.is_some() {
            return sample;
        }
        let ((), counts) = alloc::counted(|| {
            pass();
        });
        let operations = operations as f64;
        sample
            .with("allocs/op", counts.allocations as f64 / operations)
            .with("alloc B/op", counts.bytes as f64 / operations)
    }

    /// As [`Plan::measure`], but for a pass that takes seconds: one pass, no warm-up, no counting.
    pub(crate) fn measure_once(
        &self,
        operations: usize,
        mut pass: impl FnMut() -> Duration,
    ) -> Sample {
        Plan {
            passes: Some(1),
            ..self.clone()
        }
        .timed(operations, &mut pass)
    }

    fn timed(&self, operations: usize, pass: &mut impl FnMut() -> Duration) -> Sample {
        let before = counters::own();
        let times = match (self.passes, self.smoke) {
            (Some(passes), _) => (0..passes).map(|_| pass()).collect(),
            (None, true) => vec![pass()],
            (None, false) => repeat(self.budget, 3, pass),
        };
        let used = counters::own().since(before);
        let all = (operations * times.len()) as f64;
        let per_operation = times
            .iter()
            .map(|time| time.as_nanos() as f64 / operations as f64);
        let summary = stats::summarise(per_operation).expect("at least one pass ran");
        Sample::new(summary.median)
            .with("ctx/op", used.switches / all)
            .with("cpu ns/op", used.cpu_ns / all)
            .with("ops", all)
    }
}

/// Runs `pass` until `budget` is spent and at least `least` times.
fn repeat(budget: Duration, least: usize, pass: &mut impl FnMut() -> Duration) -> Vec<Duration> {
    let start = Moment::now();
    let mut times = Vec::new();
    while times.len() < least || start.elapsed() < budget {
        times.push(pass());
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(passes: Option<u32>) -> Plan {
        Plan {
            workers: 1,
            smoke: false,
            budget: Duration::from_millis(1),
            passes,
        }
    }

    #[test]
    fn the_figure_is_the_median_pass_per_operation() {
        let mut durations = [9000, 100, 200, 300, 400]
            .into_iter()
            .cycle()
            .map(Duration::from_nanos);
        let sample = plan(Some(5)).measure(10, || durations.next().unwrap());
        assert_eq!(sample.value, 30.0);
        assert_eq!(sample.extras["ops"], 50.0);
    }

    #[test]
    fn a_fixed_number_of_passes_has_no_warm_up_and_no_counting_pass() {
        let mut passes = 0;
        plan(Some(2)).measure(1, || {
            passes += 1;
            Duration::from_nanos(1)
        });
        assert_eq!(passes, 2);
    }

    #[test]
    fn allocations_are_counted_per_operation() {
        let sample = plan(None).measure(2, || {
            let blocks = [Vec::<u8>::with_capacity(64), Vec::with_capacity(64)];
            std::hint::black_box(&blocks);
            Duration::from_micros(600)
        });
        assert!(sample.extras["allocs/op"] >= 1.0, "{sample:?}");
        assert!(sample.extras["alloc B/op"] >= 64.0, "{sample:?}");
    }
}
