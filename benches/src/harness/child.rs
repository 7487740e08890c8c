//! The main of a `row` child: measure one row on one peer, print one line of JSON.

use std::io;

use super::options::Error;
use super::plan::Plan;
use crate::rows::{self, Work};
use crate::runtimes::Peer;
use crate::sys::{counters, limits};

/// A `row` command line.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The row's full name.
    pub(crate) name: String,
    /// On which runtime.
    pub(crate) peer: Peer,
    /// How.
    pub(crate) plan: Plan,
}

/// Measures and prints. The process should end afterwards: the runtime's threads may live on.
///
/// # Errors
/// When there is no such micro row, or standard output is closed.
///
/// # Panics
/// When the workload's result is wrong; the parent reports that as the row's failure.
pub(crate) fn run(job: &Job) -> Result<(), Error> {
    limits::raise_open_files();
    let row = rows::select(std::slice::from_ref(&job.name))?.remove(0);
    let Work::Micro(work) = row.work else {
        return Err(format!(
            "{} is measured by a server and a load generator, not in a child",
            job.name
        )
        .into());
    };
    if !row.includes(job.peer) {
        return Err(format!("{} takes no part in {}", job.peer, job.name).into());
    }
    crate::runtimes::filch::be(job.peer);
    let sample = work(job.peer, &job.plan);
    let sample = sample.with(
        "peak MiB",
        counters::peak_memory("self") / f64::from(1 << 20),
    );
    serde_json::to_writer(io::stdout().lock(), &sample)?;
    println!();
    Ok(())
}
