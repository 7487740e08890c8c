//! What `tests/budget` needs of the tests' common parts.

use filch::{Handle, Runtime};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How long a test may take before it counts as hung.
const LIMIT: Duration = Duration::from_secs(60);

/// A runtime with this many workers.
pub(crate) fn runtime(workers: usize) -> Runtime {
    let builder = Runtime::builder().workers(workers);
    builder.build().expect("a runtime")
}

/// While it lives, its test may not take longer than a limit.
pub(crate) struct Limit(#[expect(dead_code, reason = "it is held")] Sender<()>);

impl Limit {
    pub(crate) fn new() -> Limit {
        let (ended, watch) = channel();
        let test = std::thread::current().name().unwrap_or("?").to_owned();
        std::thread::spawn(move || {
            if watch.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                eprintln!("`{test}` has not ended after {LIMIT:?}");
                std::process::exit(101);
            }
        });
        Limit(ended)
    }

    /// Says nothing of it here.
    pub(crate) fn watch(&self, _handle: Handle) {}
}
