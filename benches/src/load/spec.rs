//! What is asked of the load generator, and what it answers.

use std::time::Duration;

use hdrhistogram::Histogram;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Connections, or sockets, at a time.
    pub(crate) connections: usize,
    /// Bytes per request, and per answer.
    pub(crate) bytes: usize,
    /// When.
    pub(crate) mode: Mode,
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Each connection sends its next request after the last answer.
    Closed,
    /// At a fixed rate over all connections.
    Open {
        /// Requests per second.
        rate: u32,
    },
    /// As closed, but each request has a connection of its own, and the latency includes connecting.
    Connect,
    /// One request per connection, then nothing.
    Idle,
    /// None: one connection hears how late the server's ticks are, and those are the latencies.
    Ticks,
}

/// How long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Before anything is counted.
    pub(crate) warm_up: Duration,
    /// While it is.
    pub(crate) measured: Duration,
    /// How much longer it may take until there is anything to count: then the window ends with the first answer.
    pub(crate) patience: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Requests answered within the window.
    pub(crate) requests: u64,
    /// The window's real length.
    pub(crate) elapsed: Duration,
    /// Their latencies in nanoseconds; in an open loop also the age of those that were due and had no answer at the
    /// end.
    pub(crate) latencies: Histogram<u64>,
    /// In an open loop: how much later than due the generator itself sent, in nanoseconds, where no request was before
    /// it on its connection. What its own waiting adds to the latencies.
    pub(crate) begun_late: Histogram<u64>,
    /// Datagrams without an answer for a tenth of a second at the end: lost, or the server (or the machine) stood
    /// still.
    pub(crate) overdue: u64,
    /// The share of a CPU that the generator itself used: near 1, it is what was measured.
    pub(crate) generator_cpu: f64,
}

/// What was read of the server where the window began and where it ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observed<T> {
    /// At the beginning.
    pub(crate) before: T,
    /// At the end.
    pub(crate) after: T,
    /// The time between the two readings.
    pub(crate) over: Duration,
}

/// An empty histogram from 1 ns to a minute with three digits.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are valid")
}
